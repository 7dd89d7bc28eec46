// The embedded database lives in a thread of its own: it blocks nobody, and its end is not the server's.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { unavailable } from '../../src/errors.ts'
import { openEngine } from '../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../src/platform/database/uri.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { describeEachEngine } from '../support/engines.ts'

const API = '/api/2.0/mlflow'

async function createRun({ request }: TestApp): Promise<string> {
  const { body } = await request('POST', `${API}/runs/create`, { experiment_id: '0' })
  return (body as { run: { info: { run_id: string } } }).run.info.run_id
}

const logStep = ({ request }: TestApp, run_id: string, step: number) =>
  request('POST', `${API}/runs/log-metric`, { run_id, key: 'loss', value: step, timestamp: step, step })

async function latestStep({ request }: TestApp, runId: string): Promise<number | undefined> {
  const { status, body } = await request('GET', `${API}/runs/get?run_id=${runId}`)
  expect(status).toBe(200)
  return (body as { run: { data: { metrics?: { step: number }[] } } }).run.data.metrics?.[0]?.step
}

describeEachEngine(
  'the embedded database',
  (target) => {
    it('lets the server answer others during a long statement', async () => {
      const app = await startApp(target, { uri: await target.another() })
      const ended: string[] = []
      const long = app.engine
        .rows(sql`SELECT count(*) FROM generate_series(1, 5000000)`)
        .then(() => ended.push('statement'))
      expect((await app.request('GET', '/version')).status).toBe(200)
      ended.push('answer')
      await long
      expect(ended).toEqual(['answer', 'statement'])
      await app.close()
    })

    it('prepares statements again, whoever meets a changed table', async () => {
      const app = await startApp(target, { uri: await target.another() })
      const { engine } = app
      await engine.execute(sql`CREATE TABLE changing (id INTEGER)`)
      const read = () => engine.execute(sql`SELECT * FROM changing`)
      await read()
      await engine.execute(sql`ALTER TABLE changing ADD COLUMN name TEXT`)
      await engine.execute(sql`INSERT INTO changing VALUES (1, 'one')`)
      const answers = await Promise.all([read(), read(), read()])
      for (const { rows } of answers) expect(rows).toEqual([{ id: 1, name: 'one' }])
      await app.close()
    })

    it('opens a store whose lock of PostgreSQL a crash has left empty', async () => {
      const uri = await target.another()
      await writeFile(join(uri.replace('pglite:', ''), 'postmaster.pid'), '')
      const app = await startApp(target, { uri })
      expect((await app.request('GET', '/version')).status).toBe(200)
      await app.close()
    })

    it('has the latest metric of points whose acknowledgement was lost', async () => {
      let losing = false
      const engine = await openEngine(parseBackendUri(await target.another()), {
        maxConnections: 1,
        intercept: (connection) => ({
          ...connection,
          async queryAll(statements) {
            const results = await connection.queryAll?.(statements)
            if (losing) throw unavailable('The answer was lost.')
            return results ?? []
          },
        }),
      })
      const app = await startApp(target, { engine })
      const runId = await createRun(app)
      expect((await logStep(app, runId, 1)).status).toBe(200)
      expect(await latestStep(app, runId)).toBe(1)
      losing = true
      expect((await logStep(app, runId, 2)).status).toBe(503)
      losing = false
      const other = { run_id: runId, key: 'other', value: 1, timestamp: 1, step: 1 }
      expect((await app.request('POST', `${API}/runs/log-metric`, other)).status).toBe(200)
      expect(await latestStep(app, runId)).toBe(2)
      await app.close()
      await engine.close()
    })

    describe('that ends by itself', () => {
      it('fails what was under way with 503, comes back and has all that was acknowledged', async () => {
        const threads: Worker[] = []
        process.on('worker', (thread) => threads.push(thread))
        const app = await startApp(target, { uri: await target.another() })
        const runId = await createRun(app)
        for (let step = 0; step < 5; step++) expect((await logStep(app, runId, step)).status).toBe(200)
        // Behind a statement that takes seconds, the search is certain to be under way.
        const long = app.engine.rows(sql`SELECT count(*) FROM generate_series(1, 50000000)`)
        const failed = expect(long).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' })
        const during = app.request('POST', `${API}/runs/search`, { experiment_ids: ['0'] })
        await threads[0]?.terminate()
        await failed
        expect(await during).toMatchObject({ status: 503, body: { error_code: 'TEMPORARILY_UNAVAILABLE' } })
        expect(await latestStep(app, runId)).toBe(4)
        expect(threads).toHaveLength(2)
        expect((await logStep(app, runId, 6)).status).toBe(200)
        expect(await latestStep(app, runId)).toBe(6)
        await app.close()
      })
    })
  },
  ['PGlite'],
)
