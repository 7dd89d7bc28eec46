// The store of a stock server in SQLite, taken over: both servers answer the same afterwards.
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeOnCratedb } from '../support/engines.ts'
import { runPython } from '../support/python.ts'
import { startServer } from '../support/server.ts'
import { missing } from '../support/services.ts'
import { countsOf, importMlflow, killMove } from './import.ts'
import { comparable, genaiAnswers, registryAnswers, trackingAnswers } from './same-answers.ts'
import { SEED, SEED_GENAI, type StockSource, startStockSource } from './stock-source.ts'

const TIMEOUT_MS = 600_000

let stock: StockSource
const reason = missing('python')
beforeAll(async () => {
  if (!reason) stock = await startStockSource([[SEED], [SEED_GENAI]])
}, TIMEOUT_MS)
afterAll(() => stock?.stop())

/** Runs a script against the source's database: what another process of its server might do meanwhile. */
const changeSource = async (script: string) => {
  const { exitCode, stderr } = await runPython(
    `import sqlite3\ndb = sqlite3.connect(${JSON.stringify(stock.file)}, timeout=60)\n${script}\ndb.commit()\n`,
  )
  if (exitCode !== 0) throw new Error(stderr)
}

/** Points of a run of its own. */
const addRun = (name: string, points: number) =>
  changeSource(`import uuid
run = uuid.uuid4().hex
db.execute("INSERT INTO runs (run_uuid, name, user_id, status, start_time, lifecycle_stage, artifact_uri, experiment_id) VALUES (?, '${name}', 'ada', 'RUNNING', 1768176000000, 'active', 'mlflow-artifacts:/1/x', 1)", (run,))
db.executemany("INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, 0)", ((f'k{i % 7}', i / 3, 1768176000000 + i // 5, run, i) for i in range(${points})))
db.execute("INSERT INTO latest_metrics SELECT key, value, timestamp, max(step), is_nan, run_uuid FROM metrics WHERE run_uuid = ? GROUP BY key", (run,))`)

