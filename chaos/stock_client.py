# MLflow's own client, with its default retries, logs while the database is hurt; then it reads everything back.
# Prints one JSON object: how much was logged, and what is wrong.
import json
import sys
import time

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

uri, seconds, mark = sys.argv[1], float(sys.argv[2]), sys.argv[3]
client = MlflowClient(tracking_uri=uri)
experiment = client.create_experiment(f"stock client {mark}")
run = client.create_run(experiment).info.run_id
begun, count, slowest = time.time(), 0, 0.0
while time.time() - begun < seconds:
    started = time.time()
    client.log_metric(run, "loss", count / 4, timestamp=1000 + count, step=count)
    client.log_batch(
        run,
        metrics=[Metric("batched", count * 10 + i, 1000, count * 10 + i) for i in range(10)],
        params=[Param(f"param-{count}", str(count))],
        tags=[RunTag("turn", str(count))],
    )
    client.set_tag(run, "last", str(count))
    slowest = max(slowest, time.time() - started)
    count += 1

problems = []
shown = client.get_run(run)
if shown.data.params != {f"param-{i}": str(i) for i in range(count)}:
    problems.append(f"{len(shown.data.params)} params instead of {count}")
for key in ("turn", "last"):
    if shown.data.tags.get(key) != str(count - 1):
        problems.append(f"tag {key} is {shown.data.tags.get(key)} instead of {count - 1}")
loss = sorted((m.step, m.timestamp, m.value) for m in client.get_metric_history(run, "loss"))
if loss != [(i, 1000 + i, i / 4) for i in range(count)]:
    problems.append(f"loss has {len(loss)} points instead of {count}")
batched = sorted(m.step for m in client.get_metric_history(run, "batched"))
if batched != list(range(count * 10)):
    problems.append(f"batched has {len(batched)} points instead of {count * 10}")
print(json.dumps({"rounds": count, "writes": count * 14, "slowest_s": round(slowest, 2), "problems": problems}))
