// The store of a server of mlflow-cratedb as the source: both servers answer the same afterwards.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { engineTarget } from '../support/engines.ts'
import { startServer } from '../support/server.ts'
import { missing, useService } from '../support/services.ts'
import { importMlflow } from './import.ts'
import { comparable, registryAnswers, trackingAnswers } from './same-answers.ts'
import { SEED, startStockSource } from './stock-source.ts'

const TIMEOUT_MS = 900_000
/** Fields of MLflow 3.12 that 3.17 leaves out. */
const GONE = ['workspace']
const reason = missing('mlflowCratedb') || missing('cratedb') || missing('python')

describe.skipIf(reason)(`import mlflow from mlflow-cratedb${reason && ` (${reason})`}`, () => {
  const store = engineTarget('PGlite')

  it(
    'takes over all that the server answers, and nothing twice',
    async () => {
      const cratedb = new URL((await useService('cratedb')).uri.replace(/^\w+:/, 'http:'))
      const client = new pg.Client({ host: cratedb.hostname, port: Number(cratedb.port), user: 'crate' })
      await client.connect()
      const { rows } = await client.query<{ port: number }>(
        `SELECT port['http'] AS port FROM sys.nodes LIMIT 1`,
      )
      const schema = `stock_${randomUUID().slice(0, 8)}`
      const backend = `crate://crate@${cratedb.hostname}:${rows[0]?.port}/?schema=${schema}`
      const { command } = await useService('mlflowCratedb')
      try {
        const source = await startStockSource([[SEED, '--no-renames']], backend, [command])
        try {
          const from = `crate://crate@${cratedb.host}/?schema=${schema}`
          const first = await importMlflow(from, store.uri)
          expect(first, first.stdout + first.stderr).toMatchObject({ code: 0 })
          const again = await importMlflow(from, store.uri)
          expect(again.stdout).toContain('0 rows written')
          const ours = await startServer({ backendStoreUri: store.uri })
          try {
            for (const answers of [trackingAnswers, registryAnswers])
              expect(comparable(await answers(ours.request), GONE)).toEqual(
                comparable(await answers(source.request), GONE),
              )
          } finally {
            await ours.stop()
          }
        } finally {
          await source.stop()
        }
      } finally {
        const tables = await client.query<{ name: string }>(
          'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1',
          [schema],
        )
        for (const { name } of tables.rows) await client.query(`DROP TABLE "${schema}"."${name}"`)
        await client.end()
      }
    },
    TIMEOUT_MS,
  )
})
