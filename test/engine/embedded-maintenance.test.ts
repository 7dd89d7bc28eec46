// The embedded database looks after itself: PostgreSQL's background processes are not there to do it.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import type { Engine } from '../../src/platform/database/engine.ts'
import { dropUnusedDatabases } from '../../src/platform/database/pglite-maintenance.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { describeEachEngine } from '../support/engines.ts'
import { createSource, putRows, viewsOf } from '../support/views.ts'

const API = '/api/2.0/mlflow'
const SEGMENT_MIB = 16

async function createRun({ request }: TestApp): Promise<string> {
  const { body } = await request('POST', `${API}/runs/create`, { experiment_id: '0' })
  return (body as { run: { info: { run_id: string } } }).run.info.run_id
}

const rowsOf = async <Row>(engine: Engine, statement: ReturnType<typeof sql>) =>
  (await engine.execute<Row>(statement)).rows

const soon = { timeout: 60_000, interval: 200 }

describeEachEngine(
  'the embedded database',
  (target) => {
    it('knows how many rows its tables have, without being asked to', async () => {
      const app = await startApp(target, { uri: await target.another() })
      const run_id = await createRun(app)
      const params = Array.from({ length: 100 }, (_, i) => ({ key: `p${i}`, value: `${i}` }))
      expect((await app.request('POST', `${API}/runs/log-batch`, { run_id, params })).status).toBe(200)
      const countOf = async () => {
        const [row] = await rowsOf<{ rows: number }>(
          app.engine,
          sql`SELECT reltuples::INTEGER AS rows FROM pg_class WHERE oid = 'params'::regclass`,
        )
        return row?.rows
      }
      await expect.poll(countOf, soon).toBe(100)
      await app.close()
    })

    it('gives the room of changed tags to later ones', async () => {
      const app = await startApp(target, { uri: await target.another() })
      const runIds = await Promise.all(Array.from({ length: 20 }, () => createRun(app)))
      const value = 'x'.repeat(1000)
      const change = (round: number) =>
        Promise.all(
          runIds.map((run_id) =>
            app.request('POST', `${API}/runs/set-tag`, { run_id, key: 'state', value: `${value}${round}` }),
          ),
        )
      const sizeOf = async () => {
        const [row] = await rowsOf<{ bytes: number }>(
          app.engine,
          sql`SELECT pg_relation_size('tags') AS bytes`,
        )
        return Number(row?.bytes)
      }
      const vacuumsOf = async () => {
        const [row] = await rowsOf<{ count: number }>(
          app.engine,
          sql`SELECT vacuum_count AS count FROM pg_stat_user_tables WHERE relname = 'tags'`,
        )
        return Number(row?.count)
      }
      let round = 0
      for (; round < 20; round++) await change(round)
      await expect
        .poll(async () => {
          await change(round++)
          return vacuumsOf()
        }, soon)
        .toBeGreaterThan(0)
      const size = await sizeOf()
      for (const end = round + 20; round < end; round++) await change(round)
      // Twenty rounds wrote as much as this again before the room of the former ones was free.
      expect(await sizeOf()).toBeLessThan(1.5 * size)
      await app.close()
    })

    it('gives the room of changed rows of materialized views to later ones', async () => {
      const app = await startApp(target, { uri: await target.another() })
      const source = await createSource(
        app.engine,
        'changing',
        'id INTEGER PRIMARY KEY, at BIGINT, value TEXT',
      )
      const change = (at: number) =>
        putRows(
          app.engine,
          source,
          Array.from({ length: 200 }, (_, id) => ({ id, at, value: 'v' })),
        )
      await change(0)
      const views = viewsOf(app.request)
      await views.create({
        ...{ name: 'changing', statement: `SELECT * FROM ${source}`, key: ['id'], incremental: 'at' },
      })
      let at = 1
      await expect
        .poll(async () => {
          await change(at++)
          await views.refresh('changing')
          const [row] = await rowsOf<{ count: number }>(
            app.engine,
            sql`SELECT vacuum_count AS count FROM pg_stat_user_tables
                WHERE schemaname = ${`${app.engine.schema}_views`} AND relname = 'changing'`,
          )
          return Number(row?.count)
        }, soon)
        .toBeGreaterThan(0)
      await app.close()
    })

    it('keeps its log short, however much is written', async () => {
      const uri = await target.another()
      const app = await startApp(target, { uri })
      const { engine } = app
      const logOf = async () =>
        (await readdir(join(uri.slice('pglite:'.length), 'pg_wal'))).filter((name) =>
          /^[0-9A-F]{24}$/.test(name),
        ).length * SEGMENT_MIB
      const writtenMib = async () => {
        const [row] = await rowsOf<{ mib: number }>(
          engine,
          sql`SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') / 1048576 AS mib`,
        )
        return Number(row?.mib)
      }
      const begin = await writtenMib()
      const run_id = await createRun(app)
      for (let step = 0; (await writtenMib()) < begin + 300; step += 1000) {
        const metrics = Array.from({ length: 1000 }, (_, i) => ({
          key: 'loss',
          value: i,
          timestamp: step + i,
          step: step + i,
        }))
        expect((await app.request('POST', `${API}/runs/log-batch`, { run_id, metrics })).status).toBe(200)
      }
      await expect.poll(logOf, soon).toBeLessThan(200)
      await app.close()
    })

    it('loses its unused databases once, when two come to drop them at the same moment', async () => {
      const engine = await target.open(await target.another({ isNew: true }))
      const run = async (text: string) => (await engine.execute(sql.raw(text))).rows
      await Promise.all([dropUnusedDatabases(run), dropUnusedDatabases(run)])
      expect(await run('SELECT datname FROM pg_database')).toHaveLength(1)
    })

    it('has no database whose transactions nobody could ever freeze', async () => {
      const engine = await target.open()
      const names = () => rowsOf<{ name: string }>(engine, sql`SELECT datname AS name FROM pg_database`)
      await expect.poll(names, soon).toEqual([{ name: 'postgres' }])
    })
  },
  ['PGlite'],
)
