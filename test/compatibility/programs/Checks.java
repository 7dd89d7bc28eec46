import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.mlflow.api.proto.ModelRegistry.ModelVersion;
import org.mlflow.api.proto.Service.Metric;
import org.mlflow.api.proto.Service.Param;
import org.mlflow.api.proto.Service.Run;
import org.mlflow.api.proto.Service.RunStatus;
import org.mlflow.api.proto.Service.RunTag;
import org.mlflow.api.proto.Service.ViewType;
import org.mlflow.tracking.ActiveRun;
import org.mlflow.tracking.MlflowClient;
import org.mlflow.tracking.MlflowClientException;
import org.mlflow.tracking.MlflowContext;
import org.mlflow.tracking.RunsPage;

/** What the Java client can do. Prints a line for each check: its name, a tab, what it answered. */
public class Checks {
  interface Check {
    Object answer(MlflowClient client) throws Exception;
  }

  static final long MINUTE = 1_700_000_000_000L;

  public static void main(String[] args) {
    Map<String, Check> checks = new LinkedHashMap<>();
    checks.put("experiments", Checks::experiments);
    checks.put("fluent run", Checks::fluentRun);
    checks.put("histories", Checks::histories);
    checks.put("batches", Checks::batches);
    checks.put("runs", Checks::runs);
    checks.put("searches", Checks::searches);
    checks.put("artifacts", Checks::artifacts);
    checks.put("registry", Checks::registry);
    checks.put("refusals", Checks::refusals);
    try (MlflowClient client = new MlflowClient(System.getenv("MLFLOW_TRACKING_URI"))) {
      checks.forEach((name, check) -> System.out.println(name + "\t" + attempt(check, client)));
    }
  }

  static Object attempt(Check check, MlflowClient client) {
    try {
      return check.answer(client);
    } catch (Exception error) {
      return "FAILED " + error;
    }
  }

  static String refusal(Runnable call) {
    try {
      call.run();
    } catch (MlflowClientException error) {
      // Stock's own message tells of its SQL.
      return error.getMessage().replaceAll("(?s).*statusCode=(\\d+).*\"error_code\": ?\"(\\w+)\".*", "$1 $2");
    }
    return "not refused";
  }

  static Map<String, String> tags(Run run) {
    Map<String, String> tags = new TreeMap<>();
    for (RunTag tag : run.getData().getTagsList())
      if (!tag.getKey().startsWith("mlflow.")) tags.put(tag.getKey(), tag.getValue());
    return tags;
  }

  static Map<String, String> params(Run run) {
    Map<String, String> params = new TreeMap<>();
    for (Param param : run.getData().getParamsList()) params.put(param.getKey(), param.getValue());
    return params;
  }

  static Map<String, String> metrics(Run run) {
    Map<String, String> metrics = new TreeMap<>();
    for (Metric metric : run.getData().getMetricsList())
      metrics.put(metric.getKey(), metric.getValue() + " at " + metric.getStep());
    return metrics;
  }

  static Metric metric(String key, double value, long step) {
    return Metric.newBuilder().setKey(key).setValue(value).setTimestamp(MINUTE + step).setStep(step).build();
  }

  static Object experiments(MlflowClient client) {
    String id = client.createExperiment("java: made");
    client.renameExperiment(id, "java: renamed");
    client.setExperimentTag(id, "team", "vision");
    client.deleteExperiment(id);
    String deleted = client.getExperiment(id).getLifecycleStage();
    client.restoreExperiment(id);
    var found = client.getExperimentByName("java: renamed").orElseThrow();
    boolean listed = client.searchExperiments("name = 'java: renamed'").getItems().size() == 1;
    return Arrays.asList(deleted, found.getLifecycleStage(), found.getTags(0).getValue(), listed,
        client.getExperimentByName("java: absent").isPresent());
  }

  static Object fluentRun(MlflowClient client) {
    MlflowContext context = new MlflowContext(client);
    context.setExperimentId(client.createExperiment("java: fluent"));
    ActiveRun run = context.startRun("from Java");
    run.logParam("rate", "0.1");
    run.logParams(Map.of("depth", "3", "ünï", "漢字"));
    run.logMetric("loss", 0.5, 1);
    run.logMetrics(Map.of("accuracy", 0.75));
    run.setTags(Map.of("stage", "test"));
    run.endRun();
    Run got = client.getRun(run.getId());
    return Arrays.asList(params(got), metrics(got), tags(got), got.getInfo().getStatus(), got.getInfo().getRunName());
  }

  static Object histories(MlflowClient client) {
    String id = client.createRun(client.createExperiment("java: histories")).getRunId();
    double[] values = {0.1, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 1e308, 5e-324, -0.0};
    for (int step = 0; step < values.length; step++) client.logMetric(id, "odd", values[step], MINUTE + step, step);
    return client.getMetricHistory(id, "odd").stream()
        .map(point -> point.getStep() + ": " + point.getValue()).collect(Collectors.toList());
  }

