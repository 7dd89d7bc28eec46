// CrateDB skips rows of a bulk statement that it cannot write and still reports success: no such write is acknowledged.
import { sql } from 'drizzle-orm'
import { beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { describeEachEngine } from '../support/engines.ts'

const API = '/api/2.0/mlflow'

describeEachEngine(
  'rows that the database skips',
  (target) => {
    let app: TestApp
    let runId: string

    beforeAll(async () => {
      // Its tables are changed: no other suite may have them.
      app = await startApp(target, { uri: await target.another({ empty: true }) })
      for (const [table, isPoison] of [
        ['params', "value = 'poison'"],
        ['tags', "value = 'poison'"],
        ['metrics', 'value = 666'],
        ['latest_metrics', 'value = 777'],
        ['inputs', 'step = 666'],
      ]) {
        // A generated column that divides by zero: CrateDB cannot write such a row.
        const trap = sql.raw(`1 / (CASE WHEN ${isPoison} THEN 0 ELSE 1 END)`)
        await app.engine.execute(
          sql`ALTER TABLE ${sql.identifier(table as string)} ADD COLUMN trap BIGINT GENERATED ALWAYS AS (${trap})`,
        )
      }
      const created = await app.request('POST', `${API}/runs/create`, { experiment_id: '0' })
      runId = (created.body as { run: { info: { run_id: string } } }).run.info.run_id
      return () => app.close()
    })

    it.each([
      ['a param', 'runs/log-parameter', { key: 'a', value: 'poison' }],
      ['a tag', 'runs/set-tag', { key: 'a', value: 'poison' }],
      ['a metric point', 'runs/log-metric', { key: 'a', value: 666, timestamp: 1 }],
      ['a latest metric', 'runs/log-metric', { key: 'a', value: 777, timestamp: 1 }],
      [
        'one param of a batch',
        'runs/log-batch',
        {
          params: [
            { key: 'b', value: '1' },
            { key: 'c', value: 'poison' },
          ],
        },
      ],
      ['an output', 'runs/outputs', { models: [{ model_id: 'm-1', step: 666 }] }],
    ])('are told to the client: %s', async (_what, path, body) => {
      const { status, body: answer } = await app.request('POST', `${API}/${path}`, { run_id: runId, ...body })
      expect(status).toBe(503)
      expect(answer).toMatchObject({ error_code: 'TEMPORARILY_UNAVAILABLE' })
    })

    it('leave a table that takes no writes at 503', async () => {
      await app.engine.execute(sql`ALTER TABLE tags SET ("blocks.write" = true)`)
      const { status } = await app.request('POST', `${API}/runs/set-tag`, {
        run_id: runId,
        key: 'x',
        value: 'y',
      })
      expect(status).toBe(503)
      await app.engine.execute(sql`ALTER TABLE tags SET ("blocks.write" = false)`)
      const again = await app.request('POST', `${API}/runs/set-tag`, { run_id: runId, key: 'x', value: 'y' })
      expect(again.status).toBe(200)
    })
  },
  ['CrateDB'],
)
