"""Uploads, lists, downloads and deletes with MLflow's own client; prints what it saw as JSON."""
import json
import os
import sys
import tempfile

from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository

FILES = {
    "a.txt": b"hello",
    "empty": b"",
    "it's [1];x.json": b"{}",
    "sub/b \u00fc 100%.bin": os.urandom(1000),
    "sub/deep/big.bin": os.urandom(12 * 1024 * 1024 + 5),
}


def walk(repository, path=None):
    for file in repository.list_artifacts(path):
        if file.is_dir:
            yield from walk(repository, file.path)
        else:
            yield file.path, file.file_size


def main(url):
    repository = MlflowArtifactsRepository("mlflow-artifacts:/5/client/artifacts", tracking_uri=url)
    source = tempfile.mkdtemp()
    for name, content in FILES.items():
        path = os.path.join(source, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    repository.log_artifacts(source)
    repository.log_artifact(os.path.join(source, "a.txt"), "other/folder")
    seen = {"listed": dict(walk(repository))}
    target = repository.download_artifacts("", tempfile.mkdtemp())
    seen["same"] = []
    for name, content in FILES.items():
        with open(os.path.join(target, name), "rb") as file:
            if file.read() == content:
                seen["same"].append(name)
    repository.delete_artifacts("sub")
    seen["after_delete"] = [file.path for file in repository.list_artifacts()]
    print("SEEN " + json.dumps(seen))


main(sys.argv[1])
