// `crateflow gc` through running servers and on stores that none has open, with files in folders and in S3.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Deletion } from '../../src/lifecycle/cleaning/schema.ts'
import { describeOnCratedb } from '../support/engines.ts'
import { ask, createExperiment, createModel, createRun, uploadFile } from '../support/full-experiment.ts'
import { startMinio } from '../support/minio.ts'
import { SMALL } from '../support/server.ts'
import { missing } from '../support/services.ts'
import { emptyFolder, type RunningServer, runProgram, runServer } from './program.ts'

const API = '/api/2.0/mlflow'
const env = SMALL
const gone = (noun: string, id: string) => `${noun} with ID ${id} has been permanently deleted.\n`

interface Garbage {
  experiment: string
  /** Deleted, each with a file: the first in the experiment, which is deleted. */
  runs: [inside: string, alone: string]
  model: string
}

async function makeGarbage({ request }: RunningServer, name: string): Promise<Garbage> {
  const experiment = await createExperiment(request, name)
  const other = await createExperiment(request, `${name}, other`)
  const runs: Garbage['runs'] = [await createRun(request, experiment), await createRun(request, other)]
  const model = await createModel(request, other)
  await uploadFile(request, `${experiment}/${runs[0]}/artifacts/a.txt`)
  await uploadFile(request, `${other}/${runs[1]}/artifacts/a.txt`)
  await uploadFile(request, `${other}/models/${model}/artifacts/a.txt`)
  await ask(request, 'POST', `${API}/experiments/delete`, { experiment_id: experiment })
  await ask(request, 'POST', `${API}/runs/delete`, { run_id: runs[1] })
  await ask(request, 'DELETE', `${API}/logged-models/${model}`)
  return { experiment, runs, model }
}

const statusOf = async (server: RunningServer, run: string) =>
  (await server.request('GET', `${API}/runs/get?run_id=${run}`)).status

describeOnCratedb('crateflow gc', (engine) => {
  it('shows and deletes through a running server, and in its store when none has it open', async () => {
    const uri = await engine.another()
    const destination = await emptyFolder()
    const storage = ['--backend-store-uri', uri, '--artifacts-destination', destination]
    const server = await runServer(storage, { env })
    const first = await makeGarbage(server, 'first')
    const gc = (...args: string[]) =>
      runProgram(['gc', ...args], { env: { ...env, MLFLOW_TRACKING_URI: server.url } })

    const dry = await gc('--dry-run')
    expect(dry).toMatchObject({ code: 0, stderr: '' })
    const shown = dry.stdout
      .split('\n')
      .map((line) => line.replace(/ +/g, ' ').split(' ').slice(0, 2).join(' '))
    expect(shown[0]).toBe('WHAT ID')
    expect(shown[1]).toBe(`experiment ${first.experiment}`)
    expect(shown.slice(2, 4).sort()).toEqual(first.runs.map((run) => `run ${run}`).sort())
    expect(dry.stdout).toMatch(/\n4 would be deleted\.\n$/)
    expect(await statusOf(server, first.runs[1])).toBe(200)

    expect(await gc('--older-than', '1h')).toEqual({
      code: 0,
      stdout: 'There is nothing to delete.\n',
      stderr: '',
    })
    expect(await gc('--older-than', '1h', '--run-ids', first.runs[1])).toEqual({
      code: 1,
      stdout: '',
      stderr: `crateflow: Run ${first.runs[1]} is not older than the required age. Only runs older than 1h can be deleted.\n`,
    })
    expect(await gc('--run-ids', first.runs[1])).toEqual({
      code: 0,
      stdout: gone('Run', first.runs[1]),
      stderr: '',
    })
    expect((await gc('--run-ids', first.runs[1])).stderr).toBe(
      `crateflow: Run with id=${first.runs[1]} not found\n`,
    )
    const json = await gc('--json')
    expect(JSON.parse(json.stdout).deleted).toMatchObject([
      { kind: 'run', id: first.runs[0], files: 1 },
      { kind: 'experiment', id: first.experiment },
      { kind: 'logged_model', id: first.model, files: 1 },
    ])

    const second = await makeGarbage(server, 'second')
    const inStore = (...args: string[]) => runProgram(['gc', ...args, ...storage], { env })
    if (engine.name === 'PGlite') {
      const refused = await inStore()
      expect(refused.stderr).toMatch(/^crateflow: .*(in use|open)/)
      expect(refused.code).toBe(1)
    }
    server.signal('SIGTERM')
    await server.ended
    const kept = await inStore('--keep-artifacts', '--logged-model-ids', ` ${second.model}`)
    expect(kept).toEqual({ code: 0, stdout: gone('Logged model', second.model), stderr: '' })
    const all = await inStore()
    expect(all.stdout).toBe(
      gone('Run', second.runs[0]) + gone('Experiment', second.experiment) + gone('Run', second.runs[1]),
    )
    expect(all.code).toBe(0)
    expect((await inStore()).stdout).toBe('There is nothing to delete.\n')
    const files = (await readdir(destination, { recursive: true })).filter((path) => path.endsWith('a.txt'))
    expect(files).toEqual([expect.stringContaining(join('models', second.model))])
  })

  it('ends with 1 when something is left, and deletes the rest', async () => {
    const server = await runServer(['--backend-store-uri', await engine.another()], {
      env,
      cwd: await emptyFolder(),
    })
    const strange = await createExperiment(server.request, 'strange', { artifact_location: 'gs://bucket/a' })
    const runs = [await createRun(server.request, '0'), await createRun(server.request, strange)]
    for (const run_id of runs) await ask(server.request, 'POST', `${API}/runs/delete`, { run_id })
    const gc = (...args: string[]) => runProgram(['gc', ...args, '--tracking-uri', server.url], { env })
    const some = await gc()
    expect(some.stdout).toBe(gone('Run', runs[0] ?? ''))
    expect(some.stderr).toMatch(
      /^crateflow: Run with ID \w+ is left: Artifact location 'gs:\/\/bucket\/a.*\n$/,
    )
    expect(some.code).toBe(1)
    expect(await gc('--keep-artifacts')).toMatchObject({ code: 0, stdout: gone('Run', runs[1] ?? '') })
  })

  it('is done by a server that is told to, once an hour', async () => {
    const uri = await engine.another()
    const start = async (...args: string[]) =>
      runServer(['--backend-store-uri', uri, ...args], { env, cwd: await emptyFolder() })
    const stop = async (server: RunningServer) => {
      server.signal('SIGTERM')
      expect((await server.ended).code).toBe(0)
    }
    const deletedRun = async ({ request }: RunningServer) => {
      const run = await createRun(request, '0')
      await ask(request, 'POST', `${API}/runs/delete`, { run_id: run })
      return run
    }
    const plain = await start()
    const run = await deletedRun(plain)
    await stop(plain)
    // What was missed is made up for.
    const collecting = await start('--gc-older-than', '0.1s')
    await expect.poll(() => collecting.output.stderr, { timeout: 60_000 }).toContain('Collected garbage')
    expect(await statusOf(collecting, run)).toBe(404)
    const path = `/api/crateflow/1.0/deletions/search?id=${run}`
    const { deletions } = await ask<{ deletions: Deletion[] }>(collecting.request, 'GET', path)
    expect(deletions).toMatchObject([{ kind: 'run', cause: 'schedule' }])
    await stop(collecting)
    // Another server, or the same one again, waits for the next hour.
    const next = await start('--gc-older-than', '0.1s')
    const later = await deletedRun(next)
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(await statusOf(next, later)).toBe(200)
  })
})

