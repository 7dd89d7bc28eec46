// The stock client against the server as a process: what the README's first minute promises.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { pythonOutput } from '../support/python.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { missing } from '../support/services.ts'

const SCRIPT = `
import json, pathlib, mlflow
mlflow.set_experiment("quickstart")
with mlflow.start_run(run_name="first") as run:
    mlflow.log_params({"lr": 0.1, "depth": 3})
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.set_tag("team", "red")
    mlflow.log_text("hello", "notes/hello.txt")
    mlflow.log_dict({"a": 1}, "config.json")
client = mlflow.MlflowClient()
found = mlflow.search_runs(experiment_names=["quickstart"], filter_string="metrics.loss < 0.5 and params.depth = '3'")
print(json.dumps({
    "status": client.get_run(run.info.run_id).info.status,
    "history": [point.value for point in client.get_metric_history(run.info.run_id, "loss")],
    "files": sorted(file.path for file in client.list_artifacts(run.info.run_id)),
    "text": mlflow.artifacts.load_text(run.info.artifact_uri + "/notes/hello.txt"),
    "found": list(found["run_id"]) == [run.info.run_id],
}))
`

describe.skipIf(missing('python'))('stock client', () => {
  describeEachEngine('a first run', (target) => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer({ backendStoreUri: target.uri })
    })
    afterAll(() => server?.stop())

    it('is logged, found and read back', async () => {
      const output = await pythonOutput(SCRIPT, { MLFLOW_TRACKING_URI: server.url })
      expect(JSON.parse(output.trim().split('\n').at(-1) ?? '')).toEqual({
        status: 'FINISHED',
        history: [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5],
        files: ['config.json', 'notes'],
        text: 'hello',
        found: true,
      })
    })

    it('is there after the server was killed', async () => {
      await server.kill()
      server = await startServer({ backendStoreUri: target.uri })
      const { status, body } = await server.request(
        'GET',
        '/api/2.0/mlflow/experiments/get-by-name?experiment_name=quickstart',
      )
      expect(status).toBe(200)
      expect(body).toMatchObject({ experiment: { name: 'quickstart', lifecycle_stage: 'active' } })
    })
  })
})
