"""Artifacts through the client: what it writes, lists, downloads and loads."""

import os
import pathlib
import re
import tempfile

import mlflow
import numpy
import pandas
from harness import experiment, feature, refusal, run_features


def tree(folder):
    """Sizes of the files below a folder by their relative paths."""
    files = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.stat().st_size for path in sorted(files)}


def new_run(client, name):
    return client.create_run(experiment(name), run_name=name).info.run_id


def listed(client, run_id, path=None):
    return [[each.path, each.is_dir, each.file_size] for each in client.list_artifacts(run_id, path)]


def write_files(folder, names):
    for name in names:
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}\n", encoding="utf-8")


@feature
def texts_and_dicts(client):
    run_id = new_run(client, "texts and dicts")
    data = {"learning rate": 0.1, "layers": [1, 2], "näme": None}
    client.log_text(run_id, "ünïcödé\n", "notes/read me.txt")
    client.log_dict(run_id, data, "config.json")
    client.log_dict(run_id, data, "deep/er/config.yaml")
    client.log_text(run_id, "first", "replaced.txt")
    client.log_text(run_id, "second", "replaced.txt")
    client.log_text(run_id, "", "empty.txt")
    uri = f"runs:/{run_id}"
    return [
        mlflow.artifacts.load_text(f"{uri}/notes/read me.txt"),
        mlflow.artifacts.load_dict(f"{uri}/config.json"),
        mlflow.artifacts.load_text(f"{uri}/deep/er/config.yaml"),
        mlflow.artifacts.load_text(f"{uri}/replaced.txt"),
        mlflow.artifacts.load_text(f"{uri}/empty.txt"),
        listed(client, run_id),
    ]


@feature
def figures_and_images(client):
    from matplotlib import pyplot

    run_id = new_run(client, "figures and images")
    figure, axes = pyplot.subplots()
    axes.plot([0, 1], [2, 3])
    client.log_figure(run_id, figure, "plots/line.png")
    pixels = numpy.arange(4 * 5 * 3, dtype=numpy.uint8).reshape(4, 5, 3)
    client.log_image(run_id, pixels, "pixels.png")
    for step in range(2):
        client.log_image(run_id, pixels, key="sample", step=step, timestamp=1_700_000_000_000)
    loaded = mlflow.artifacts.load_image(f"runs:/{run_id}/pixels.png")
    with tempfile.TemporaryDirectory() as folder:
        downloaded = tree(client.download_artifacts(run_id, "", folder))
    # Images of a key have random names.
    names = {re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<uuid>", name): size for name, size in downloaded.items()}
    tags = client.get_run(run_id).data.tags
    return [numpy.asarray(loaded).tolist(), names, listed(client, run_id, "plots"), tags]


@feature
def tables(client):
    id_ = experiment("tables")
    first, second = [client.create_run(id_, run_name=name).info.run_id for name in ["first", "second"]]
    frame = pandas.DataFrame({"question": ["a", "b"], "score": [0.5, 1.0]})
    client.log_table(first, frame, "evaluation.json")
    client.log_table(first, {"question": ["c"], "score": [None]}, "evaluation.json")
    client.log_table(second, {"question": "d", "score": 2}, "evaluation.json")
    loaded = client.load_table(id_, "evaluation.json", extra_columns=["run_id"])
    one = client.load_table(id_, "evaluation.json", run_ids=[first])
    rows = sorted(loaded.drop(columns="run_id").astype(str).values.tolist())
    return [rows, one.astype(str).values.tolist(), client.get_run(first).data.tags["mlflow.loggedArtifacts"]]


@feature
def folders(client):
    run_id = new_run(client, "folders")
    with tempfile.TemporaryDirectory() as folder:
        write_files(folder, ["a.txt", "sub/b.txt", "sub/deep/c.txt", "sub/deep/d.txt"])
        client.log_artifacts(run_id, folder, "data/all")
        client.log_artifacts(run_id, os.path.join(folder, "sub"))
        client.log_artifact(run_id, os.path.join(folder, "a.txt"), "single")
        client.log_artifact(run_id, os.path.join(folder, "sub"), "folder")
    lists = [listed(client, run_id, path) for path in [None, "data", "data/all", "data/all/a.txt", "absent"]]
    trees = []
    for path in ["", "data/all", "single/a.txt"]:
        with tempfile.TemporaryDirectory() as folder:
            local = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=path, dst_path=folder)
            trees.append([os.path.relpath(local, folder), tree(folder)])
    return [lists, trees]


