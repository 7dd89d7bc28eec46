"""Models of clients of any age: logged, registered, loaded, staged, found, renamed and deleted."""

import mlflow
import mlflow.pyfunc
import mlflow.sklearn
import numpy
from harness import experiment, feature, own, refusal, run_features
from sklearn.linear_model import LinearRegression

INPUT = numpy.array([[0.0], [1.0], [2.0]])
PACKAGES = ["scikit-learn"]


def trained(slope=2.0):
    return LinearRegression().fit(INPUT, INPUT[:, 0] * slope + 1)


def logged(name, slope=2.0, **options):
    """A run of the experiment with a model in it."""
    experiment(own(name))
    with mlflow.start_run() as run:
        mlflow.sklearn.log_model(trained(slope), "model", pip_requirements=PACKAGES, **options)
    return run.info.run_id


def predicted(uri):
    return numpy.round(mlflow.pyfunc.load_model(uri).predict(INPUT), 6).tolist()


def versions(client, text, **options):
    return [[each.name, each.version, each.current_stage] for each in client.search_model_versions(text, **options)]


def registered(client, name, count=1):
    """A registered model with versions of one run; they have no files."""
    name = own(name)
    run_id = client.create_run(experiment(name)).info.run_id
    client.create_registered_model(name, tags={"team": "vision"}, description="a model")
    for _ in range(count):
        client.create_model_version(name, f"runs:/{run_id}/model", run_id)
    return run_id


@feature
def logged_and_loaded(client):
    run_id = logged("logged and loaded")
    loaded = mlflow.sklearn.load_model(f"runs:/{run_id}/model")
    return [predicted(f"runs:/{run_id}/model"), numpy.round(loaded.coef_, 6).tolist()]


@feature
def registered_while_logging(client):
    for slope in [2.0, 3.0]:
        logged("registered while logging", slope, registered_model_name=own("slopes"))
    found = versions(client, f"name = '{own('slopes')}'")
    return [found, predicted(f"models:/{own('slopes')}/1"), predicted(f"models:/{own('slopes')}/2"), predicted(f"models:/{own('slopes')}/latest")]


@feature
def registered_later(client):
    run_id = logged("registered later")
    version = mlflow.register_model(f"runs:/{run_id}/model", own("later"), tags={"by": "hand"})
    got = client.get_model_version(own("later"), version.version)
    return [version.version, got.run_id == run_id, got.status, got.tags, predicted(f"models:/{own('later')}/1")]


@feature
def pyfunc_model(client):
    class Doubling(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return numpy.asarray(model_input) * 2

    experiment(own("pyfunc"))
    with mlflow.start_run() as run:
        mlflow.pyfunc.log_model("model", python_model=Doubling(), pip_requirements=PACKAGES)
    return predicted(f"runs:/{run.info.run_id}/model")


@feature
def stages(client):
    registered(client, "staged", 3)
    client.transition_model_version_stage(own("staged"), "1", "Production")
    client.transition_model_version_stage(own("staged"), "2", "Staging")
    client.transition_model_version_stage(own("staged"), "3", "Production", archive_existing_versions=True)
    latest = [[each.version, each.current_stage] for each in client.get_latest_versions(own("staged"))]
    production = [each.version for each in client.get_latest_versions(own("staged"), ["Production"])]
    found = sorted(versions(client, f"name = '{own('staged')}'"))
    return [found, sorted(latest), production, refusal(client.transition_model_version_stage, own("staged"), "1", "Nope")[0]]


@feature
def loaded_by_stage(client):
    logged("loaded by stage", 4.0, registered_model_name=own("by stage"))
    client.transition_model_version_stage(own("by stage"), "1", "Staging")
    return predicted(f"models:/{own('by stage')}/Staging")


@feature
def aliases(client):
    logged("aliases", 5.0, registered_model_name=own("aliased"))
    client.set_registered_model_alias(own("aliased"), "champion", "1")
    got = client.get_model_version_by_alias(own("aliased"), "champion").version
    loaded = predicted(f"models:/{own('aliased')}@champion")
    named = client.get_registered_model(own("aliased")).aliases
    client.delete_registered_model_alias(own("aliased"), "champion")
    return [got, loaded, named, refusal(client.get_model_version_by_alias, own("aliased"), "champion")]


@feature
def descriptions_and_tags(client):
    registered(client, "described")
    client.update_registered_model(own("described"), "another text")
    client.update_model_version(own("described"), "1", "text of the version")
    client.set_registered_model_tag(own("described"), "owner", "me")
    client.delete_registered_model_tag(own("described"), "team")
    client.set_model_version_tag(own("described"), "1", "checked", "yes")
    client.set_model_version_tag(own("described"), "1", "gone", "soon")
    client.delete_model_version_tag(own("described"), "1", "gone")
    model, version = client.get_registered_model(own("described")), client.get_model_version(own("described"), "1")
    return [model.description, model.tags, version.description, version.tags]


@feature
def searches(client):
    for name in ["found a", "found b", "found c"]:
        registered(client, name, 2)
    client.set_model_version_tag(own("found b"), "2", "best", "yes")
    models, token = [], None
    while token or not models:
        page = client.search_registered_models(f"name LIKE '{own('found %')}'", 2, ["name DESC"], token)
        models.append([each.name for each in page])
        token = page.token
    tagged = [each.name for each in client.search_registered_models(f"name = '{own('found a')}' and tags.team = 'vision'")]
    return [models, tagged, versions(client, f"name = '{own('found b')}'"), versions(client, f"name LIKE '{own('found %')}' and tags.best = 'yes'")]


@feature
def renamed_and_deleted(client):
    registered(client, "before", 2)
    client.rename_registered_model(own("before"), own("after"))
    client.delete_model_version(own("after"), "1")
    left = versions(client, f"name = '{own('after')}'")
    client.delete_registered_model(own("after"))
    return [left, refusal(client.get_registered_model, own("after")), refusal(client.get_registered_model, own("before"))]


@feature
def refused_models(client):
    registered(client, "taken")
    return [
        refusal(client.create_registered_model, own("taken"))[0],
        refusal(client.get_model_version, own("taken"), "9")[0],
        refusal(client.search_model_versions, "nonsense = 1")[0],
    ]


@feature
def sources(client):
    run_id = registered(client, "sources")
    uri = client.get_model_version_download_uri(own("sources"), "1")
    return uri.replace(run_id, "<run>").rsplit("/artifacts", 1)[-1]


@feature
def logged_models(client):
    id_ = experiment(own("logged models"))
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(trained(), name="first", pip_requirements=PACKAGES, params={"depth": 3})
    model = mlflow.get_logged_model(info.model_id)
    mlflow.log_metric("score", 0.5, model_id=model.model_id, step=1)
    found = client.search_logged_models([id_], "params.depth = '3' and metrics.score > 0.1")
    return [model.name, model.params, str(model.status), [each.name for each in found], predicted(info.model_uri)]


@feature
def prompts(client):
    name = own("greeting").replace(" ", "-")
    for text in ["Hello {{name}}", "Good day, {{name}}"]:
        mlflow.genai.register_prompt(name, text, commit_message="said")
    mlflow.genai.set_prompt_alias(name, "best", 2)
    loaded = [mlflow.genai.load_prompt(f"prompts:/{name}{end}") for end in ["/1", "@best"]]
    return [[prompt.version, prompt.format(name="Ada")] for prompt in loaded]


run_features()
