// Databases that other versions of MLflow have made are taken over. `npm run test:clients` tries all of them.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { countsOf, importMlflow } from '../moving/import.ts'
import { runClient, TIMEOUT_MS } from '../python/client.ts'
import { missing } from '../support/services.ts'
import { isAtLeast } from './checks.ts'
import { clientPython, VERSIONS } from './client-python.ts'

const versions = process.env.TEST_CLIENTS === 'all' ? VERSIONS.filter((one) => isAtLeast(one, '2.0.0')) : []

const PROGRAM = `
from mlflow.tracking import MlflowClient
from mlflow.entities import Metric, Param, RunTag

client = MlflowClient()
experiment = client.create_experiment("curves", tags={"team": "red"})
for number in range(5):
    run = client.create_run(experiment, tags={"mlflow.runName": f"run {number}"}).info.run_id
    points = [Metric("loss", 1 / (step + 1), 1000 + step, step) for step in range(50)]
    client.log_batch(run, points + [Metric("odd", float("nan"), 1, 0)], [Param("p", str(number))], [RunTag("t", "v")])
    client.set_terminated(run)
client.delete_run(run)
client.create_registered_model("wine", {"owner": "ada"}, "A model of wine.")
client.create_model_version("wine", "s3://bucket/wine", tags={"k": "v"})
`

describe.skipIf(missing('python') || versions.length === 0)('a database of MLflow', () => {
  it.each(versions)('%s is taken over', { timeout: TIMEOUT_MS }, async (version) => {
    const folder = await mkdtemp(join(tmpdir(), 'crateflow-schema-'))
    try {
      const uri = `sqlite:///${folder}/mlflow.db`
      await runClient(uri, ['-c', PROGRAM], {}, await clientPython(version))
      const { code, stdout, stderr } = await importMlflow(uri, `pglite:${folder}/store`)
      expect(code, stdout + stderr).toBe(0)
      const { runs, metrics, params, experiment_tags, model_versions } = countsOf(stdout)
      expect([runs, metrics, params].map((counts) => counts?.[1])).toEqual([5, 255, 5])
      expect([experiment_tags, model_versions].map((counts) => counts?.[1])).toEqual([1, 1])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
