"""System metrics: processor, memory, disk and network of the machine, sampled each second while a run goes on.

pip install mlflow==3.17.2 psutil numpy
MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python examples/system_metrics.py
"""

import time

import mlflow
import numpy

mlflow.set_experiment("system metrics")
mlflow.enable_system_metrics_logging()
# Every ten seconds unless told otherwise. MLflow averages as many samples as are to be logged at once.
mlflow.set_system_metrics_sampling_interval(1)
mlflow.set_system_metrics_samples_before_logging(1)

with mlflow.start_run(run_name="products of matrices") as run:
    matrix = numpy.random.default_rng(7).random((400, 400))
    until = time.monotonic() + 5
    while time.monotonic() < until:
        matrix = matrix @ matrix
        matrix /= matrix.max()

client = mlflow.MlflowClient()
sampled = [key for key in client.get_run(run.info.run_id).data.metrics if key.startswith("system/")]
print("\n".join(sorted(key for key in sampled if "gpu" not in key)))
points = client.get_metric_history(run.info.run_id, "system/cpu_utilization_percentage")
print(f"each sampled more than once: {len(points) > 1}, by step: {[each.step for each in points][:2]}")
