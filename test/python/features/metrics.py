"""Metrics through the client: long histories, many keys, special values, asynchronous and system metrics."""

import math
import time

import mlflow
from harness import experiment, feature, run_features
from mlflow.entities import Metric

POINTS = 25_010


def log_points(client, run_id, points):
    for start in range(0, len(points), 1000):
        client.log_batch(run_id, points[start : start + 1000])


@feature
def long_history(client):
    run_id = client.create_run(experiment("long history"), run_name="long").info.run_id
    points = [Metric("loss", 1 / (1 + index), 1_700_000_000_000 + index * 10, index) for index in range(POINTS)]
    log_points(client, run_id, points)
    history = client.get_metric_history(run_id, "loss")
    # The client reads pages of at most 25,000 points.
    assert len(history) == POINTS
    assert [(each.step, each.value) for each in history] == [(each.step, each.value) for each in points]
    pages, token = [], None
    while token is not None or not pages:
        page = client._tracking_client.store.get_metric_history(run_id, "loss", max_results=9000, page_token=token)
        pages.append([len(page), page[0].step, page[-1].step])
        token = page.token
    return [pages, client.get_run(run_id).data.metrics, sum(each.timestamp for each in history)]


@feature
def five_thousand_keys(client):
    experiment("many keys")
    metrics = {f"layer {index // 100}/weight {index % 100:02}": index / 8 for index in range(5000)}
    with mlflow.start_run(run_name="many") as run:
        mlflow.log_metrics(metrics, step=3)
    stored = client.get_run(run.info.run_id).data.metrics
    assert stored == metrics
    found = mlflow.search_runs(filter_string="metrics.`layer 49/weight 99` > 624")
    return [len(stored), len(found.columns), found.loc[0, "metrics.layer 0/weight 01"]]


@feature
def special_values(client):
    run_id = client.create_run(experiment("special values"), run_name="special").info.run_id
    values = [math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 2**53 + 1, -1e-7]
    for index, value in enumerate(values):
        client.log_metric(run_id, f"value {index}", value, timestamp=index, step=-index)
        client.log_metric(run_id, "all", value, timestamp=index, step=index)
    # The same step again, an older one, and the same point twice.
    for timestamp, step, value in [(9, 9, 4.0), (10, 9, 3.0), (99, 2, 2.0), (99, 2, 2.0), (8, 9, 9.0)]:
        client.log_metric(run_id, "all", value, timestamp=timestamp, step=step)
    data = client.get_run(run_id).data
    history = client.get_metric_history(run_id, "all")
    return [
        {key: repr(value) for key, value in data.metrics.items()},
        [[each.timestamp, each.step, repr(each.value)] for each in history],
        client.get_metric_history(run_id, "absent"),
    ]


@feature
def asynchronous(client):
    experiment("asynchronous")
    mlflow.config.enable_async_logging()
    try:
        with mlflow.start_run(run_name="asynchronous") as run:
            for step in range(300):
                mlflow.log_metric("loss", step / 4, step=step, timestamp=step)
            mlflow.log_params({f"p{index}": index for index in range(150)})
            mlflow.set_tags({"a": "1", "b": "2"})
            last = mlflow.log_metric("accuracy", 0.5, step=1, timestamp=1)
            last.wait()
        mlflow.flush_async_logging()
    finally:
        mlflow.config.enable_async_logging(False)
    data = client.get_run(run.info.run_id).data
    history = client.get_metric_history(run.info.run_id, "loss")
    tags = {key: value for key, value in data.tags.items() if not key.startswith("mlflow.")}
    return [data.metrics, data.params, tags, [[each.step, each.value] for each in history]]


@feature
def system_metrics(client):
    experiment("system metrics")
    mlflow.set_system_metrics_sampling_interval(0.1)
    mlflow.set_system_metrics_samples_before_logging(2)
    with mlflow.start_run(run_name="watched", log_system_metrics=True) as run:
        run_id = run.info.run_id
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            # The network's metrics are there from the second sample on.
            if len(client.get_metric_history(run_id, "system/cpu_utilization_percentage")) > 1:
                break
            time.sleep(0.1)
    data = client.get_run(run_id).data
    assert data.metrics["system/system_memory_usage_megabytes"] > 0
    return sorted(data.metrics)


run_features()
