// The notebook of runs and a table of one's own: joined by SQL on CrateDB, by pandas on the embedded database, with the same answer.
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EXAMPLES, runClient, TIMEOUT_MS } from '../python/client.ts'
import { describeEachEngine, type EngineTarget } from '../support/engines.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { freePort } from '../support/services/child.ts'
import { missing } from '../support/services.ts'
import { examplesPython, leftToNight } from './environment.ts'

/** Where SQL is asked: CrateDB's own port, or the server's for the embedded database. */
function addressOf(target: EngineTarget, sqlPort: number): { url: string; schema: string } {
  if (target.name === 'PGlite')
    return { url: `postgresql://anybody@127.0.0.1:${sqlPort}/mlflow`, schema: 'mlflow' }
  const { host, username, searchParams } = new URL(target.uri)
  return { url: `postgresql://${username}@${host}/doc`, schema: searchParams.get('schema') ?? 'mlflow' }
}

const reason = leftToNight || missing('stock')

describe.skipIf(reason)(`notebook${reason && ` (${reason})`}`, () => {
  describeEachEngine(
    'of runs and a table of one’s own',
    (target) => {
      let server: TestServer
      let sql: { url: string; schema: string }
      beforeAll(async () => {
        const sqlPort = await freePort()
        const args = target.name === 'PGlite' ? ['--sql-port', String(sqlPort)] : []
        server = await startServer({ backendStoreUri: target.uri, args })
        sql = addressOf(target, sqlPort)
      })
      afterAll(async () => {
        await server?.stop()
        if (target.name !== 'CrateDB') return
        const client = new pg.Client(sql.url)
        await client.connect()
        await client.query('DROP TABLE IF EXISTS doc.deliveries')
        await client.end()
      })

      it(
        'answers whose data makes the best models',
        async () => {
          const printed = await runClient(
            server.url,
            [join(import.meta.dirname, 'run_notebook.py'), join(EXAMPLES, 'runs_and_own_tables.ipynb')],
            { SQL_URL: sql.url, SQL_SCHEMA: sql.schema },
            await examplesPython(),
          )
          expect(printed).toMatch(/^0 +model of d1 +d1 +0\.9\d+$/m)
          expect(printed).toMatch(/^0 +north +2 +0\.9\d+ +135\.0\n1 +south +2 +0\.\d+ +70\.0$/m)
        },
        TIMEOUT_MS,
      )
    },
    ['CrateDB', 'PGlite'],
  )
})