describe('crateflow gc, asked wrongly,', () => {
  it('says what is wrong', async () => {
    const gc = (...args: string[]) => runProgram(['gc', ...args])
    for (const option of ['--run-ids', '--experiment-ids', '--logged-model-ids']) {
      expect(await gc(option, ' , ')).toEqual({
        code: 2,
        stdout: '',
        stderr: `crateflow: ${option} names no id. Leave it out to delete all.\n`,
      })
    }
    expect(await gc('--older-than', '')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'crateflow: --older-than names no age. Leave it out for all ages.\n',
    })
    const away = await gc('--tracking-uri', 'http://127.0.0.1:1')
    expect(away.stderr).toMatch(/^crateflow: http:\/\/127\.0\.0\.1:1 cannot be reached: /)
    expect(away.code).toBe(1)
    expect((await gc('--tracking-uri', 'databricks')).code).toBe(2)
    const absent = await gc('--backend-store-uri', 'pglite:./nowhere')
    expect(absent.stderr).toMatch(/^crateflow: There is no store in /)
    expect(absent.code).toBe(1)
    const help = await gc('--help')
    expect(help.stdout).toContain('--older-than <age>')
    expect(help.code).toBe(0)
  })
})

const withoutMinio = missing('minio')
describe.skipIf(withoutMinio)(`crateflow gc on S3 ${withoutMinio}`, () => {
  it('deletes the objects of what it deletes, and leaves it when the store fails', async () => {
    const minio = await startMinio()
    const cwd = await emptyFolder()
    const storage = ['--artifacts-destination', `s3://${minio.bucket}/prefix`]
    const server = await runServer(storage, { cwd, env: minio.env })
    const { experiment, runs, model } = await makeGarbage(server, 'on s3')
    const kept = await createRun(server.request, '0')
    await uploadFile(server.request, `0/${kept}/artifacts/a.txt`)
    const filesOf = async ({ request }: RunningServer, path: string) => {
      const { body } = await request('GET', `/api/2.0/mlflow-artifacts/artifacts?path=${path}`)
      return (body as { files?: unknown[] }).files?.length ?? 0
    }
    expect(await filesOf(server, `${experiment}/${runs[0]}/artifacts`)).toBe(1)
    server.signal('SIGTERM')
    await server.ended
    // A bucket that is not there.
    const inStore = (destination: string) =>
      runProgram(
        [
          'gc',
          '--backend-store-uri',
          'pglite:./crateflow-data/store',
          '--artifacts-destination',
          destination,
        ],
        { cwd, env: minio.env },
      )
    const failed = await inStore('s3://no-such-bucket-anywhere')
    expect(failed.stderr).toMatch(new RegExp(`^crateflow: Experiment with ID ${experiment} is left: `))
    expect(failed.stdout).toBe('')
    expect(failed.code).toBe(1)
    const done = await inStore(`s3://${minio.bucket}/prefix`)
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout.split('\n').slice(0, -1).sort()).toEqual(
      [
        `Experiment with ID ${experiment} has been permanently deleted.`,
        ...runs.map((run) => `Run with ID ${run} has been permanently deleted.`),
        `Logged model with ID ${model} has been permanently deleted.`,
      ].sort(),
    )
    const again = await runServer(storage, { cwd, env: minio.env })
    expect(await filesOf(again, experiment)).toBe(0)
    expect(await filesOf(again, `0/${kept}/artifacts`)).toBe(1)
  })
})
