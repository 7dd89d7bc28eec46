"""Promotes a model, finds that it is worse than the one before, rolls back, and compares the two.

Usage: MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python examples/registry_walkthrough.py [step ...]

Steps are first, second, check, roll-back and compare; without one, all of them are taken in this order.
"""

import sys

import mlflow
import requests
from mlflow.models import infer_signature
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NAME, ALIAS = "wine-classifier", "champion"
CHAMPION = f"models:/{NAME}@{ALIAS}"

client = mlflow.MlflowClient()
wine = load_wine(as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(wine.data, wine.target, random_state=7)


def accuracy(model):
    return (model.predict(X_test) == y_test).mean()


def train_and_promote(run_name, data):
    """Registers a model of the data as the next version and makes it the champion, untested."""
    mlflow.set_experiment("registry walkthrough")
    with mlflow.start_run(run_name=run_name):
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(data, y_train)
        mlflow.log_metric("train_accuracy", model.score(data, y_train))
        logged = mlflow.sklearn.log_model(
            model,
            name="classifier",
            signature=infer_signature(data, model.predict(data)),
            registered_model_name=NAME,
        )
    version = logged.registered_model_version
    client.set_model_version_tag(NAME, version, "data", run_name)
    client.set_registered_model_alias(NAME, ALIAS, version)
    print(f"version {version}, made of {run_name}: train accuracy {model.score(data, y_train):.3f}, now {ALIAS}")


def first():
    train_and_promote("the old data", X_train)


def second():
    # Someone exports two columns in other units. Training does not mind, since it scales all columns.
    train_and_promote("the new data", X_train.assign(proline=X_train.proline / 1000, alcohol=X_train.alcohol * 10))


def check():
    """What whoever serves the champion sees."""
    version = client.get_model_version_by_alias(NAME, ALIAS).version
    print(f"{ALIAS} is version {version}: test accuracy {accuracy(mlflow.pyfunc.load_model(CHAMPION)):.3f}")


def roll_back():
    """What `crateflow registry rollback` does: of all that do it at once, one moves the alias."""
    left = client.get_model_version_by_alias(NAME, ALIAS).version
    answer = requests.post(
        f"{mlflow.get_tracking_uri()}/api/crateflow/1.0/registered-models/rollback-alias",
        json={"name": NAME, "alias": ALIAS, "from": left},
    )
    answer.raise_for_status()
    print(f"rolled {ALIAS} back: version {left} -> {answer.json()['version']}")


def compare():
    found = client.search_model_versions(f"name = '{NAME}'", order_by=["version_number ASC"])
    for version in found:
        run = client.get_run(version.run_id)
        model = mlflow.sklearn.load_model(f"models:/{NAME}/{version.version}")
        aliases = client.get_model_version(NAME, version.version).aliases
        print(
            f"version {version.version}, {version.tags['data']}: train {run.data.metrics['train_accuracy']:.3f},",
            f"test {accuracy(model):.3f} {' '.join(aliases)}".rstrip(),
        )


STEPS = {"first": first, "second": second, "check": check, "roll-back": roll_back, "compare": compare}

for step in sys.argv[1:] or ["first", "check", "second", "check", "roll-back", "check", "compare"]:
    STEPS[step]()
