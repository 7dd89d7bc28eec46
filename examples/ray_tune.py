"""Tunes a model with Ray Tune: four parallel trials, logged by the driver's callback, then by the trials themselves.

Usage: MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python examples/ray_tune.py
"""

import os
import tempfile

# Nothing leaves this machine, and Ray listens on the loopback interface only; the trials' processes inherit it.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
import ray
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback, setup_mlflow
from sklearn.datasets import load_iris
from sklearn.linear_model import SGDClassifier

EPOCHS = 3
CALLBACK_EXPERIMENT = "ray tune callback"
TRAINABLE_EXPERIMENT = "ray tune trainable"
TRACKING_URI = mlflow.get_tracking_uri()


def epochs_of(config):
    """Yields the accuracy after each epoch of training."""
    X, y = load_iris(return_X_y=True)
    model = SGDClassifier(alpha=config["alpha"], random_state=7)
    for _ in range(EPOCHS):
        model.partial_fit(X, y, classes=[0, 1, 2])
        yield model.score(X, y)


def reported(config):
    """Reports to Ray Tune only; the callback on the driver logs what is reported."""
    for accuracy in epochs_of(config):
        tune.report({"accuracy": accuracy})


def logged(config):
    """Logs to MLflow from inside the trial, where figures and models could be logged too."""
    run = setup_mlflow(
        config,
        tracking_uri=TRACKING_URI,
        experiment_name=TRAINABLE_EXPERIMENT,
        run_name=f"alpha {config['alpha']}",
        tags={"framework": "ray"},
    )
    accuracy = 0.0
    for epoch, accuracy in enumerate(epochs_of(config)):
        run.log_metric("accuracy", accuracy, step=epoch)
    run.log_dict({"alpha": config["alpha"], "epochs": EPOCHS}, "settings.json")
    run.end_run()
    tune.report({"accuracy": accuracy})


def fit(trainable, folder, callbacks):
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 0.25}),
        param_space={"alpha": tune.grid_search([0.0001, 0.001, 0.01, 0.1])},
        tune_config=tune.TuneConfig(metric="accuracy", mode="max", max_concurrent_trials=4),
        run_config=tune.RunConfig(storage_path=folder, callbacks=callbacks, verbose=0),
    )
    return tuner.fit()


# `setup_mlflow` creates no experiment by default. `set_experiment` would also become the callback's experiment.
if mlflow.get_experiment_by_name(TRAINABLE_EXPERIMENT) is None:
    mlflow.create_experiment(TRAINABLE_EXPERIMENT)
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
with tempfile.TemporaryDirectory() as folder:
    callback = MLflowLoggerCallback(
        tracking_uri=TRACKING_URI, experiment_name=CALLBACK_EXPERIMENT, tags={"framework": "ray"}
    )
    fit(reported, folder, [callback])
    fit(logged, folder, [])
ray.shutdown()

for experiment in [CALLBACK_EXPERIMENT, TRAINABLE_EXPERIMENT]:
    runs = mlflow.search_runs(experiment_names=[experiment], order_by=["params.alpha"])
    print(runs[["status", "params.alpha", "metrics.accuracy"]].to_string())
