"""Cross-validates a ridge classifier; the entry point of the MLproject file in this folder."""

import argparse

import mlflow
from sklearn.datasets import load_wine
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import cross_val_score

parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float)
parser.add_argument("--folds", type=int)
arguments = parser.parse_args()

X, y = load_wine(return_X_y=True)
scores = cross_val_score(RidgeClassifier(alpha=arguments.alpha), X, y, cv=arguments.folds)

# `mlflow run` has created the run, with its parameters and the commit; the script joins it.
with mlflow.start_run():
    for fold, score in enumerate(scores):
        mlflow.log_metric("accuracy", score, step=fold)
    mlflow.log_dict({"accuracies": scores.tolist()}, "scores.json")
