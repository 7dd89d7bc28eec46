"""Trains two scikit-learn models with autologging, then finds the runs and reads the best model back.

Usage: MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python examples/sklearn_autolog.py
"""

import mlflow
import numpy
from mlflow.models import infer_signature
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

EXPERIMENT = "sklearn autolog"
INVERSE_REGULARISATION = [0.001, 1.0]

mlflow.set_experiment(EXPERIMENT)
# Parameters, metrics, tags, the training data and the fitted model of every `fit` below are logged by themselves.
mlflow.autolog(log_input_examples=True, silent=True)

wine = load_wine(as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(wine.data, wine.target, random_state=7)

for c in INVERSE_REGULARISATION:
    with mlflow.start_run(run_name=f"C = {c}", tags={"data": "wine"}):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=c)).fit(X_train, y_train)
        mlflow.log_text("\n".join(wine.feature_names), "features.txt")
        # A second, named model beside the one that autologging stored, with metrics of its own.
        logged = mlflow.sklearn.log_model(
            model,
            name="classifier",
            signature=infer_signature(X_test, model.predict(X_test)),
            params={"c": c},
            tags={"data": "wine"},
        )
        mlflow.log_metric("test_accuracy", model.score(X_test, y_test), model_id=logged.model_id)

runs = mlflow.search_runs(
    experiment_names=[EXPERIMENT],
    filter_string="metrics.test_accuracy > 0.5 and tags.data = 'wine'",
    order_by=["metrics.test_accuracy DESC", "params.logisticregression__C DESC"],
)
print(runs[["tags.mlflow.runName", "params.logisticregression__C", "metrics.test_accuracy"]].to_string())

best = mlflow.get_run(runs.loc[0, "run_id"])
print(f"best run: {best.info.run_name}, {best.info.status}, {len(best.data.params)} params")
print(f"logged data: {[each.dataset.name for each in best.inputs.dataset_inputs]}")

mlflow.autolog(disable=True)
c = float(best.data.params["logisticregression__C"])
expected = make_pipeline(StandardScaler(), LogisticRegression(C=c)).fit(X_train, y_train).predict(X_test)

from_run = mlflow.sklearn.load_model(f"runs:/{best.info.run_id}/classifier")
numpy.testing.assert_array_equal(from_run.predict(X_test), expected)

[classifier] = mlflow.search_logged_models(
    experiment_ids=[best.info.experiment_id],
    filter_string=f"name = 'classifier' and source_run_id = '{best.info.run_id}'",
    output_format="list",
)
by_model = mlflow.sklearn.load_model(classifier.model_uri)
numpy.testing.assert_array_equal(by_model.predict(X_test), expected)
print(f"{classifier.name}, {classifier.status}, predicts the same, read from its run and as a logged model")