@feature
def unusual_names(client):
    run_id = new_run(client, "unusual names")
    names = ["with space.txt", "ünïcödé 漢字.txt", "per%zent.txt", "plus+and&.txt", "hash#tag.txt", "question?.txt"]
    names += ["semi;colon=.txt", "(brackets) [too].txt", "per%2Fcent.txt", "quote'.txt", ".hidden", "UPPER/lower.TXT"]
    answer = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            write_files(folder, [name])
            try:
                client.log_artifacts(run_id, folder)
                local = client.download_artifacts(run_id, name, tempfile.mkdtemp(dir=folder))
                answer[name] = pathlib.Path(local).read_text(encoding="utf-8")
            except Exception as error:
                answer[name] = type(error).__name__
    return [answer, listed(client, run_id)]


@feature
def refused_paths(client):
    run_id = new_run(client, "refused paths")
    client.log_text(run_id, "here", "file.txt")
    paths = ["../up", "/absolute", "a/../../b", "file.txt/.."]
    with tempfile.TemporaryDirectory() as folder:
        absent = refusal(client.download_artifacts, run_id, "absent.txt", folder)
    return [
        [refusal(client.list_artifacts, run_id, path) for path in paths],
        [refusal(client.log_text, run_id, "x", path) for path in paths[:3]],
        absent,
        refusal(client.list_artifacts, "0" * 32),
        listed(client, run_id),
    ]


@feature
def deletion(client):
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    run_id = new_run(client, "deletion")
    with tempfile.TemporaryDirectory() as folder:
        write_files(folder, ["a.txt", "sub/b.txt", "sub/c.txt", "subtle/d.txt"])
        client.log_artifacts(run_id, folder)
    repository = get_artifact_repository(client.get_run(run_id).info.artifact_uri)
    repository.delete_artifacts("sub/b.txt")
    after = [listed(client, run_id, "sub")]
    repository.delete_artifacts("sub")
    after.append(listed(client, run_id))
    repository.delete_artifacts()
    return [*after, listed(client, run_id)]


@feature
def logged_models(client):
    id_ = experiment("logged models")
    with mlflow.start_run(run_name="trainer") as run:
        model = mlflow.initialize_logged_model(
            "net", source_run_id=run.info.run_id, params={"depth": "3"}, tags={"stage": "try"}, model_type="agent"
        )
        states = [str(model.status)]
        mlflow.log_metric("accuracy", 0.75, step=2, timestamp=1, model_id=model.model_id)
        with tempfile.TemporaryDirectory() as folder:
            write_files(folder, ["weights.txt", "parts/1.txt"])
            client.log_model_artifacts(model.model_id, folder)
        client.set_logged_model_tags(model.model_id, {"stage": "good", "more": "x"})
        client.delete_logged_model_tag(model.model_id, "more")
        states.append(str(mlflow.finalize_logged_model(model.model_id, "READY").status))
    failed = client.create_logged_model(id_, "net", params={"depth": "4"})
    client.finalize_logged_model(failed.model_id, "FAILED")
    stored = client.get_logged_model(model.model_id)
    texts = ["metrics.accuracy > 0.5", "params.depth = '4'", "name = 'net' and tags.stage = 'good'", "name = 'no'"]
    found = [
        [each.params["depth"] for each in client.search_logged_models([id_], filter_string=text)] for text in texts
    ]
    client.delete_logged_model(failed.model_id)
    files = client.list_logged_model_artifacts(model.model_id)
    return [
        states,
        [stored.name, stored.model_type, stored.params, stored.tags, stored.artifact_location],
        [[each.key, each.value, each.step, each.run_id, each.model_id] for each in stored.metrics],
        found,
        refusal(client.get_logged_model, failed.model_id)[0],
        [[each.path, each.is_dir, each.file_size] for each in files],
        len(client.search_logged_models([id_])),
        [output.model_id for output in client.get_run(run.info.run_id).outputs.model_outputs],
    ]


run_features()
