"""Hugging Face's Trainer logs to MLflow by its callback: all arguments and the model's configuration, losses, a checkpoint.

The model is a tiny transformer with random weights, and the text is made here, so nothing is fetched from a hub.

pip install mlflow==3.17.2 torch transformers accelerate
MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python examples/huggingface_callback.py
"""

import os
import tempfile

# What the callback reads: where its runs go, and that it stores checkpoints.
os.environ["MLFLOW_EXPERIMENT_NAME"] = "hugging face callback"
os.environ["HF_MLFLOW_LOG_ARTIFACTS"] = "true"

import mlflow
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

set_seed(7)
CONFIG = BertConfig(
    vocab_size=20,
    hidden_size=16,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=8,
)


def sentences(count):
    """Sentences of eight words, of class 1 if they begin with a word of the vocabulary's second half."""
    words = torch.randint(0, CONFIG.vocab_size, (count, 8))
    return [{"input_ids": row, "labels": int(row[0] >= CONFIG.vocab_size / 2)} for row in words]


with tempfile.TemporaryDirectory() as folder:
    trainer = Trainer(
        model=BertForSequenceClassification(CONFIG),
        args=TrainingArguments(
            output_dir=folder,
            run_name="tiny bert",
            report_to="mlflow",
            num_train_epochs=2,
            per_device_train_batch_size=16,
            learning_rate=0.01,
            logging_steps=4,
            eval_strategy="epoch",
            save_strategy="epoch",
            save_total_limit=1,
            use_cpu=True,
            disable_tqdm=True,
        ),
        train_dataset=sentences(128),
        eval_dataset=sentences(32),
    )
    trainer.train()

[run] = mlflow.search_runs(
    experiment_names=["hugging face callback"], order_by=["start_time DESC"], max_results=1, output_format="list"
)
client = mlflow.MlflowClient()
print(f"{run.info.run_name}: {run.data.params['model_type']}, {run.data.params['hidden_size']} wide")
print(f"losses of the training at steps {[each.step for each in client.get_metric_history(run.info.run_id, 'loss')]}")
print(f"losses of the evaluation: {len(client.get_metric_history(run.info.run_id, 'eval_loss'))}")
models = mlflow.search_logged_models(
    experiment_ids=[run.info.experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'", output_format="list"
)
print(f"checkpoints: {sorted(each.name for each in models)}")
