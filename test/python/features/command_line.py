"""The command line of stock MLflow: what it prints of experiments, runs and artifacts."""

import csv
import pathlib
import re
import tempfile

from click.testing import CliRunner
from harness import feature, run_features, settled
from mlflow.cli import cli

TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d)?|(?<!\d)1[789]\d{11}(?!\d)")


def mlflow_command(*arguments):
    """Exit code and output; times are replaced, and spaces that only align columns are one."""
    result = CliRunner().invoke(cli, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        return [type(result.exception).__name__, settled(str(result.exception))]
    text = re.sub(r" {2,}|-{3,}", " ", TIME.sub("<time>", result.stdout))
    return [result.exit_code, [line.rstrip() for line in text.splitlines()]]


def found_id(answer, pattern):
    return re.search(pattern, "\n".join(answer[1]))[0]


@feature
def experiment_commands(_client):
    created = mlflow_command("experiments", "create", "-n", "by command")
    id_ = found_id(created, r"\d+$")
    answers = [
        created,
        mlflow_command("experiments", "create", "-n", "by command"),
        mlflow_command("experiments", "rename", "-x", id_, "--new-name", "renamed by command"),
        mlflow_command("experiments", "get", "-x", id_),
        mlflow_command("experiments", "get", "-n", "renamed by command", "--output", "json"),
        mlflow_command("experiments", "delete", "-x", id_),
        mlflow_command("experiments", "get", "-x", id_),
        mlflow_command("experiments", "restore", "-x", id_),
        mlflow_command("experiments", "restore", "-x", "123456789"),
    ]
    searched = mlflow_command("experiments", "search")[1]
    return [*answers, [line for line in searched if "by command" in line]]


@feature
def run_commands(client):
    id_ = client.create_experiment("runs by command")
    created = mlflow_command("runs", "create", "--experiment-id", id_, "--run-name", "one", "--tags", "a=1")
    run_id = found_id(created, r"[0-9a-f]{32}")
    client.log_metric(run_id, "loss", 0.25, timestamp=1)
    client.log_param(run_id, "depth", 3)
    exit_code, exported = mlflow_command("experiments", "csv", "-x", id_)
    return [
        created,
        mlflow_command("runs", "list", "--experiment-id", id_),
        mlflow_command("runs", "describe", "--run-id", run_id)[0],
        mlflow_command("runs", "delete", "--run-id", run_id),
        mlflow_command("runs", "list", "--experiment-id", id_),
        mlflow_command("runs", "list", "--experiment-id", id_, "--view", "deleted_only"),
        mlflow_command("runs", "restore", "--run-id", run_id),
        mlflow_command("runs", "describe", "--run-id", "0" * 32),
        [exit_code, [{**row} for row in csv.DictReader(line for line in exported if line)]],
    ]


@feature
def artifact_commands(client):
    run_id = client.create_run("0", run_name="artifacts by command").info.run_id
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "source"), pathlib.Path(folder, "target")
        (source / "sub").mkdir(parents=True)
        (source / "a.txt").write_text("a")
        (source / "sub" / "b.txt").write_text("bb")
        target.mkdir()
        answers = [
            mlflow_command("artifacts", "log-artifact", "-r", run_id, "-l", str(source / "a.txt"), "-a", "single"),
            mlflow_command("artifacts", "log-artifacts", "-r", run_id, "-l", str(source)),
            mlflow_command("artifacts", "list", "-r", run_id),
            mlflow_command("artifacts", "list", "-r", run_id, "-a", "sub"),
            mlflow_command("artifacts", "download", "-r", run_id, "-d", str(target)),
            mlflow_command("artifacts", "download", "-u", f"runs:/{run_id}/sub/b.txt", "-d", str(target / "one")),
        ]
        files = {str(path.relative_to(target)): path.read_text() for path in target.rglob("*.txt")}
    return [[[code, str(lines).replace(folder, "")] for code, lines in answers], files]


run_features()
