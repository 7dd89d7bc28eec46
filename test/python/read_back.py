"""Prints as JSON what stock's client and command line read back from experiments. Ids are replaced by their rank.

Arguments: the order of runs (`-` for the default), then the names of experiments.
"""

import hashlib
import json
import os
import re
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")

import mlflow  # noqa: E402
from click.testing import CliRunner  # noqa: E402
from mlflow.cli import cli  # noqa: E402

CLIENT = mlflow.MlflowClient()
ORDER_BY = None if sys.argv[1] == "-" else [sys.argv[1]]
IDS = {}


def named(text):
    """The text with this server's ids replaced, so that texts of two servers can be equal."""
    for id_, name in IDS.items():
        text = re.sub(rf"(?<![\w.]){re.escape(id_)}(?!\w)", name, text)
    return text


def command(*arguments):
    result = CliRunner().invoke(cli, arguments)
    if result.exit_code != 0:
        raise RuntimeError(f"mlflow {' '.join(arguments)}: {result.output} {result.exception!r}")
    return result.stdout


def table_rows(text, skip=0):
    """Cells of a table that the command line prints, sorted, without its ruler and its first `skip` columns."""
    lines = [line for line in text.splitlines() if line.strip() and not re.fullmatch(r"[-+| ]+", line)]
    return sorted(re.split(r"\s{2,}", line.strip())[skip:] for line in lines)


# What a model's description says of the moment and of pickled bytes, which are no two times the same.
VOLATILE = re.compile(r"(utc_time_created: |model_size_bytes: ).*")


def files_below(folder):
    """Each file's size and digest, of texts after their ids are replaced."""
    files = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                content = file.read()
            try:
                content = VOLATILE.sub(r"\1", named(content.decode())).encode()
            except UnicodeDecodeError:
                pass
            relative = named(os.path.relpath(path, folder))
            files[relative] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return files


def downloaded(*source):
    with tempfile.TemporaryDirectory() as folder:
        command("artifacts", "download", *source, "--dst-path", folder)
        return files_below(folder)


def frame_of(frame):
    columns = {name: str(dtype) for name, dtype in frame.dtypes.items()}
    return {"columns": columns, "rows": json.loads(frame.to_json(orient="records"))}


def run_of(run_id):
    run = mlflow.get_run(run_id)
    history = {key: [dict(m) for m in CLIENT.get_metric_history(run_id, key)] for key in run.data.metrics}
    has_artifacts = bool(CLIENT.list_artifacts(run_id))
    return {
        **run.to_dictionary(),
        "history": history,
        "artifacts": downloaded("--run-id", run_id) if has_artifacts else {},
    }


def model_of(model):
    metrics = [dict(metric) for metric in model.metrics or []]
    artifacts = downloaded("--artifact-uri", f"models:/{model.model_id}")
    return {**model.to_dictionary(), "metrics": metrics, "artifacts": artifacts}


def read_back(experiment):
    id_ = experiment.experiment_id
    frame = mlflow.search_runs([id_], order_by=ORDER_BY)
    models = mlflow.search_logged_models(
        experiment_ids=[id_], order_by=[{"field_name": "creation_timestamp"}], output_format="list"
    )
    IDS[id_] = "<experiment>"
    IDS.update({run_id: f"<run {rank}>" for rank, run_id in enumerate(frame.get("run_id", []))})
    IDS.update({model.model_id: f"<model {rank}>" for rank, model in enumerate(models)})
    listed = json.loads(command("experiments", "get", "--experiment-id", id_, "--output", "json"))
    return {
        "experiment": dict(experiment),
        "printed experiment": listed,
        "printed runs": table_rows(command("runs", "list", "--experiment-id", id_), skip=1),
        "frame": frame_of(frame),
        "runs": [run_of(run_id) for run_id in frame.get("run_id", [])],
        "models": [model_of(model) for model in models],
    }


answer = []
for experiment_name in sys.argv[2:]:
    answer.append(read_back(mlflow.get_experiment_by_name(experiment_name)))
searched = [row for row in table_rows(command("experiments", "search")) if row[1] in sys.argv[2:]]
print(named(json.dumps({"experiments": answer, "printed experiments": searched}, default=str)))
