// `crateflow gc` beside stock's `mlflow gc` on SQLite: the same contents, commands, texts and exit codes, and the same is left.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runServer } from '../cli/program.ts'
import { describeEachEngine } from '../support/engines.ts'
import { pythonOutput } from '../support/python.ts'
import { SMALL } from '../support/server.ts'
import { missing, useService } from '../support/services.ts'

/**
 * Fills a store by the stock client, runs the commands of GC on it, and prints what they said and what is left, by names in place of
 * ids. Without COMMAND, it is stock's command on a SQLite store.
 */
const PROGRAM = `
import json, os, pathlib, re, subprocess, sys, tempfile
import mlflow
from mlflow import MlflowClient
from mlflow.entities import ViewType

uri, files = os.environ["STORE"], pathlib.Path(os.environ["FILES"])
command = json.loads(os.environ.get("COMMAND", "null"))
os.environ["MLFLOW_TRACKING_URI"] = uri
mlflow.set_tracking_uri(uri)
client = MlflowClient(uri)
names, transcript = {}, []

def experiment(name):
    location = None if command else (files / name).as_uri()
    id = client.create_experiment(name, artifact_location=location)
    names[id] = name
    return id

def attach(log, name):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / f"{name}.txt"
        path.write_text(name)
        log(str(path))

def run(name, of):
    id = client.create_run(of, run_name=name).info.run_id
    names[id] = name
    client.log_metric(id, "loss", 0.5)
    client.log_param(id, "lr", "0.1")
    attach(lambda path: client.log_artifact(id, path), name)
    return id

def model(name, of):
    id = client.create_logged_model(of, name=name).model_id
    names[id] = name
    attach(lambda path: client.log_model_artifacts(id, os.path.dirname(path)), name)
    return id

def plain(text):
    # Ids of stock's experiments have one digit.
    for id, name in names.items():
        text = re.sub(rf"(?<![\\w-]){re.escape(id)}(?!\\w)", name, text)
    return sorted(line for line in text.split("\\n") if line)

def gc(*args):
    if command:
        done = subprocess.run([*command, "gc", *args], capture_output=True, text=True)
        failure = done.stderr.removeprefix("crateflow: ")
        said, code = done.stdout, done.returncode
        # Stock says nothing then.
        said = said.replace("There is nothing to delete.\\n", "")
    else:
        from click.testing import CliRunner
        from mlflow.cli import gc as stock
        done = CliRunner().invoke(stock, ["--backend-store-uri", uri, *args])
        said, code, failure = done.output, done.exit_code, "" if done.exit_code == 0 else str(done.exception)
    transcript.append([plain(" ".join(args))[0] if args else "all", code, plain(said), plain(failure)])

def is_there(get):
    try:
        return get().info.lifecycle_stage if get else None
    except mlflow.exceptions.MlflowException as error:
        return error.error_code

def left():
    experiments = [e for e in client.search_experiments(ViewType.ALL) if e.experiment_id in names]
    runs = client.search_runs([e.experiment_id for e in experiments], run_view_type=ViewType.ALL)
    models = client.search_logged_models([e.experiment_id for e in experiments])
    transcript.append({
        "experiments": sorted([e.name, e.lifecycle_stage] for e in experiments),
        "runs": sorted([names[r.info.run_id], r.info.lifecycle_stage, r.data.params, r.data.metrics] for r in runs),
        "models": sorted(names[m.model_id] for m in models),
        "gone": sorted(name for id, name in names.items() if name.startswith("run") and is_there(lambda: client.get_run(id)) == "RESOURCE_DOES_NOT_EXIST"),
        "files": sorted(path.name for path in files.rglob("*.txt")),
    })

kept, doomed = experiment("kept"), experiment("doomed")
runs = {name: run(name, kept) for name in ["run kept", "run deleted", "run named"]}
inside = {name: run(name, doomed) for name in ["run inside", "run inside too"]}
models = {name: model(name, kept) for name in ["model kept", "model deleted"]}
for args in [
    ["--run-ids", runs["run kept"]],
    ["--run-ids", "0123456789abcdef0123456789abcdef"],
    ["--experiment-ids", kept],
    ["--experiment-ids", "999999"],
    ["--experiment-ids", f"{kept},{doomed}"],
    ["--logged-model-ids", models["model kept"]],
    ["--logged-model-ids", "m-0123456789abcdef0123456789abcdef"],
    ["--older-than", "month"],
    ["--older-than", "5"],
    [],
]:
    gc(*args)
left()
client.delete_run(runs["run named"])
gc("--run-ids", runs["run named"])
left()
client.delete_run(runs["run deleted"])
client.delete_logged_model(models["model deleted"])
client.delete_experiment(doomed)
for args in [
    ["--older-than", "1h"],
    ["--older-than", "1d2h3m4s"],
    ["--older-than", "1h", "--run-ids", runs["run deleted"]],
    ["--older-than", "1h", "--experiment-ids", doomed],
    ["--older-than", "1h", "--logged-model-ids", models["model deleted"]],
]:
    gc(*args)
left()
gc("--older-than", "0s")
left()
gc("--run-ids", runs["run deleted"])
# Its name is free.
experiment("doomed")
left()
print(json.dumps(transcript))`

async function transcriptOf(env: Record<string, string>): Promise<unknown[]> {
  const output = await pythonOutput(PROGRAM, { MLFLOW_DISABLE_TELEMETRY: 'true', ...env })
  return JSON.parse(output.trim().split('\n').at(-1) ?? '')
}

const reason = missing('stock')
describe.skipIf(reason)(`mlflow gc ${reason}`, () => {
  const folders: string[] = []
  async function folder(): Promise<string> {
    const made = await mkdtemp(join(tmpdir(), 'crateflow-gc-'))
    folders.push(made)
    return made
  }
  let stock: unknown[]
  beforeAll(async () => {
    const files = await folder()
    stock = await transcriptOf({ STORE: `sqlite:///${await folder()}/mlflow.db`, FILES: files })
  })
  afterAll(async () => {
    for (const made of folders) await rm(made, { recursive: true, force: true })
  })

  describeEachEngine('crateflow gc beside it', (engine) => {
    it('says and deletes the same', async () => {
      const files = await folder()
      const { main } = await useService('build')
      const server = await runServer(
        ['--backend-store-uri', await engine.another(), '--artifacts-destination', files],
        {
          env: SMALL,
        },
      )
      const command = JSON.stringify([process.execPath, main])
      const ours = await transcriptOf({ STORE: server.url, FILES: files, COMMAND: command })
      expect(ours).toEqual(stock)
    })
  })
})
