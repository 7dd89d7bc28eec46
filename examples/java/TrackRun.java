import java.util.List;
import java.util.Map;
import org.mlflow.api.proto.Service.Metric;
import org.mlflow.api.proto.Service.Run;
import org.mlflow.api.proto.Service.ViewType;
import org.mlflow.tracking.ActiveRun;
import org.mlflow.tracking.MlflowClient;
import org.mlflow.tracking.MlflowContext;

/**
 * A run logged and found by MLflow's Java client. It needs Java 11 or newer, and Maven to bring the client:
 *
 * <pre>
 * cd examples/java && mvn -q dependency:copy-dependencies -DoutputDirectory=lib
 * MLFLOW_TRACKING_URI=http://127.0.0.1:5000 java -cp 'lib/*' TrackRun.java
 * </pre>
 *
 * Files of runs go through Python's `mlflow` command, which the client calls, so they are left out here.
 */
public class TrackRun {
  static final String EXPERIMENT = "java client";

  public static void main(String[] args) {
    try (MlflowClient client = new MlflowClient(System.getenv("MLFLOW_TRACKING_URI"))) {
      String experimentId = client.getExperimentByName(EXPERIMENT)
          .map(experiment -> experiment.getExperimentId())
          .orElseGet(() -> client.createExperiment(EXPERIMENT));

      MlflowContext context = new MlflowContext(client);
      context.setExperimentId(experimentId);
      ActiveRun run = context.startRun("from Java");
      run.logParams(Map.of("learning_rate", "0.1", "depth", "3"));
      run.setTag("language", "java");
      double[] losses = {0.9, 0.6, 0.4};
      for (int step = 0; step < losses.length; step++) run.logMetric("loss", losses[step], step);
      run.endRun();

      String filter = "metrics.loss < 0.5 and params.depth = '3'";
      List<Run> found = client.searchRuns(
          List.of(experimentId), filter, ViewType.ACTIVE_ONLY, 1, List.of("attributes.start_time DESC")).getItems();
      System.out.println(found.get(0).getInfo().getRunName() + ": " + found.get(0).getInfo().getStatus());
      for (Metric point : client.getMetricHistory(run.getId(), "loss"))
        System.out.println("loss at step " + point.getStep() + ": " + point.getValue());
    }
  }
}
