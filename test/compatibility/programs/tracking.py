"""Tracking, as every client since 1.30 has it: experiments, runs, metrics, params, tags and searches."""

import math
import os
import subprocess
import sys

import mlflow
import numpy
import pandas
from harness import experiment, feature, own, refusal, run_features
from mlflow.entities import Metric, Param, RunTag, ViewType

# Old clients cannot be called as a module.
MLFLOW = os.path.join(os.path.dirname(sys.executable), "mlflow")
MINUTE = 1_700_000_000_000


def new_run(client, name):
    return client.create_run(experiment(own(name))).info.run_id


def shown(text_of):
    """Points of a history, NaN and infinities by name."""
    return [[point.step, point.timestamp, repr(point.value)] for point in text_of]


def by_name(runs):
    return [run.data.tags["mlflow.runName"] for run in runs]


@feature
def experiments(client):
    id_ = client.create_experiment(own("made"), tags={"team": "vision", "odd": "ünï\n"})
    client.rename_experiment(id_, own("made, then renamed"))
    client.set_experiment_tag(id_, "team", "speech")
    made = client.get_experiment(id_)
    client.delete_experiment(id_)
    deleted = client.get_experiment(id_).lifecycle_stage
    client.restore_experiment(id_)
    restored = client.get_experiment_by_name(own("made, then renamed"))
    return [made.name, made.tags, deleted, restored.lifecycle_stage, client.get_experiment_by_name("absent")]


@feature
def refused_experiments(client):
    client.create_experiment(own("taken"))
    return [refusal(client.create_experiment, own("taken")), refusal(client.get_experiment, "123456789123")]


@feature
def search_experiments(client):
    for name in ["found 1", "found 2", "found 3"]:
        client.create_experiment(own(name), tags={"found": name[-1]})
    text = f"name LIKE '{own('found %')}'"
    first = client.search_experiments(filter_string=text, order_by=["name DESC"], max_results=2)
    second = client.search_experiments(
        filter_string=text, order_by=["name DESC"], max_results=2, page_token=first.token
    )
    tagged = client.search_experiments(filter_string=f"{text} AND tags.found = '2'")
    return [[each.name for each in page] for page in [first, second, tagged]]


@feature
def fluent_run(client):
    experiment(own("fluent"))
    with mlflow.start_run(run_name="outer") as outer:
        mlflow.log_param("depth", 3)
        mlflow.log_params({"rate": 0.1, "name": "ünïcödé", "none": None})
        mlflow.log_metric("loss", 0.5, step=1)
        mlflow.log_metrics({"loss": 0.25, "accuracy": 0.75}, step=2)
        mlflow.set_tags({"stage": "test", "count": 3})
        with mlflow.start_run(run_name="inner", nested=True) as inner:
            mlflow.log_metric("loss", 1)
    data = [mlflow.get_run(run.info.run_id) for run in [outer, inner]]
    tags = {key: value for key, value in data[0].data.tags.items() if not key.startswith("mlflow.")}
    parent = data[1].data.tags["mlflow.parentRunId"] == outer.info.run_id
    return [data[0].data.params, data[0].data.metrics, tags, parent, [run.info.status for run in data]]


@feature
def failing_run(client):
    experiment(own("failing"))
    try:
        with mlflow.start_run() as run:
            raise ValueError("on purpose")
    except ValueError:
        return mlflow.get_run(run.info.run_id).info.status


@feature
def statuses(client):
    id_ = new_run(client, "statuses")
    answer = []
    for status in ["SCHEDULED", "RUNNING", "FAILED", "KILLED", "FINISHED"]:
        client.set_terminated(id_, status)
        answer.append(client.get_run(id_).info.status)
    return answer


@feature
def deleted_run(client):
    id_ = new_run(client, "deleted runs")
    client.delete_run(id_)
    deleted = client.get_run(id_).info.lifecycle_stage
    refused = refusal(client.log_metric, id_, "loss", 1.0)
    client.restore_run(id_)
    client.log_metric(id_, "loss", 1.0)
    return [deleted, refused, client.get_run(id_).info.lifecycle_stage]


@feature
def histories(client):
    id_ = new_run(client, "histories")
    values = [0.1, math.nan, math.inf, -math.inf, 1e308, 5e-324, -0.0, 1 / 3]
    for step, value in enumerate(values):
        client.log_metric(id_, "odd", value, timestamp=MINUTE + step, step=step)
    client.log_metric(id_, "odd", 7.0, timestamp=MINUTE - 1, step=-5)
    client.log_metric(id_, "numpy", float(numpy.float32(0.1)), timestamp=MINUTE)
    latest = client.get_run(id_).data.metrics
    return [shown(client.get_metric_history(id_, "odd")), {key: repr(value) for key, value in latest.items()}]


@feature
def batches(client):
    id_ = new_run(client, "batches")
    metrics = [Metric(f"m{i % 10}", i / 8, MINUTE + i, i) for i in range(900)]
    client.log_batch(id_, metrics, [Param(f"p{i}", str(i)) for i in range(90)], [RunTag("t", "v")])
    data = client.get_run(id_).data
    return [data.metrics, len(data.params), data.tags["t"], len(client.get_metric_history(id_, "m3"))]


@feature
def fixed_params(client):
    id_ = new_run(client, "fixed params")
    client.log_param(id_, "rate", "0.1")
    client.log_param(id_, "rate", "0.1")
    refused = refusal(client.log_param, id_, "rate", "0.2")
    return [refused[0], client.get_run(id_).data.params]


