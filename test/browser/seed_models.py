"""Logged models, registered models with versions, and prompts of the seeded server."""

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import LoggedModelStatus
from mlflow.models import infer_signature

NOTE = "# Churn model\nPredicts who *leaves*. Owner: growth."


class Threshold(mlflow.pyfunc.PythonModel):
    """Answers 1 where the first column is above the threshold."""

    def __init__(self, threshold):
        self.threshold = threshold

    def predict(self, context, model_input, params=None):
        return (model_input.iloc[:, 0] > self.threshold).astype(int).to_numpy()


def log_model(run_name, threshold):
    """A model with signature and input example, with metrics on a dataset; answers its id and its run's."""
    data = pd.DataFrame({"tenure": [1.0, 20.0, 40.0], "monthly_charges": [70.5, 20.25, 99.0]})
    with mlflow.start_run(run_name=run_name) as run:
        mlflow.log_params({"threshold": threshold})
        dataset = mlflow.data.from_pandas(data, name="holdout")
        mlflow.log_input(dataset, context="evaluation")
        info = mlflow.pyfunc.log_model(
            name="churn-model",
            python_model=Threshold(threshold),
            signature=infer_signature(data, np.array([0, 1, 1])),
            input_example=data,
            pip_requirements=["pandas"],
            params={"threshold": threshold},
        )
        for step in range(3):
            mlflow.log_metric("f1", threshold / 100 + step / 10, step=step, model_id=info.model_id, dataset=dataset)
        mlflow.log_metric("auc", 0.6 + threshold / 100, model_id=info.model_id, dataset=dataset)
        mlflow.set_logged_model_tags(info.model_id, {"quality": "seeded"})
    return info.model_id, run.info.run_id, info.model_uri


def log_models(client):
    experiment_id = mlflow.set_experiment("model-training").experiment_id
    client.set_experiment_tag(experiment_id, "mlflow.experimentKind", "custom_model_development")
    logged = [log_model(f"threshold-{threshold}", threshold) for threshold in (10, 20)]
    pending = mlflow.initialize_logged_model("external-model", model_type="agent", tags={"kind": "external"})
    mlflow.finalize_logged_model(pending.model_id, LoggedModelStatus.FAILED)
    register(client, logged)
    return {
        "experiment_id": experiment_id,
        "models": [model_id for model_id, _, _ in logged],
        "runs": [run_id for _, run_id, _ in logged],
        "failed": pending.model_id,
    }


def register(client, logged):
    client.create_registered_model("churn", {"team": "growth"}, NOTE)
    for number in range(4):
        model_id, run_id, uri = logged[number % 2]
        version = client.create_model_version(
            "churn", uri, run_id, {"number": str(number)}, description=f"Version **{number + 1}**.", model_id=model_id
        )
        assert version.status == "READY", version
    client.set_registered_model_alias("churn", "champion", "3")
    client.set_registered_model_alias("churn", "challenger", "4")
    client.transition_model_version_stage("churn", "2", "Production")
    client.transition_model_version_stage("churn", "3", "Staging")
    for number in range(30):
        client.create_registered_model(f"model-{number:02d}", {"family": "even" if number % 2 == 0 else "odd"})


def log_prompts():
    for version, template in enumerate(
        ("Summarise {{ text }}.", "Summarise {{ text }} in {{ count }} sentences.", "In {{ count }} sentences: {{ text }}"), 1
    ):
        mlflow.genai.register_prompt(
            "summary", template, commit_message=f"Seeded change {version}", tags={"language": "en"}
        )
    mlflow.genai.set_prompt_alias("summary", "production", 2)
    chat = [{"role": "system", "content": "You are {{ mood }}."}, {"role": "user", "content": "{{ question }}"}]
    mlflow.genai.register_prompt("assistant", chat, commit_message="Seeded chat")
    return ["summary", "assistant"]
