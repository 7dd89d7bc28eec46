"""Searches runs and experiments with stock MLflow's SQL store on SQLite.

The first line of the input holds what to store, each further line one search; each search is answered by a line with
the names that were found, in order.
"""

import json
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")

from mlflow.entities import Dataset, DatasetInput, ExperimentTag, InputTag, Metric, Param, RunTag, ViewType  # noqa: E402
from mlflow.entities import RunStatus  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # noqa: E402

folder = tempfile.TemporaryDirectory()
store = SqlAlchemyStore(f"sqlite:///{folder.name}/mlflow.db", folder.name)


def pairs(kind, values):
    return [kind(key, value) for key, value in values.items()]


def create_run(experiment_id, run):
    info = store.create_run(experiment_id, run["user_id"], run["start_time"], pairs(RunTag, run["tags"]), run["name"]).info
    metrics = [Metric(key, float(value), 1, 0) for key, value in run["metrics"].items()]
    store.log_batch(info.run_id, metrics, pairs(Param, run["params"]), [])
    store.update_run_info(info.run_id, RunStatus.from_string(run["status"]), run["end_time"], run["name"])
    for name, digest, context in run["datasets"]:
        tags = [InputTag("mlflow.data.context", context)] if context else []
        store.log_inputs(info.run_id, [DatasetInput(Dataset(name, digest, "local", "{}"), tags)])


def create_experiment(experiment):
    experiment_id = store.create_experiment(experiment["name"], tags=pairs(ExperimentTag, experiment["tags"]))
    for run in experiment["runs"]:
        create_run(experiment_id, run)
    return experiment_id


def search(request):
    if request["kind"] == "experiments":
        found = store.search_experiments(ViewType.ALL, 100, request["filter"], request["order_by"])
        return [experiment.name for experiment in found]
    found = store.search_runs(EXPERIMENT_IDS, request["filter"], ViewType.ALL, 100, request["order_by"])
    return [run.info.run_name for run in found]


def answer(request):
    try:
        return {"found": search(request)}
    except MlflowException as error:
        return {"refused": error.message}


EXPERIMENT_IDS = [create_experiment(experiment) for experiment in json.loads(sys.stdin.readline())]
for line in sys.stdin:
    sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
    sys.stdout.flush()
