// Sends what schemathesis makes of the API's description: right, wrong and odd requests to every operation.
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SECURE } from '../api/platform/http/shell-app.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { describeEachEngine } from '../support/engines.ts'
import { missing, useService } from '../support/services.ts'
import { isLong, secondsOf, tellCases } from './budget.ts'
import { seed } from './seed.ts'

/** Per engine. */
const SECONDS = secondsOf(50, 0.3)
/** Of what is made up; FUZZ_SEED asks for another. */
const SEED = process.env.FUZZ_SEED ?? '20260'
const DOCUMENT = join(import.meta.dirname, '../../openapi/openapi.json')

const CHECKS = [
  'not_a_server_error',
  'content_type_conformance',
  'response_schema_conformance',
  'mlflow_error_form',
]

/** Files on a disk cannot be sent in parts nor by signed links: stock answers 501 too. The demo is some hundred requests of its own. */
const LEFT_OUT = [
  '/mlflow-artifacts/mpu/',
  '/mlflow-artifacts/presigned/',
  '/artifacts/presigned-',
  '/mlflow/demo/',
]

interface Report {
  operations: { selected: number; tested: number; errored: number }
  test_cases: { generated: number }
  failures: { title: string; operations: string[] }[]
}

const reason = missing('schemathesis')
describe.skipIf(reason)(`requests by schemathesis${reason && ` (${reason})`}`, () => {
  describeEachEngine(
    'to every operation',
    (target) => {
      let app: TestApp
      let url: string
      let folder: string

      beforeAll(async () => {
        app = await startApp(target, { shell: SECURE })
        url = await app.app.listen({ host: '127.0.0.1', port: 0 })
        folder = await mkdtemp(join(tmpdir(), 'crateflow-schemathesis-'))
      })
      afterAll(async () => {
        await app.close()
        await rm(folder, { recursive: true, force: true })
      })

      it(
        'are answered as described, and none by a failure of the server',
        async () => {
          const { experiment, run, model, registeredModel } = await seed(app, 'described')
          const seeded = {
            ...{ experiment_id: experiment, experiment_ids: experiment, run_id: run, run_ids: run },
            ...{ run_uuid: run, model_id: model, registered_model: registeredModel },
          }
          const before = process.memoryUsage().rss
          const output = await schemathesis(url, folder, seeded)
          const { operations, test_cases, failures } = await readReport(folder, output)
          expect(failures, output).toEqual([])
          expect(operations.errored, output).toBe(0)
          expect(operations.tested).toBe(operations.selected)
          expect(test_cases.generated).toBeGreaterThan(10 * operations.selected)
          tellCases(target.name, 'schemathesis', test_cases.generated)
          expect(process.memoryUsage().rss - before).toBeLessThan(1024 ** 3)
          expect((await app.request('GET', `/api/2.0/mlflow/runs/get?run_id=${run}`)).status).toBe(200)
        },
        SECONDS * 1000 + 120_000,
      )
    },
    isLong ? ['PGlite', 'CrateDB'] : ['PGlite'],
  )
})

/** Runs it and answers what it printed; what it found is in the report below `folder`. */
async function schemathesis(url: string, folder: string, seeded: Record<string, string>): Promise<string> {
  const { command } = await useService('schemathesis')
  const args = [
    ...['run', DOCUMENT, '--url', url, '--checks', CHECKS.join(','), '--phases', 'coverage,fuzzing'],
    ...['--exclude-path-regex', LEFT_OUT.join('|')],
    ...['--max-time', String(SECONDS), '--request-timeout', '20', '--seed', SEED],
    // Shrinking what was found costs more time than there is.
    ...['--continue-on-failure', '--no-shrink', '--generation-database', 'none'],
    ...['--report', 'json', '--report-dir', folder, '--no-color'],
  ]
  const child = spawn(command, args, {
    cwd: folder,
    env: {
      ...process.env,
      SCHEMATHESIS_HOOKS: 'mlflow_checks',
      PYTHONPATH: import.meta.dirname,
      PYTHONDONTWRITEBYTECODE: '1',
      CRATEFLOW_SEEDED: JSON.stringify(seeded),
    },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  return output
}

async function readReport(folder: string, output: string): Promise<Report> {
  const name = (await readdir(folder)).find((file) => file.endsWith('.json'))
  if (!name) throw new Error(`schemathesis wrote no report:\n${output}`)
  return JSON.parse(await readFile(join(folder, name), 'utf8')) as Report
}
