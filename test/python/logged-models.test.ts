// Logged models and runs of the prompt engineering page through the stock client, with stock MLflow's server beside ours.
import { describeBesideStock } from './beside-stock.ts'

/** Prints one JSON line with names in place of ids, so that the lines of two servers compare. */
const MODELS = `
import json, uuid, mlflow, pandas
from mlflow import MlflowClient
experiment = mlflow.set_experiment("models-" + uuid.uuid4().hex).experiment_id
client, seen = MlflowClient(), {}

def show(model):
    seen[model.model_id] = model.name
    return {
        "name": model.name, "type": model.model_type, "status": str(model.status),
        "from": model.source_run_id == run.info.run_id, "params": model.params, "tags": model.tags,
        "mine": model.experiment_id == experiment,
        "location": model.artifact_location.replace(model.model_id, "id").replace(experiment, "e"),
        "metrics": sorted((m.key, m.value, m.step, m.dataset_name, m.model_id == model.model_id) for m in model.metrics or []),
    }

def names(**search):
    found = mlflow.search_logged_models(experiment_ids=[experiment], output_format="list", **search)
    return [model.name for model in found]

def refusal(call):
    try:
        call()
    except mlflow.exceptions.MlflowException as error:
        text = str(error)
        for id, name in seen.items():
            text = text.replace(id, name)
        return [error.error_code, text]

train = mlflow.data.from_pandas(pandas.DataFrame({"a": [1]}), name="train")
test = mlflow.data.from_pandas(pandas.DataFrame({"a": [2]}), name="test")
out = []
with mlflow.start_run() as run:
    one = mlflow.create_external_model(name="one", model_type="agent", params={"lr": "0.1"}, tags={"team": "a"})
    two = mlflow.initialize_logged_model(name="two", params={f"p{i}": str(i) for i in range(120)})
    out.append([show(one), show(two)])
    mlflow.log_metrics({"acc": 0.5, "loss": 2.0}, step=1, timestamp=5, model_id=one.model_id, dataset=train)
    mlflow.log_metrics({"acc": 0.7}, step=2, timestamp=6, model_id=one.model_id, dataset=test)
    mlflow.log_metric("acc", 0.6, step=1, timestamp=5, model_id=two.model_id, dataset=train)
    out.append(show(mlflow.finalize_logged_model(two.model_id, "READY")))
    mlflow.set_logged_model_tags(two.model_id, {"team": "b", "long": "x" * 9000})
    mlflow.log_model_params({"late": "1"}, two.model_id)
    mlflow.delete_logged_model_tag(two.model_id, "long")
    client.log_outputs(run.info.run_id, [mlflow.entities.LoggedModelOutput(two.model_id, 3)])
out.append([show(mlflow.get_logged_model(one.model_id)), show(mlflow.get_logged_model(two.model_id))])
on = lambda data: [{"dataset_name": data.name, "dataset_digest": data.digest}]
out.append([
    names(),
    names(filter_string="metrics.acc > 0.55"),
    names(filter_string="metrics.acc > 0.55", datasets=on(train)),
    names(filter_string="params.lr = '0.1' AND tags.team LIKE 'a%'"),
    names(datasets=on(test)),
    names(order_by=[{"field_name": "metrics.acc", "ascending": False}]),
    names(order_by=[{"field_name": "metrics.acc", "ascending": False, "dataset_name": "train", "dataset_digest": train.digest}]),
    names(order_by=[{"field_name": "name"}], max_results=1),
])
page = client.search_logged_models([experiment], max_results=1)
out.append([page.token is not None, [m.name for m in client.search_logged_models([experiment], page_token=page.token)]])
frame = mlflow.search_logged_models(experiment_ids=[experiment])
out.append(sorted(frame.columns))
outputs = client.get_run(run.info.run_id).outputs.model_outputs
out.append([(seen[o.model_id], o.step) for o in outputs])
out.append([
    refusal(lambda: mlflow.get_logged_model("m-none")),
    refusal(lambda: mlflow.initialize_logged_model(name="a/b")),
    refusal(lambda: mlflow.delete_logged_model_tag(two.model_id, "none")),
    refusal(lambda: mlflow.search_logged_models(experiment_ids=[experiment], filter_string="bogus")),
    refusal(lambda: client.search_logged_models([experiment + "1"], page_token=page.token)) is not None,
])
client.delete_logged_model(one.model_id)
out.append([refusal(lambda: mlflow.get_logged_model(one.model_id)), names()])
print(json.dumps(out))
`

const PYFUNC = `
import json, uuid, mlflow
mlflow.set_experiment("pyfunc-" + uuid.uuid4().hex)

class Twice(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [2 * value for value in model_input]

with mlflow.start_run() as run:
    info = mlflow.pyfunc.log_model(name="twice", python_model=Twice(), pip_requirements=["mlflow"])
model = mlflow.get_logged_model(info.model_id)
files = [f.path for f in mlflow.MlflowClient().list_logged_model_artifacts(info.model_id)]
print(json.dumps([
    str(model.status), model.name, model.source_run_id == run.info.run_id, "MLmodel" in files,
    mlflow.pyfunc.load_model(info.model_uri).predict([1, 2]),
    [o.model_id for o in mlflow.get_run(run.info.run_id).outputs.model_outputs] == [info.model_id],
]))
`

const PROMPTLAB = `
import json, sys, mlflow, requests
from mlflow.models import Model
from mlflow.prompt.promptlab_model import _load_pyfunc
text = "it's \\"me\\" \\u2028 \\u0085 \\U0001f680 : # \\n end"
run_id = requests.post(mlflow.get_tracking_uri() + "/ajax-api/2.0/mlflow/runs/create-promptlab-run", json={
    "experiment_id": "0", "prompt_template": "Say {{ what }}" + text, "mlflow_version": "3.17.2",
    "prompt_parameters": [{"key": "what", "value": text}], "model_route": "chat", "model_input": "Say " + text,
    "model_parameters": [{"key": "temperature", "value": 0.5}], "model_output": text,
    "model_output_parameters": [{"key": "tokens", "value": "7"}],
}).json()["run"]["info"]["run_id"]
run = mlflow.get_run(run_id)
table = mlflow.load_table("eval_results_table.json", run_ids=[run_id])
folder = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="model")
model = Model.load(folder)
trial = _load_pyfunc(folder)
print(json.dumps([
    run.info.status, run.data.params, sorted(run.data.tags), table.to_dict(orient="list"),
    sorted(f.path for f in mlflow.MlflowClient().list_artifacts(run_id, "model")),
    model.signature.to_dict(), sorted(model.flavors["python_function"]), model.load_input_example(folder),
    trial.prompt_template, trial.model_route, {p.key: p.value for p in trial.prompt_parameters},
    {p.key: p.value for p in trial.model_parameters}, sorted(model.to_dict()),
]))
`

describeBesideStock('and logged models', [
  ['creates, changes and finds them as with stock MLflow', MODELS],
  ['logs a model with its files, and loads it back', PYFUNC],
  ['reads runs of the prompt engineering page as with stock MLflow', PROMPTLAB],
])
