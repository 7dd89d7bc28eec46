"""A model of the registry at work: `mlflow models serve` loads the champion, and answers predictions over HTTP.

pip install mlflow==3.17.2 scikit-learn
MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python examples/serve_champion.py
"""

import socket
import subprocess
import sys
import time

import mlflow
import requests
from mlflow.models import infer_signature
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NAME, ALIAS = "served-classifier", "champion"

wine = load_wine(as_frame=True)
mlflow.set_experiment("serving")
with mlflow.start_run(run_name="logistic regression"):
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(wine.data, wine.target)
    logged = mlflow.sklearn.log_model(
        model,
        name="classifier",
        signature=infer_signature(wine.data, model.predict(wine.data)),
        registered_model_name=NAME,
    )
mlflow.MlflowClient().set_registered_model_alias(NAME, ALIAS, logged.registered_model_version)

with socket.socket() as unused:
    unused.bind(("127.0.0.1", 0))
    port = unused.getsockname()[1]
url = f"http://127.0.0.1:{port}"

# The same in a shell: mlflow models serve -m models:/served-classifier@champion --env-manager local --port 5001
command = ["models", "serve", "-m", f"models:/{NAME}@{ALIAS}", "--env-manager", "local", "--port", str(port)]
serving = subprocess.Popen([sys.executable, "-m", "mlflow", *command])
try:
    until = time.monotonic() + 120
    while True:
        try:
            requests.get(f"{url}/ping", timeout=5).raise_for_status()
            break
        except requests.RequestException:
            if serving.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.2)

    rows = wine.data.iloc[::30]
    # The same in a shell: curl http://127.0.0.1:5001/invocations -H 'Content-Type: application/json' -d @rows.json
    answer = requests.post(f"{url}/invocations", json={"dataframe_split": rows.to_dict(orient="split")}, timeout=60)
    answer.raise_for_status()
    predictions = answer.json()["predictions"]
finally:
    serving.terminate()
    serving.wait()

print(f"{ALIAS} of {NAME} answers {predictions}")
print(f"the model itself says the same: {predictions == model.predict(rows).tolist()}")
