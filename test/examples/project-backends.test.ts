// `mlflow run --backend databricks` as docs/clients.md tells it: the run and its tags are on the tracking server before the job starts, and the
// cluster's command goes on with the same run. The workspace is one of the test's own, and the test runs the command.
import { writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { copyPrograms, EXAMPLES, runClient, TIMEOUT_MS } from '../python/client.ts'
import { onStock, useServer } from '../python/servers.ts'
import { describeEachEngine } from '../support/engines.ts'
import { missing, useService } from '../support/services.ts'
import { startWorkspace, type Workspace } from './databricks-workspace.ts'
import { leftToNight } from './environment.ts'
import { readExperiment } from './read-experiment.ts'

const EXPERIMENT = 'on databricks'
const TOKEN = 'a token'
const LIBRARY = { pypi: { package: 'scikit-learn' } }
const CLUSTER = {
  new_cluster: {
    spark_version: '17.3.x-scala2.13',
    num_workers: 1,
    node_type_id: 'i3.xlarge',
    spark_env_vars: { MLFLOW_TRACKING_TOKEN: '{{secrets/mlflow/token}}' },
  },
  libraries: [LIBRARY],
}
/** Nobody names the runs, so the server does. */
const VOLATILE = 'mlflow.runName'

const reason = leftToNight || missing('stock')

describe.skipIf(reason)(`mlflow run${reason && ` (${reason})`}`, () => {
  const examples = copyPrograms(EXAMPLES)
  let workspace: Workspace
  beforeAll(async () => {
    workspace = await startWorkspace(TOKEN)
    await writeFile(join(examples.folder, 'cluster.json'), JSON.stringify(CLUSTER))
  })
  afterAll(() => workspace.close())

  const run = async (url: string) => {
    const project = join(examples.folder, 'project')
    const backend = ['--backend', 'databricks', '--backend-config', join(examples.folder, 'cluster.json')]
    const args = ['--env-manager', 'local', '--experiment-name', EXPERIMENT, '-P', 'alpha=0.5']
    await runClient(url, ['-m', 'mlflow', 'run', project, ...backend, ...args], {
      DATABRICKS_HOST: workspace.url,
      DATABRICKS_TOKEN: TOKEN,
    })
    const submitted = await readExperiment(url, EXPERIMENT)

    const job = workspace.jobs.at(-1)
    if (!job) throw new Error('No job was submitted')
    const { command, env_vars } = job.shell_command_task
    const [line = ''] = /^ *mlflow run .*$/m.exec(command.at(-1) ?? '') ?? []
    const here = line.replace(/\/databricks\/mlflow\/projects\/\w+/, project)
    const bin = dirname((await useService('python')).command)
    const path = [bin, process.env.PATH].join(delimiter)
    await runClient('', ['-c', here], { ...env_vars, PATH: path }, '/bin/sh')
    return { submitted, job, finished: await readExperiment(url, EXPERIMENT) }
  }
  const stock = onStock(run)
  const tagsOf = ([first]: { tags: Record<string, string> }[]) => ({ ...first?.tags, [VOLATILE]: '' })

  describeEachEngine(
    'on Databricks',
    (target) => {
      const server = useServer(target)

      it(
        'submits a job that goes on with the run',
        async () => {
          const [expected, ours] = [await stock(), await run(server.url)]
          expect(workspace.uploads.at(-1)).toMatch(/^\/dbfs\/.*\/projects-code\/[0-9a-f]{64}\.tar\.gz$/)
          expect(ours.job.new_cluster).toEqual(CLUSTER.new_cluster)
          expect(ours.job.libraries).toContainEqual(LIBRARY)
          expect(Object.keys(ours.job.shell_command_task.env_vars).sort()).toEqual([
            'MLFLOW_EXPERIMENT_ID',
            'MLFLOW_TRACKING_URI',
          ])
          expect(ours.job.shell_command_task.env_vars).toMatchObject({ MLFLOW_TRACKING_URI: server.url })
          expect(ours.submitted).toMatchObject([
            {
              status: 'RUNNING',
              params: { alpha: '0.5', folds: '3' },
              tags: {
                'mlflow.project.backend': 'databricks',
                'mlflow.databricks.runURL': 'https://workspace.invalid/jobs/7/runs/42',
                'mlflow.databricks.shellJobID': '7',
                'mlflow.databricks.shellJobRunID': '42',
                'mlflow.databricks.webappURL': workspace.url,
              },
            },
          ])
          expect(ours.finished).toMatchObject([
            { status: 'FINISHED', points: { accuracy: 3 }, artifacts: ['scores.json'] },
          ])
          expect(tagsOf(ours.submitted)).toEqual(tagsOf(expected.submitted))
          expect(tagsOf(ours.finished)).toEqual(tagsOf(expected.finished))
        },
        TIMEOUT_MS,
      )
    },
    ['CrateDB', 'PGlite'],
  )
})
