"""A search with Optuna: the study is a run, each of its trials a run within it, and the best one is found by a query.

pip install mlflow==3.17.2 scikit-learn optuna
MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python examples/optuna_nested_runs.py
"""

import mlflow
import optuna
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import cross_val_score

TRIALS = 8

mlflow.set_experiment("optuna")
optuna.logging.set_verbosity(optuna.logging.WARNING)
X, y = load_digits(return_X_y=True)


def objective(trial):
    with mlflow.start_run(run_name=f"trial {trial.number}", nested=True):
        params = {
            "alpha": trial.suggest_float("alpha", 1e-6, 1.0, log=True),
            "penalty": trial.suggest_categorical("penalty", ["l1", "l2"]),
        }
        mlflow.log_params(params)
        accuracies = cross_val_score(SGDClassifier(**params, random_state=7), X, y, cv=3)
        for fold, accuracy in enumerate(accuracies):
            mlflow.log_metric("fold_accuracy", accuracy, step=fold)
        mlflow.log_metric("accuracy", accuracies.mean())
        return accuracies.mean()


with mlflow.start_run(run_name="study") as parent:
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=7))
    study.optimize(objective, n_trials=TRIALS)
    mlflow.log_params({f"best_{key}": value for key, value in study.best_params.items()})
    mlflow.log_metric("best_accuracy", study.best_value)

trials = mlflow.search_runs(
    experiment_names=["optuna"],
    filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'",
    order_by=["metrics.accuracy DESC"],
)
print(f"{len(trials)} trials, the best three:")
print(trials[["tags.mlflow.runName", "params.penalty", "metrics.accuracy"]].head(3).to_string(index=False))
print(f"the study's best is the same: {trials.loc[0, 'metrics.accuracy'] == study.best_value}")
