"""Ray Train with PyTorch: two workers train one model together, and the first of them logs to MLflow.

The driver makes the run and hands its id to the workers, so that what both log is in one place.

pip install mlflow==3.17.2 scikit-learn torch "ray[train]"
MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python examples/ray_train.py
"""

import os
import tempfile

# Nothing leaves this machine, and Ray listens on the loopback interface only; the workers inherit it.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"

import mlflow
import ray
import ray.train
import torch
from ray.train.torch import TorchTrainer, prepare_data_loader, prepare_model
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset

WORKERS = 2


def flowers():
    X, y = load_iris(return_X_y=True)
    return torch.tensor(StandardScaler().fit_transform(X), dtype=torch.float32), torch.tensor(y)


def train(config):
    """What each worker runs. Gradients are averaged over the workers, so all hold the same model."""
    is_first = ray.train.get_context().get_world_rank() == 0
    if is_first:
        mlflow.set_tracking_uri(config["tracking_uri"])
        mlflow.start_run(config["run_id"])
    torch.manual_seed(7)
    model = prepare_model(torch.nn.Linear(4, 3))
    X, y = flowers()
    loader = prepare_data_loader(DataLoader(TensorDataset(X, y), batch_size=25, shuffle=True))
    optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])
    for epoch in range(config["epochs"]):
        loader.sampler.set_epoch(epoch)
        for batch, labels in loader:
            loss = torch.nn.functional.cross_entropy(model(batch), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            accuracy = (model(X).argmax(dim=1) == y).float().mean().item()
        if is_first:
            mlflow.log_metrics({"loss": loss.item(), "accuracy": accuracy}, step=epoch)
        ray.train.report({"accuracy": accuracy})
    if is_first:
        mlflow.pytorch.log_model(getattr(model, "module", model), name="classifier", serialization_format="pickle")


mlflow.set_experiment("ray train")
settings = {"lr": 0.05, "epochs": 5}
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
with mlflow.start_run(run_name="two workers") as run, tempfile.TemporaryDirectory() as folder:
    mlflow.log_params({**settings, "workers": WORKERS})
    trainer = TorchTrainer(
        train,
        train_loop_config={**settings, "tracking_uri": mlflow.get_tracking_uri(), "run_id": run.info.run_id},
        scaling_config=ray.train.ScalingConfig(num_workers=WORKERS, resources_per_worker={"CPU": 0.4}),
        run_config=ray.train.RunConfig(storage_path=folder),
    )
    trainer.fit()
ray.shutdown()

logged = mlflow.get_run(run.info.run_id)
print(f"{logged.info.status}: accuracy {logged.data.metrics['accuracy']:.2f} after {settings['epochs']} epochs")
model = mlflow.pytorch.load_model(f"models:/{logged.outputs.model_outputs[0].model_id}")
X, y = flowers()
print(f"accuracy of the model, read back: {(model(X).argmax(dim=1) == y).float().mean().item():.2f}")