describe.skipIf(reason)('import mlflow from SQLite', () => {
  describeOnCratedb('import mlflow from SQLite', (target) => {
    it(
      'takes over all that the server answers, and nothing twice',
      async () => {
        const first = await importMlflow(stock.uri, target.uri)
        expect(first, first.stderr).toMatchObject({ code: 0 })
        expect(first.stdout).toContain('Both sides are equal')
        const server = await startServer({ backendStoreUri: target.uri })
        try {
          for (const answers of [trackingAnswers, registryAnswers, genaiAnswers]) {
            expect(comparable(await answers(server.request))).toEqual(
              comparable(await answers(stock.request)),
            )
          }
          await expectUsable(server.request)
        } finally {
          await server.stop()
        }
      },
      TIMEOUT_MS,
    )

    it(
      'copies what is new or changed, and nothing else, when it runs again',
      async () => {
        const to = await target.another()
        for (const name of ['first', 'second'])
          await changeSource(
            `db.execute("INSERT INTO experiments (name, artifact_location, lifecycle_stage, creation_time, last_update_time, workspace) VALUES ('${target.name} ${name}', 'x', 'active', 1, 1, 'default')")`,
          )
        expect((await importMlflow(stock.uri, to)).code).toBe(0)
        const again = await importMlflow(stock.uri, to)
        expect(again.stdout).toContain('0 rows written')
        await addRun('came later', 10)
        await changeSource(`db.execute("UPDATE tags SET value = 'changed on ${target.name}' WHERE key = 'later' AND run_uuid = (SELECT min(run_uuid) FROM tags WHERE key = 'later')")
db.execute("UPDATE experiments SET name = name || '!' WHERE name LIKE 'curves%'")
# One takes the name that another one gives up.
db.execute("UPDATE experiments SET name = '${target.name} third' WHERE name = '${target.name} second'")
db.execute("UPDATE experiments SET name = '${target.name} second' WHERE name = '${target.name} first'")`)
        const dry = await importMlflow(stock.uri, to, ['--dry-run'])
        expect(dry.stdout).toContain('Both sides differ')
        const third = await importMlflow(stock.uri, to)
        expect(third, third.stdout).toMatchObject({ code: 0 })
        const { runs, experiments, metrics, params } = countsOf(third.stdout)
        expect([runs?.[2], experiments?.[2]]).toEqual([2, 3])
        expect(metrics?.[2]).toBeLessThan(300)
        expect(params?.[0]).toBe(params?.[1])
      },
      TIMEOUT_MS,
    )

    it(
      'goes on where it was killed, while the source goes on too',
      async () => {
        const to = await target.another()
        await addRun('many points', 120_000)
        const args = ['import', 'mlflow', '--from', stock.uri, '--to', to]
        const moments = [700, 1_500, 2_500, 4_000, 6_000]
        let killed = 0
        for (const [i, moment] of moments.entries()) {
          if (await killMove(args, moment)) killed++
          await addRun(`between ${i}`, 20)
        }
        expect(killed).toBeGreaterThan(0)
        const last = await importMlflow(stock.uri, to)
        expect(last, last.stdout + last.stderr).toMatchObject({ code: 0 })
        const server = await startServer({ backendStoreUri: to })
        try {
          expect(comparable(await registryAnswers(server.request))).toEqual(
            comparable(await registryAnswers(stock.request)),
          )
          const runs = (
            await server.request('POST', '/api/2.0/mlflow/runs/search', { experiment_ids: ['1'] })
          ).body
          expect(JSON.stringify(runs)).toContain('between 4')
        } finally {
          await server.stop()
        }
      },
      TIMEOUT_MS,
    )

    it(
      'writes nothing where the store has other things by the same names',
      async () => {
        const to = await target.another()
        const server = await startServer({ backendStoreUri: to })
        await server.request('POST', '/api/2.0/mlflow/registered-models/create', { name: 'wine' })
        await server.request('POST', '/api/2.0/mlflow/experiments/create', { name: 'deleted one' })
        await server.stop()
        const files = `${stock.file}-${target.name}-files`
        const args = [
          '--artifacts',
          'copy',
          '--artifacts-destination',
          files,
          '--artifacts-from',
          stock.artifacts,
        ]
        const { code, stdout, stderr } = await importMlflow(stock.uri, to, args)
        expect(code).toBe(1)
        expect(stdout).toBe('')
        expect(existsSync(files)).toBe(false)
        expect(stderr).toContain('the registered model "wine" is there as another one')
        expect(stderr).toContain('the experiment "deleted one" is there as another one')
        const counts = countsOf(
          (await importMlflow(stock.uri, to, ['--dry-run', '--experiment', 'Default'])).stdout,
        )
        expect(counts.runs?.[1] ?? 0).toBe(0)
      },
      TIMEOUT_MS,
    )
  })

  it('says what cannot be read', async () => {
    const missingFile = await importMlflow('sqlite:///nowhere.db', 'pglite:./store')
    expect(missingFile).toMatchObject({ code: 1 })
    expect(missingFile.stderr).toContain('There is no file nowhere.db.')
    const { stdout } = await runPython(`import sqlite3, tempfile, os
folder = tempfile.mkdtemp()
for name, sql in (("old.db", "CREATE TABLE experiments (experiment_id INTEGER, name TEXT); CREATE TABLE runs (run_uuid TEXT)"), ("none.db", "CREATE TABLE other (x)")):
    sqlite3.connect(os.path.join(folder, name)).executescript(sql)
import shutil
shutil.copy(${JSON.stringify(stock.file)}, os.path.join(folder, "new.db"))
db = sqlite3.connect(os.path.join(folder, "new.db"))
db.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
db.commit()
print(folder)`)
    const folder = stdout.trim()
    const saying = async (file: string) =>
      (await importMlflow(`sqlite:///${folder}/${file}`, 'pglite:./store')).stderr
    expect(await saying('old.db')).toContain('older than MLflow 2.0')
    expect(await saying('none.db')).toContain('There are no tables of MLflow')
    expect(await saying('new.db')).toContain(
      'revision ffffffffffff, which MLflow 3.17 does not know: it is newer',
    )
    await runPython(`import shutil, sqlite3
shutil.copy(${JSON.stringify(stock.file)}, ${JSON.stringify(`${folder}/spaces.db`)})
db = sqlite3.connect(${JSON.stringify(`${folder}/spaces.db`)})
db.execute("UPDATE experiments SET workspace = 'other' WHERE experiment_id = 0")
db.commit()`)
    expect(await saying('spaces.db')).toContain(
      'several workspaces, which do not fit into one store: default, other',
    )
    await rm(folder, { recursive: true })
  })
})

/** Names are claimed: what is there cannot be made again, and what is not can. */
async function expectUsable(request: StockSource['request']): Promise<void> {
  const create = (name: string) => request('POST', '/api/2.0/mlflow/experiments/create', { name })
  expect((await create('deleted one')).body).toMatchObject({ error_code: 'RESOURCE_ALREADY_EXISTS' })
  expect((await create('made after the move')).status).toBe(200)
  const version = await request('POST', '/api/2.0/mlflow/model-versions/create', {
    name: 'wine',
    source: 's3://b/x',
  })
  expect(version.body).toMatchObject({ model_version: { version: '4' } })
  const taken = await request('POST', '/api/2.0/mlflow/registered-models/create', { name: 'renamed' })
  expect(taken.body).toMatchObject({ error_code: 'RESOURCE_ALREADY_EXISTS' })
}
