// A folder of files, a running server, and a database of PostgreSQL as sources.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runClient } from '../python/client.ts'
import { byDay, describeOnCratedb } from '../support/engines.ts'
import { startServer } from '../support/server.ts'
import { missing, useService } from '../support/services.ts'
import { countsOf, importMlflow } from './import.ts'
import { comparable, genaiAnswers, registryAnswers, trackingAnswers } from './same-answers.ts'
import { SEED, SEED_GENAI, type StockSource, startStockSource } from './stock-source.ts'

const TIMEOUT_MS = 600_000
const reason = missing('python')

let folder: string
/** Stock's client keeps its data in files no longer, unless it is told to. */
beforeAll(async () => {
  if (reason) return
  folder = await mkdtemp(join(tmpdir(), 'crateflow-files-'))
  await runClient(`file://${folder}/mlruns`, [SEED, '--files'], { MLFLOW_ALLOW_FILE_STORE: 'true' })
}, TIMEOUT_MS)
afterAll(async () => {
  if (folder) await rm(folder, { recursive: true, force: true })
})

const filesIn = async (place: string) =>
  (await readdir(place, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length

describe.skipIf(reason)('import mlflow', () => {
  describeOnCratedb('import mlflow', (target) => {
    it(
      'takes over a folder of files with its artifacts',
      async () => {
        const to = await target.another()
        const artifacts = join(folder, `artifacts-${target.name}`)
        const args = ['--artifacts', 'copy', '--artifacts-destination', artifacts]
        const first = await importMlflow(join(folder, 'mlruns'), to, args)
        expect(first, first.stdout + first.stderr).toMatchObject({ code: 0 })
        expect(await filesIn(artifacts)).toBe(2)
        const again = await importMlflow(join(folder, 'mlruns'), to, args)
        expect(again.stdout).toContain('0 rows written')
        expect(again.stdout).toContain('0 files copied (0 bytes), 2 were there')
        const counts = countsOf(first.stdout)
        expect(counts.runs?.[1]).toBe(13)
        // Twelve runs of 150 points and eight others; -0 and 0, NaN and 0 are not the same.
        expect(counts.metrics?.[1]).toBe(12 * 158 + 1)
        const server = await startServer({
          backendStoreUri: to,
          args: ['--artifacts-destination', artifacts],
        })
        try {
          const { experiments } = (
            await server.request('POST', '/api/2.0/mlflow/experiments/search', {
              view_type: 'ALL',
              max_results: 10,
            })
          ).body as { experiments: { name: string; experiment_id: string; artifact_location: string }[] }
          const curves = experiments.find(({ name }) => name === 'curves')
          expect(curves?.artifact_location).toBe(`mlflow-artifacts:/${curves?.experiment_id}`)
          const { runs } = (
            await server.request('POST', '/api/2.0/mlflow/runs/search', {
              experiment_ids: [curves?.experiment_id],
              filter: "attributes.run_name = 'run 4'",
            })
          ).body as {
            runs: { info: { run_id: string }; data: { metrics: { key: string; value: unknown }[] } }[]
          }
          expect(runs[0]?.data.metrics.find(({ key }) => key === 'odd')?.value).toBe(1.7976931348623157e308)
          const file = await server.request(
            'GET',
            `/get-artifact?run_uuid=${runs[0]?.info.run_id}&path=notes/a.txt`,
          )
          expect(file.body).toBe('hello')
          const { models, versions } = (await registryAnswers(server.request)) as Record<
            string,
            { name: string }[]
          >
          expect(models?.map(({ name }) => name).sort()).toEqual(['empty', 'renamed', 'wine'])
          expect(versions?.filter(({ name }) => name === 'greet')).toHaveLength(2)
        } finally {
          await server.stop()
        }
      },
      TIMEOUT_MS,
    )
  })

  it('says which sources there are', async () => {
    const { code, stderr } = await importMlflow('mssql://root:secret@h/x', 'pglite:./store')
    expect(code).toBe(2)
    expect(stderr).toContain('is no source. There are sqlite:///file.db')
    expect(stderr).not.toContain('secret')
    const none = await importMlflow('http://127.0.0.1:9', 'pglite:./store')
    expect(none.stderr).toContain('http://127.0.0.1:9 does not answer')
  })
})

// How rows are read and written is seen by day with the other sources.
describe.skipIf(reason || byDay)(`import mlflow of servers ${byDay}`, () => {
  let stock: StockSource
  beforeAll(async () => {
    stock = await startStockSource([[SEED], [SEED_GENAI]])
  }, TIMEOUT_MS)
  afterAll(() => stock?.stop())

  describeOnCratedb('import mlflow of servers', (target) => {
    it(
      'takes over what a running server tells, artifacts by its REST API',
      async () => {
        const to = await target.another()
        const artifacts = join(folder, `rest-${target.name}`)
        const args = ['--artifacts', 'copy', '--artifacts-destination', artifacts]
        const first = await importMlflow(stock.url, to, args)
        expect(first, first.stdout + first.stderr).toMatchObject({ code: 0 })
        expect(await filesIn(artifacts)).toBe(await filesIn(stock.artifacts))
        const again = await importMlflow(stock.url, to)
        expect(again.stdout).toContain('0 rows written')
        const server = await startServer({
          backendStoreUri: to,
          args: ['--artifacts-destination', artifacts],
        })
        try {
          for (const answers of [trackingAnswers, registryAnswers]) {
            expect(comparable(await answers(server.request))).toEqual(
              comparable(await answers(stock.request)),
            )
          }
          const [ours, theirs] = await Promise.all([
            genaiAnswers(server.request),
            genaiAnswers(stock.request),
          ])
          expect(comparable([ours.traces, ours.spans])).toEqual(comparable([theirs.traces, theirs.spans]))
        } finally {
          await server.stop()
        }
      },
      TIMEOUT_MS,
    )
  })

  it.skipIf(missing('postgres'))(
    'takes over a database of PostgreSQL',
    async () => {
      const server = new URL((await useService('postgres')).uri)
      const name = `source_${process.pid}`
      const admin = new pg.Client(server.href)
      await admin.connect()
      await admin.query(`CREATE DATABASE ${name}`)
      server.pathname = `/${name}`
      const uri = server.href.replace(/^postgres(ql)?:/, 'postgresql+psycopg2:')
      const source = await startStockSource([[SEED], [SEED_GENAI]], uri)
      try {
        const to = `pglite:${folder}/of-postgres`
        const first = await importMlflow(uri, to)
        expect(first, first.stdout + first.stderr).toMatchObject({ code: 0 })
        const again = await importMlflow(uri, to)
        expect(again.stdout).toContain('0 rows written')
        const ours = await startServer({ backendStoreUri: to })
        try {
          for (const answers of [trackingAnswers, registryAnswers, genaiAnswers]) {
            expect(comparable(await answers(ours.request))).toEqual(comparable(await answers(source.request)))
          }
        } finally {
          await ours.stop()
        }
      } finally {
        await source.stop()
        await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
        await admin.end()
      }
    },
    TIMEOUT_MS,
  )
})
