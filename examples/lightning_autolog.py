"""PyTorch Lightning with autologging: metrics of each epoch, the optimizer's params, a checkpoint and the model.

pip install mlflow==3.17.2 scikit-learn torch lightning
MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python examples/lightning_autolog.py
"""

import lightning
import mlflow
import torch
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset, random_split

mlflow.set_experiment("lightning autolog")
mlflow.pytorch.autolog(checkpoint=True, checkpoint_monitor="val_loss")


class Classifier(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))

    def forward(self, x):
        return self.layers(x)

    def training_step(self, batch, _):
        x, y = batch
        loss = torch.nn.functional.cross_entropy(self(x), y)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        scores = self(x)
        self.log("val_loss", torch.nn.functional.cross_entropy(scores, y))
        self.log("val_accuracy", (scores.argmax(dim=1) == y).float().mean())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.02)


lightning.seed_everything(7)
X, y = load_iris(return_X_y=True)
X = torch.tensor(StandardScaler().fit_transform(X), dtype=torch.float32)
training, validation = random_split(TensorDataset(X, torch.tensor(y)), [120, 30])

with mlflow.start_run(run_name="two layers") as run:
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=5,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
    )
    trainer.fit(Classifier(), DataLoader(training, batch_size=20), DataLoader(validation, batch_size=30))

history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "val_loss")
print(f"loss of the validation data fell in {len(history)} epochs: {history[-1].value < history[0].value}")

model = mlflow.pytorch.load_model(mlflow.last_logged_model().model_uri)
with torch.no_grad():
    accuracy = (model(X).argmax(dim=1) == torch.tensor(y)).float().mean()
print(f"the model, read back, is right on most flowers: {accuracy.item() > 0.8}")
