// A database that repeats a statement by itself, as CrateDB does when a node dies in the middle of it.
import { expect, it } from 'vitest'
import type { Connection } from '../../src/platform/database/engine.ts'
import { openEngine } from '../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../src/platform/database/uri.ts'
import { startApp } from '../support/app.ts'
import { openMigrated } from '../support/databases.ts'
import { describeEachEngine } from '../support/engines.ts'

const API = '/api/2.0/mlflow'

/** Runs each write of single rows twice and answers what the second time brings. */
const repeating = (connection: Connection): Connection => ({
  ...connection,
  async query(text, params, rowMode) {
    if (/^\s*(insert|delete)\b/i.test(text)) await connection.query(text, params, rowMode)
    return connection.query(text, params, rowMode)
  },
})

describeEachEngine('a database that repeats statements', (engine) => {
  // Problem: a tag was deleted, but the answer was 404. Cause: the number of rows of the repeated statement was taken.
  it('has its clients told what became of their requests', async () => {
    await (await openMigrated(engine.uri)).close()
    const doubling = await openEngine(parseBackendUri(engine.uri), {
      maxConnections: 5,
      intercept: repeating,
    })
    const app = await startApp(engine, { engine: doubling })
    const ask = async (path: string, body: object) => {
      const answer = await app.request('POST', `${API}/${path}`, body)
      expect(answer).toMatchObject({ status: 200 })
      return answer.body
    }
    try {
      const tags = [{ key: 'once', value: '1' }]
      const experiment = await ask('experiments/create', { name: 'repeated', tags })
      const { experiment_id: experimentId } = experiment as { experiment_id: string }
      await ask('experiments/delete-experiment-tag', { experiment_id: experimentId, key: 'once' })
      const created = await ask('runs/create', { experiment_id: experimentId, tags })
      const { run_id: runId } = (created as { run: { info: { run_id: string } } }).run.info
      await ask('runs/delete-tag', { run_id: runId, key: 'once' })
      const again = await app.request('POST', `${API}/runs/delete-tag`, { run_id: runId, key: 'once' })
      expect(again.status).toBe(404)
    } finally {
      await app.close()
      await doubling.close()
    }
  })
})
