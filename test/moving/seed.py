"""Fills a tracking server with what a move must not lose, and prints nothing.

Usage: MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python test/moving/seed.py [--files] [--no-renames]

`--files`: leaves out what a folder of files does not keep.
`--no-renames`: leaves out what a store fails at that cannot change primary keys.
"""

import math
import sys

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric, Param, RunTag

client = MlflowClient()
IS_FILES = "--files" in sys.argv
START_MS = 1_768_176_000_000


def runs():
    first = client.create_experiment("curves", tags={"team": "red", "empty": ""})
    second = client.create_experiment("deleted one")
    for number in range(12):
        tags = {"mlflow.user": "ada", "n": str(number), "text": "ünï \U0001f600 \"quoted\"\n"}
        run = client.create_run(first, START_MS + number, tags, f"run {number}").info.run_id
        points = [Metric("loss", 1 / (step + 1), START_MS + step, step) for step in range(150)]
        points += [
            Metric("odd", math.nan, START_MS, 0),
            Metric("odd", 0.0, START_MS, 0),
            Metric("odd", math.inf, START_MS + 1, 1),
            Metric("odd", -math.inf, START_MS + 2, 2),
            Metric("odd", 5e-324, START_MS + 3, 3),
            Metric("odd", 1.7976931348623157e308, START_MS + 4, 4),
            Metric("late", 1.0, 4_102_444_800_000_000, 9_007_199_254_740_993),
            Metric("early", 2.0, 1, -9_007_199_254_740_993),
        ]
        params = [Param(f"p{i}", f"{i * number}") for i in range(20)] + [Param("long", "x" * 6000)]
        client.log_batch(run, points, params, [RunTag("later", "tag")])
        data = Dataset(f"data {number % 3}", "abc123", "local", '{"uri": "/data"}', '{"a": 1}', '{"rows": 2}')
        client.log_inputs(run, [DatasetInput(data, [InputTag("mlflow.data.context", "train"), InputTag("x", "y")])])
        client.set_terminated(run, ("FINISHED", "FAILED", "KILLED")[number % 3], START_MS + 1000 + number)
        if number == 3:
            client.delete_run(run)
        if number == 4:
            client.log_text(run, "hello", "notes/a.txt")
            client.log_text(run, "", "empty.txt")
    open_run = client.create_run(second, START_MS, {}, "goes on").info.run_id
    client.log_metric(open_run, "m", 1.5, START_MS, 1)
    client.delete_experiment(second)
    return first


def models(experiment_id):
    if not IS_FILES:
        run = client.create_run(experiment_id, START_MS, {}, "makes a model").info.run_id
        model = client.create_logged_model(
            experiment_id, name="net", source_run_id=run, tags={"a": "b"}, params={"depth": "3"}, model_type="torch"
        )
        client.finalize_logged_model(model.model_id, "READY")
        client.log_metric(run, "f1", 0.75, START_MS, 3, model_id=model.model_id, dataset_name="data", dataset_digest="abc")
        client.log_outputs(run, [LoggedModelOutput(model.model_id, 7)])
    client.create_registered_model("wine", {"owner": "ada"}, "A model of wine.")
    for number in range(3):
        client.create_model_version("wine", f"s3://bucket/models/{number}", tags={"n": str(number)}, description=f"No {number}")
    client.set_registered_model_alias("wine", "champion", 2)
    client.set_registered_model_alias("wine", "challenger", 3)
    client.transition_model_version_stage("wine", 1, "Archived")
    client.delete_model_version("wine", 3)
    client.create_registered_model("empty")
    if "--no-renames" not in sys.argv:
        client.create_registered_model("renamed before")
        client.rename_registered_model("renamed before", "renamed")
    mlflow.register_prompt("greet", "Hello {{name}} " + "long " * 2000, commit_message="first", tags={"k": "v"})
    mlflow.register_prompt("greet", "Hi {{name}}")
    mlflow.set_prompt_alias("greet", "live", 1)


def webhooks():
    client.create_webhook("all", "https://93.184.216.34/hook", ["registered_model.created", "model_version.created"])


experiment = runs()
models(experiment)
if not IS_FILES:
    webhooks()
