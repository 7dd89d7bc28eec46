// The model registry through the stock client, with stock MLflow's server beside ours.
import { describeBesideStock } from './beside-stock.ts'

/** Prints one JSON line with names in place of ids, so that the lines of two servers compare. */
const REGISTRY = `
import json, uuid, mlflow
from mlflow import MlflowClient
mark = uuid.uuid4().hex
name = lambda text: f"{mark}-{text}"
client, out = MlflowClient(), []
show_version = lambda v: {
    "name": v.name, "version": v.version, "stage": v.current_stage, "description": v.description, "source": v.source,
    "run": v.run_id, "link": v.run_link, "status": v.status, "tags": v.tags, "aliases": sorted(v.aliases),
    "user": v.user_id, "times": v.creation_timestamp <= v.last_updated_timestamp,
}
show_model = lambda m: {
    "name": m.name, "description": m.description, "tags": m.tags, "aliases": m.aliases,
    "latest": sorted((v.version, v.current_stage) for v in m.latest_versions or []),
}

def refusal(call):
    try:
        call()
    except mlflow.exceptions.MlflowException as error:
        return [error.error_code, str(error)]

m = name("m")
out.append(show_model(client.create_registered_model(m, tags={"team": "a"}, description="about it")))
out.append(show_version(client.create_model_version(m, "s3://b/1", run_link="https://x", tags={"k": "1"}, description="d")))
for number in range(2, 6):
    client.create_model_version(m, f"s3://b/{number}", tags={"k": str(number)})
client.set_registered_model_tag(m, "team", "b")
client.set_model_version_tag(m, "1", "long", "x" * 50000)
client.delete_model_version_tag(m, "2", "k")
client.set_registered_model_alias(m, "champion", "1")
client.set_registered_model_alias(m, "champion", "2")
client.set_registered_model_alias(m, "second", "2")
out.append(show_version(client.get_model_version_by_alias(m, "champion")))
out.append(show_version(client.get_model_version_by_alias(m, "latest")))
out.append(show_version(client.transition_model_version_stage(m, "3", "Production")))
out.append(show_version(client.transition_model_version_stage(m, "4", "Production", archive_existing_versions=True)))
out.append([show_version(v) for v in sorted(client.get_latest_versions(m), key=lambda v: v.version)])
out.append(show_version(client.update_model_version(m, "1", description="new")))
client.delete_model_version(m, "5")
client.delete_registered_model_alias(m, "second")
out.append(show_model(client.get_registered_model(m)))
out.append([v.version for v in client.search_model_versions(f"name = '{m}'", order_by=["version_number DESC"])])
out.append([v.version for v in client.search_model_versions(f"name = '{m}' and tags.k = '3'")])
page = client.search_model_versions(f"name = '{m}'", max_results=2, order_by=["version_number"])
out.append([[v.version for v in page], [v.version for v in client.search_model_versions(f"name = '{m}'", order_by=["version_number"], page_token=page.token)]])
out.append(client.get_model_version_download_uri(m, "1"))
client.rename_registered_model(m, name("renamed"))
m = name("renamed")
client.update_registered_model(m, description="newer")
out.append(show_model(client.get_registered_model(m)))
out.append(show_version(client.copy_model_version(f"models:/{m}@champion", name("copy"))))
out.append([show_model(r) for r in client.search_registered_models(f"name LIKE '{mark}-%'", order_by=["name DESC"])])
out.append([
    refusal(lambda: client.create_registered_model(m)),
    refusal(lambda: client.get_registered_model(name("none"))),
    refusal(lambda: client.get_model_version(m, "9")),
    refusal(lambda: client.get_model_version_by_alias(m, "none")),
    refusal(lambda: client.transition_model_version_stage(m, "1", "bad")),
    refusal(lambda: client.create_model_version(m, "/etc/passwd")),
    refusal(lambda: client.search_model_versions("bogus = '1'")) is not None,
])
client.delete_registered_model(m)
out.append(refusal(lambda: client.get_registered_model(m)))
print(json.dumps(out).replace(mark, "mark"))
`

const PYFUNC = `
import json, uuid, mlflow
from mlflow import MlflowClient
mark = uuid.uuid4().hex
mlflow.set_experiment(mark)

class Times(mlflow.pyfunc.PythonModel):
    def __init__(self, factor):
        self.factor = factor
    def predict(self, context, model_input, params=None):
        return [self.factor * value for value in model_input]

client = MlflowClient()
with mlflow.start_run() as run:
    info = mlflow.pyfunc.log_model(name="times", python_model=Times(2), pip_requirements=["mlflow"], registered_model_name=mark)
    other = mlflow.pyfunc.log_model(name="other", python_model=Times(3), pip_requirements=["mlflow"])
registered = mlflow.register_model(other.model_uri, mark, tags={"from": "uri"})
by_run = mlflow.register_model(f"runs:/{run.info.run_id}/other", mark)
client.set_registered_model_alias(mark, "champion", "2")
copied = client.copy_model_version(f"models:/{mark}@champion", mark + "-prod")
load = lambda uri: mlflow.pyfunc.load_model(uri).predict([1, 2])
links = lambda model_id: json.loads(mlflow.get_logged_model(model_id).tags["mlflow.modelVersions"])
text = json.dumps([
    [v.version for v in (registered, by_run, copied)], registered.tags, registered.run_id == run.info.run_id,
    by_run.run_id == run.info.run_id, copied.run_id == run.info.run_id, copied.source,
    load(f"models:/{mark}/1"), load(f"models:/{mark}@champion"), load(f"models:/{mark}/latest"), load(f"models:/{mark}-prod/1"),
    links(info.model_id), links(other.model_id),
    sorted(v.version for v in client.search_model_versions(f"run_id = '{run.info.run_id}' and name = '{mark}'")),
])
print(text.replace(mark, "mark").replace(info.model_id, "one").replace(other.model_id, "two"))
`

describeBesideStock('and the model registry', [
  ['creates, changes and finds models and versions as with stock MLflow', REGISTRY],
  ['registers models with their files, and loads them by version and alias', PYFUNC],
])
