"""Logs files of one and of several parts, downloads them again and prints their sizes and whether bytes are equal."""

import hashlib
import json
import pathlib
import tempfile

import mlflow

MIB = 1024 * 1024
SIZES = {"small.bin": MIB, "exact.bin": 15 * MIB, "large ü.bin": 23 * MIB + 17}


def content(name, size):
    block = hashlib.sha512(name.encode()).digest() * 1024
    return (block * (size // len(block) + 1))[:size]


client = mlflow.MlflowClient()
run_id = client.create_run("0").info.run_id
answer = {"run_id": run_id, "files": {}}
with tempfile.TemporaryDirectory() as folder:
    for name, size in SIZES.items():
        pathlib.Path(folder, name).write_bytes(content(name, size))
    client.log_artifacts(run_id, folder, "parts")
for each in client.list_artifacts(run_id, "parts"):
    name = pathlib.PurePosixPath(each.path).name
    with tempfile.TemporaryDirectory() as folder:
        local = client.download_artifacts(run_id, each.path, folder)
        equal = pathlib.Path(local).read_bytes() == content(name, SIZES[name])
    answer["files"][name] = [each.file_size, equal]
print(json.dumps(answer))
