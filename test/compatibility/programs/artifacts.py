"""Artifacts through the server: written, listed, downloaded and loaded by clients of any age."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest.mock
import uuid

import mlflow
import numpy
import pandas
from harness import experiment, feature, own, run_features

# Old clients cannot be called as a module.
MLFLOW = os.path.join(os.path.dirname(sys.executable), "mlflow")
# What follows a `%` in names of images: a letter, and what is no UTF-8, for clients that decode it.
UUIDS = [uuid.UUID("4d4ed075-19b2-44f2-9542-9eb5c5c00197"), uuid.UUID("e9e6e48d-53db-4897-932e-d141fedc5e7b")]
ODD_NAMES = ["with space.txt", "ünï 漢.txt", "100% sure.txt", "plus+and&.txt", "semi;=.txt", "(a) [b].txt", "q'.txt"]


def new_run(client, name):
    return client.create_run(experiment(own(name))).info.run_id


def listed(client, run_id, path=None):
    return [[each.path, each.is_dir, each.file_size] for each in client.list_artifacts(run_id, path)]


def content(client, run_id, path):
    with tempfile.TemporaryDirectory() as folder:
        return pathlib.Path(client.download_artifacts(run_id, path, folder)).read_text(encoding="utf-8")


@feature
def texts_and_dicts(client):
    run_id = new_run(client, "texts and dicts")
    client.log_text(run_id, "ünïcödé\n", "notes/read me.txt")
    client.log_text(run_id, "", "empty.txt")
    client.log_dict(run_id, {"rate": 0.1, "layers": [1, 2], "none": None}, "config.json")
    client.log_dict(run_id, {"rate": 0.1, "layers": [1, 2]}, "deep/er/config.yaml")
    paths = ["notes/read me.txt", "empty.txt", "config.json", "deep/er/config.yaml"]
    return [[content(client, run_id, path) for path in paths], listed(client, run_id), listed(client, run_id, "deep")]


@feature
def figures_and_images(client):
    from matplotlib import pyplot

    run_id = new_run(client, "figures and images")
    figure, axes = pyplot.subplots()
    axes.plot([0, 1], [2, 3])
    client.log_figure(run_id, figure, "plots/line.png")
    pixels = numpy.arange(60, dtype=numpy.uint8).reshape(4, 5, 3)
    client.log_image(run_id, pixels, "pixels.png")
    loaded = mlflow.artifacts.load_image(f"runs:/{run_id}/pixels.png")
    return [numpy.asarray(loaded).tolist(), listed(client, run_id), listed(client, run_id, "plots")]


@feature
def images_of_steps(client):
    run_id = new_run(client, "images of steps")
    pixels = numpy.arange(60, dtype=numpy.uint8).reshape(4, 5, 3)
    for step, uuid_ in enumerate(UUIDS):
        with unittest.mock.patch("uuid.uuid4", return_value=uuid_):
            client.log_image(run_id, pixels, key="a sample", step=step, timestamp=1_700_000_000_000)
    with tempfile.TemporaryDirectory() as folder:
        client.download_artifacts(run_id, "images", folder)
        files = {str(path.relative_to(folder)): path for path in pathlib.Path(folder).rglob("*") if path.is_file()}
        # Names end in random ids.
        return sorted([re.sub(r"[0-9a-z]{8}-[0-9a-f-]{27}", "<id>", name), path.stat().st_size] for name, path in files.items())


@feature
def tables(client):
    id_ = experiment(own("tables"))
    run_id = client.create_run(id_).info.run_id
    client.log_table(run_id, pandas.DataFrame({"question": ["a", "b"], "score": [0.5, 1.0]}), "evaluation.json")
    client.log_table(run_id, {"question": ["c"], "score": [2.0]}, "evaluation.json")
    loaded = client.load_table(id_, "evaluation.json", extra_columns=["run_id"])
    tag = client.get_run(run_id).data.tags["mlflow.loggedArtifacts"]
    return [loaded.drop(columns="run_id").astype(str).values.tolist(), tag]


@feature
def folders(client):
    run_id = new_run(client, "folders")
    with tempfile.TemporaryDirectory() as folder:
        for name in ["a.txt", "sub/b.txt", "sub/deep/c.txt"]:
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        client.log_artifacts(run_id, folder, "data/all")
        client.log_artifact(run_id, os.path.join(folder, "a.txt"))
        client.log_artifact(run_id, os.path.join(folder, "sub"), "folder")
    with tempfile.TemporaryDirectory() as folder:
        client.download_artifacts(run_id, "", folder)
        files = sorted(str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*") if path.is_file())
    return [files, [listed(client, run_id, path) for path in [None, "data/all", "folder", "absent"]]]


@feature
def odd_names(client):
    run_id = new_run(client, "odd names")
    with tempfile.TemporaryDirectory() as folder:
        for name in ODD_NAMES:
            path = pathlib.Path(folder, name)
            path.write_text(f"content of {name}", encoding="utf-8")
            client.log_artifact(run_id, str(path), "odd folder")
    contents = [content(client, run_id, f"odd folder/{name}") for name in ODD_NAMES]
    return [contents, sorted(listed(client, run_id, "odd folder"))]


@feature
def replaced(client):
    run_id = new_run(client, "replaced")
    client.log_text(run_id, "a longer first text", "note.txt")
    client.log_text(run_id, "second", "note.txt")
    return [content(client, run_id, "note.txt"), listed(client, run_id)]


@feature
def large_file(client):
    run_id = new_run(client, "large")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "large.bin")
        path.write_bytes(bytes(range(256)) * 80_000)
        client.log_artifact(run_id, str(path))
        got = pathlib.Path(client.download_artifacts(run_id, "large.bin", tempfile.mkdtemp(dir=folder)))
        return [got.read_bytes() == path.read_bytes(), listed(client, run_id)]


@feature
def missing_file(client):
    run_id = new_run(client, "missing")
    try:
        client.download_artifacts(run_id, "absent.txt")
    except Exception as error:
        return type(error).__name__


@feature
def command_line(client):
    run_id = new_run(client, "artifacts from the command line")

    def mlflow_command(*arguments):
        command = [MLFLOW, "artifacts", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "a b.txt")
        path.write_text("text")
        mlflow_command("log-artifact", "--local-file", str(path), "--run-id", run_id, "--artifact-path", "in")
        table = mlflow_command("list", "--run-id", run_id, "--artifact-path", "in")
        got = mlflow_command("download", "--run-id", run_id, "--artifact-path", "in/a b.txt").strip()
        return [table, pathlib.Path(got.splitlines()[-1]).read_text()]


run_features()
