"""XGBoost with autologging: a metric of each round, the params, the data, the importance of features and the model.

pip install mlflow==3.17.2 scikit-learn xgboost
MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python examples/xgboost_autolog.py
"""

import mlflow
import xgboost
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

mlflow.set_experiment("xgboost autolog")
mlflow.xgboost.autolog(log_input_examples=True)

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=7)
training, test = xgboost.DMatrix(X_train, y_train), xgboost.DMatrix(X_test, y_test)

with mlflow.start_run(run_name="boosted trees") as run:
    xgboost.train(
        {"objective": "binary:logistic", "max_depth": 3, "eta": 0.3, "eval_metric": "logloss", "nthread": 1},
        training,
        num_boost_round=20,
        evals=[(training, "train"), (test, "test")],
        verbose_eval=False,
    )

history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "test-logloss")
print(f"log loss of the test data: {history[0].value:.3f}, after {len(history)} rounds {history[-1].value:.3f}")

model = mlflow.pyfunc.load_model(mlflow.last_logged_model().model_uri)
print(f"accuracy of the model, read back: {((model.predict(X_test) > 0.5) == y_test).mean():.3f}")
