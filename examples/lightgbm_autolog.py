"""LightGBM with autologging, stopped early: the metrics of each round, the best one, the params, the data and the model.

pip install mlflow==3.17.2 scikit-learn lightgbm
MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python examples/lightgbm_autolog.py
"""

import lightgbm
import mlflow
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

mlflow.set_experiment("lightgbm autolog")
mlflow.lightgbm.autolog(log_input_examples=True)

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
# LightGBM takes no spaces in the names of columns.
X.columns = X.columns.str.replace(" ", "_")
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=7)
training = lightgbm.Dataset(X_train, y_train)

with mlflow.start_run(run_name="early stopping") as run:
    lightgbm.train(
        {"objective": "binary", "learning_rate": 0.3, "num_leaves": 7, "num_threads": 1, "seed": 7, "verbose": -1},
        training,
        num_boost_round=200,
        valid_sets=[lightgbm.Dataset(X_test, y_test, reference=training)],
        valid_names=["test"],
        callbacks=[lightgbm.early_stopping(stopping_rounds=5, verbose=False)],
    )

metrics = mlflow.get_run(run.info.run_id).data.metrics
print(f"best of {metrics['stopped_iteration']:.0f} rounds: {metrics['best_iteration']:.0f}")

model = mlflow.lightgbm.load_model(mlflow.last_logged_model().model_uri)
print(f"accuracy of the model, read back: {((model.predict(X_test) > 0.5) == y_test).mean():.3f}")