  static Object batches(MlflowClient client) {
    String id = client.createRun(client.createExperiment("java: batches")).getRunId();
    List<Metric> metrics = new ArrayList<>();
    for (int i = 0; i < 900; i++) metrics.add(metric("m" + i % 10, i / 8.0, i));
    client.logBatch(id, metrics, List.of(Param.newBuilder().setKey("p").setValue("v").build()),
        List.of(RunTag.newBuilder().setKey("t").setValue("").build()));
    Run run = client.getRun(id);
    return Arrays.asList(metrics(run), params(run), tags(run), client.getMetricHistory(id, "m3").size());
  }

  static Object runs(MlflowClient client) {
    String id = client.createRun(client.createExperiment("java: runs")).getRunId();
    client.setTag(id, "gone", "soon");
    client.deleteTag(id, "gone");
    client.setTerminated(id, RunStatus.FAILED, MINUTE);
    client.deleteRun(id);
    String deleted = client.getRun(id).getInfo().getLifecycleStage();
    client.restoreRun(id);
    Run run = client.getRun(id);
    return Arrays.asList(deleted, run.getInfo().getLifecycleStage(), run.getInfo().getStatus(), run.getInfo().getEndTime(),
        tags(run));
  }

  static Object searches(MlflowClient client) {
    String experiment = client.createExperiment("java: searches");
    for (int n = 0; n < 7; n++) {
      String id = client.createRun(experiment).getRunId();
      client.logMetric(id, "loss", n / 4.0);
      client.logParam(id, "n", "" + n);
    }
    List<List<String>> pages = new ArrayList<>();
    String token = null;
    do {
      List<String> order = List.of("metrics.loss DESC");
      RunsPage page = client.searchRuns(List.of(experiment), "metrics.loss > 0.2", ViewType.ACTIVE_ONLY, 4, order, token);
      List<String> names = new ArrayList<>();
      for (Run run : page.getItems()) names.add(params(run).get("n"));
      pages.add(names);
      token = page.getNextPageToken().orElse(null);
    } while (token != null);
    return pages;
  }

  static Object artifacts(MlflowClient client) throws Exception {
    String id = client.createRun(client.createExperiment("java: artifacts")).getRunId();
    Path folder = Files.createTempDirectory("java-client");
    Path file = Files.writeString(folder.resolve("a file.txt"), "content", StandardCharsets.UTF_8);
    client.logArtifact(id, file.toFile(), "sub folder");
    client.logArtifacts(id, folder.toFile(), "all");
    List<String> paths = new ArrayList<>();
    for (String path : List.of("", "sub folder"))
      for (var info : path.isEmpty() ? client.listArtifacts(id) : client.listArtifacts(id, path))
        paths.add(info.getPath() + " " + info.getIsDir() + " " + info.getFileSize());
    File got = client.downloadArtifacts(id, "sub folder/a file.txt");
    return Arrays.asList(paths, Files.readString(got.toPath()));
  }

  static Object registry(MlflowClient client) {
    String run = client.createRun(client.createExperiment("java: registry")).getRunId();
    client.sendPost("registered-models/create", "{\"name\": \"java model\"}");
    for (int n = 0; n < 2; n++)
      client.sendPost("model-versions/create",
          "{\"name\": \"java model\", \"source\": \"runs:/" + run + "/model\", \"run_id\": \"" + run + "\"}");
    client.sendPost("model-versions/transition-stage",
        "{\"name\": \"java model\", \"version\": \"1\", \"stage\": \"Production\", \"archive_existing_versions\": true}");
    List<String> latest = new ArrayList<>();
    for (ModelVersion version : client.getLatestVersions("java model"))
      latest.add(version.getVersion() + " " + version.getCurrentStage());
    List<String> found = new ArrayList<>();
    for (ModelVersion version : client.searchModelVersions("name = 'java model'").getItems())
      found.add(version.getVersion() + " " + version.getStatus());
    String uri = client.getModelVersionDownloadUri("java model", "2");
    return Arrays.asList(latest.stream().sorted().collect(Collectors.toList()), found,
        client.getModelVersion("java model", "2").getCurrentStage(),
        client.getRegisteredModel("java model").getLatestVersionsCount(), uri.replaceAll(".*/artifacts", ""));
  }

  static Object refusals(MlflowClient client) {
    client.createExperiment("java: taken");
    return Arrays.asList(refusal(() -> client.createExperiment("java: taken")),
        refusal(() -> client.getRun("0".repeat(32))), refusal(() -> client.searchRuns(List.of("0"), "nonsense")));
  }
}
