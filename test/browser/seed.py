"""Fills a tracking server with what a team's server holds, and prints the ids of it as one line of JSON.

Usage: MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python test/browser/seed.py [--runs N] [--points N] [--long-runs N]

The data is the same at each call: names, values and times follow from the numbers of the rows. `--runs` is the
number of short runs, `--points` the length of a long metric history, `--long-runs` the number of runs with one.
"""

import argparse
import json
import math
import random
import sys
from concurrent.futures import ThreadPoolExecutor

import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from seed_files import log_files
from seed_models import log_models, log_prompts

# 2026-01-12, a Monday, in milliseconds.
START_MS = 1_768_176_000_000
MINUTE_MS = 60_000
USERS = ("ada", "grace", "linus", "mary")
OPTIMIZERS = ("adam", "sgd", "lion")
BATCH = 1000

client = mlflow.MlflowClient()


def start_run(experiment_id, name, start_ms, tags=None, parent=None):
    # `user` becomes the run's user; the rest are what the client sets itself.
    base = {
        "mlflow.user": USERS[start_ms // MINUTE_MS % len(USERS)],
        "mlflow.source.name": "train.py",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": "4d1c7f0a2b9e8d6c5f4a3b2c1d0e9f8a7b6c5d4e",
        **({"mlflow.parentRunId": parent} if parent else {}),
    }
    return client.create_run(experiment_id, start_ms, {**base, **(tags or {})}, name).info.run_id


def log_points(run_id, points):
    for first in range(0, len(points), BATCH):
        client.log_batch(run_id, metrics=points[first : first + BATCH])


def curve(key, count, start_ms, worst, best, noise, seed):
    """A value that falls (or climbs) from worst to best, one point a second."""
    chance = random.Random(seed)
    return [
        Metric(
            key,
            best + (worst - best) * math.exp(-4 * step / count) + chance.uniform(-noise, noise),
            start_ms + step * 1000,
            step,
        )
        for step in range(count)
    ]


def log_short_run(experiment_id, number):
    """One of hundreds: a few epochs of loss and accuracy. Run 0 is the best and the oldest."""
    start_ms = START_MS + number * 7 * MINUTE_MS
    run_id = start_run(experiment_id, f"churn-{number:03d}", start_ms, {"team": "red" if number % 3 else "blue"})
    accuracy = 0.95 - number * 0.001
    points = [
        metric
        for epoch in range(8)
        for metric in (
            Metric("loss", (1 - accuracy) * (8 - epoch), start_ms + epoch * 9000, epoch),
            Metric("accuracy", accuracy - 0.05 * (7 - epoch), start_ms + epoch * 9000, epoch),
        )
    ]
    rate = (0.1, 0.03, 0.01, 0.003)[number % 4]
    params = {"learning_rate": rate, "depth": 2 + number % 7, "optimizer": OPTIMIZERS[number % 3]}
    client.log_batch(run_id, points, [Param(key, str(value)) for key, value in params.items()])
    end(run_id, start_ms, number)
    return run_id


def end(run_id, start_ms, number):
    client.set_terminated(run_id, "FAILED" if number % 17 == 16 else "FINISHED", start_ms + 90_000 + number * 100)


def log_nested(experiment_id):
    """A sweep: a parent, four children, and a grandchild."""
    start_ms = START_MS + 40 * 24 * 60 * MINUTE_MS
    parent = start_run(experiment_id, "sweep", start_ms, {"mlflow.note.content": "# Sweep\nFour *trials* of one model."})
    children = [
        start_run(experiment_id, f"trial-{number}", start_ms + (number + 1) * MINUTE_MS, parent=parent)
        for number in range(4)
    ]
    grandchild = start_run(experiment_id, "trial-0-retry", start_ms + 6 * MINUTE_MS, parent=children[0])
    for number, run_id in enumerate([parent, *children, grandchild]):
        client.log_batch(
            run_id,
            [Metric("accuracy", 0.5 + number * 0.05, start_ms, 0)],
            [Param("depth", str(number))],
            [RunTag("stage", "sweep")],
        )
        client.set_terminated(run_id, "FINISHED", start_ms + 8 * MINUTE_MS)
    return {"parent": parent, "children": children, "grandchild": grandchild}


def log_churn(count):
    experiment_id = client.create_experiment("churn-prediction", tags={"owner": "growth"})
    client.set_experiment_tag(experiment_id, "mlflow.experimentKind", "custom_model_development")
    note = "# Churn\nWho **leaves** next month? One run per set of hyperparameters."
    client.set_experiment_tag(experiment_id, "mlflow.note.content", note)
    # In order: servers give ids in the order of the requests, and ties of the sorting go by id.
    with ThreadPoolExecutor(6) as pool:
        runs = list(pool.map(lambda number: log_short_run(experiment_id, number), range(count)))
    trials = log_nested(experiment_id)
    for run_id in runs[-3:]:
        client.delete_run(run_id)
    dataset = Dataset(
        "customers",
        "0f3a9c1d",
        "http",
        '{"url": "https://example.com/customers.csv"}',
        json.dumps({"mlflow_colspec": [{"type": "string", "name": "plan", "required": True}]}),
        json.dumps({"num_rows": 7043, "num_elements": 7043}),
    )
    for run_id in runs[:20]:
        client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
    return {"experiment_id": experiment_id, "runs": runs, **trials}


def log_long_run(experiment_id, number, count):
    start_ms = START_MS + number * 60 * MINUTE_MS
    run_id = start_run(experiment_id, f"resnet-{number}", start_ms)
    log_points(run_id, curve("train/loss", count, start_ms, 2.5 + number / 10, 0.1 + number / 50, 0.05, number))
    short = 500
    log_points(run_id, curve("val/accuracy", short, start_ms, 0.1, 0.9 - number / 100, 0.01, 100 + number))
    for key, idle, busy in (
        ("cpu_utilization_percentage", 5, 80),
        ("system_memory_usage_megabytes", 2000, 9000),
        ("gpu_0_utilization_percentage", 0, 97),
    ):
        log_points(run_id, curve(f"system/{key}", 200, start_ms, idle, busy, 2, 200 + number))
    params = {"architecture": "resnet", "layers": 18 + 16 * (number % 3), "learning_rate": 0.1 / (number + 1)}
    client.log_batch(run_id, params=[Param(key, str(value)) for key, value in params.items()])
    end(run_id, start_ms, number)
    return run_id


def log_images_experiment(runs, long_runs, points):
    experiment_id = client.create_experiment("image-classification")
    client.set_experiment_tag(experiment_id, "mlflow.experimentKind", "custom_model_development")
    lengths = [points if number < long_runs else min(points, 2000) for number in range(runs)]
    with ThreadPoolExecutor(4) as pool:
        long = list(pool.map(lambda number: log_long_run(experiment_id, number, lengths[number]), range(runs)))
    log_files(client, long[0], START_MS)
    for run_id in long[-2:]:
        log_files(client, run_id, START_MS, small=True)
    client.set_tag(long[0], "mlflow.note.content", "The **baseline** of all others.")
    return {"experiment_id": experiment_id, "runs": long}


def log_others():
    """What fills lists: more experiments than a page holds, and one that is deleted."""
    with ThreadPoolExecutor(6) as pool:
        filler = list(pool.map(lambda number: client.create_experiment(f"team-{number:02d}"), range(30)))
    deleted = client.create_experiment("abandoned")
    client.delete_experiment(deleted)
    return {"filler": filler, "deleted": deleted}


def main(arguments):
    ids = {
        "churn": log_churn(arguments.runs),
        "images": log_images_experiment(10, arguments.long_runs, arguments.points),
        "others": log_others(),
    }
    ids["models"] = log_models(client)
    ids["prompts"] = log_prompts()
    active = client.search_experiments(view_type=ViewType.ACTIVE_ONLY)
    print(json.dumps({**ids, "experiments": len(active)}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=240)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--long-runs", type=int, default=1)
    sys.exit(main(parser.parse_args()))