@feature
def odd_keys(client):
    id_ = new_run(client, "odd keys")
    keys = ["a/b/c", "with space", "dots.and-dashes_", "UPPER", "upper"]
    for key in keys:
        client.log_param(id_, key, f"value of {key}")
        client.log_metric(id_, key, 1, timestamp=MINUTE)
        client.set_tag(id_, key, "")
    data = client.get_run(id_).data
    return [data.params, data.metrics, [key for key in sorted(data.tags) if not key.startswith("mlflow.")]]


@feature
def deleted_tag(client):
    id_ = new_run(client, "deleted tags")
    client.set_tag(id_, "note", "x" * 4000)
    client.set_tag(id_, "other", "1")
    client.delete_tag(id_, "note")
    return [client.get_run(id_).data.tags.get("note"), refusal(client.delete_tag, id_, "note")[0]]


@feature
def search_runs(client):
    id_ = experiment(own("searched runs"))
    for n in range(12):
        run = client.create_run(id_, tags={"mlflow.runName": f"run {n}", "half": str(n % 2)}).info.run_id
        client.log_metric(run, "loss", n / 4, timestamp=MINUTE)
        client.log_param(run, "rate", "0.1" if n < 6 else "0.2")
    filters = [
        "metrics.loss > 0.6 and params.rate = '0.1'",
        "tags.half = '1' and metrics.loss <= 1",
        "params.rate LIKE '%.2'",
        "attributes.status = 'RUNNING' and tags.half != '0'",
        "tags.`mlflow.runName` ILIKE 'RUN 1%'",
    ]
    found = [by_name(client.search_runs([id_], text, order_by=["metrics.loss DESC"])) for text in filters]
    pages, token = [], None
    while token or not pages:
        page = client.search_runs([id_], "", ViewType.ALL, 5, ["params.rate DESC", "metrics.loss"], token)
        pages.append(by_name(page))
        token = page.token
    frame = mlflow.search_runs([id_], order_by=["metrics.loss"], max_results=3)
    return [found, pages, frame["metrics.loss"].tolist(), frame["params.rate"].tolist()]


@feature
def refused_searches(client):
    id_ = experiment(own("refused searches"))
    filters = ["metrics.loss = 'a'", "nonsense", "params.rate > 0.1", "runs.x = '1'"]
    return [refusal(client.search_runs, [id_], text)[0] for text in filters]


@feature
def deleted_runs_are_found(client):
    id_ = experiment(own("deleted runs are found"))
    runs = [client.create_run(id_, tags={"mlflow.runName": name}).info.run_id for name in "ab"]
    client.delete_run(runs[0])
    views = [ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL]
    return [sorted(by_name(client.search_runs([id_], run_view_type=view))) for view in views]


@feature
def renamed_run(client):
    id_ = client.create_run(experiment(own("renamed runs")), run_name="first").info.run_id
    client.set_tag(id_, "mlflow.runName", "second")
    renamed = client.get_run(id_)
    client.update_run(id_, status="FINISHED", name="third")
    return [renamed.info.run_name, client.get_run(id_).info.run_name, client.get_run(id_).info.status]


@feature
def datasets(client):
    # Clients before 2.10 call what pandas gave up in 3.0.
    if not hasattr(pandas.DataFrame, "applymap"):
        pandas.DataFrame.applymap = pandas.DataFrame.map
    id_ = experiment(own("datasets"))
    frame = pandas.DataFrame({"x": [1, 2], "y": [0.5, 1.5]})
    with mlflow.start_run() as run:
        data = mlflow.data.from_pandas(frame, source="https://example.com/data.csv", targets="y", name="small")
        mlflow.log_input(data, context="training")
    inputs = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    found = client.search_runs([id_], "dataset.name = 'small' and dataset.context = 'training'")
    facts = [[each.dataset.name, each.dataset.digest, each.tags[0].value] for each in inputs]
    return [facts, [each.info.run_id == run.info.run_id for each in found]]


@feature
def autologging(client):
    import sklearn.metrics
    from sklearn.linear_model import LinearRegression

    # Clients before 2.4 look for what scikit-learn gave up in 1.3.
    if not hasattr(sklearn.metrics, "SCORERS"):
        names = sklearn.metrics.get_scorer_names()
        sklearn.metrics.SCORERS = {name: sklearn.metrics.get_scorer(name) for name in names}
    experiment(own("autologging"))
    mlflow.sklearn.autolog(log_models=False)
    try:
        with mlflow.start_run() as run:
            LinearRegression().fit(numpy.array([[0.0], [1.0], [2.0]]), numpy.array([1.0, 3.0, 5.0]))
    finally:
        mlflow.sklearn.autolog(disable=True)
    data = mlflow.get_run(run.info.run_id).data
    return [data.params, sorted(data.metrics), data.tags["estimator_name"]]


@feature
def command_line(client):
    def mlflow_command(*arguments):
        done = subprocess.run([MLFLOW, *arguments], capture_output=True, text=True)
        return [done.returncode, done.stdout]

    created = mlflow_command("experiments", "create", "-n", own("from the command line"))
    id_ = client.get_experiment_by_name(own("from the command line")).experiment_id
    client.create_run(id_, tags={"mlflow.runName": "listed"})
    listed = mlflow_command("runs", "list", "--experiment-id", id_)
    mlflow_command("experiments", "rename", "--experiment-id", id_, "--new-name", own("renamed"))
    deleted = mlflow_command("experiments", "delete", "-x", id_)
    stage = client.get_experiment(id_).lifecycle_stage
    return [created[0], "listed" in listed[1], deleted[0], stage, client.get_experiment(id_).name]


run_features()
