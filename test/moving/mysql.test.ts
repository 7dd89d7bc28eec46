// MariaDB, which stands for MySQL, as the source: the store of a stock server, and a table of a user's own.
import { randomUUID } from 'node:crypto'
import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engineTarget } from '../support/engines.ts'
import { startServer } from '../support/server.ts'
import { missing, useService } from '../support/services.ts'
import { importMlflow } from './import.ts'
import { comparable, genaiAnswers, registryAnswers, trackingAnswers } from './same-answers.ts'
import { SEED, SEED_GENAI, startStockSource } from './stock-source.ts'
import { importTable, inserting, mappingOf, type UserTable } from './table-source.ts'

const TIMEOUT_MS = 600_000
const atNight = process.env.TEST_EVERY_ENGINE ? '' : 'part of npm run test:engines'
const reason = missing('mysql')

describe.skipIf(reason)(`imports from MariaDB${reason && ` (${reason})`}`, () => {
  const store = engineTarget('PGlite')
  const database = `source_${randomUUID().slice(0, 8)}`
  let server: URL
  let admin: Awaited<ReturnType<typeof createConnection>>
  beforeAll(async () => {
    server = new URL((await useService('mysql')).uri)
    admin = await createConnection(server.href)
    await admin.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`)
    await admin.query(`USE ${database}`)
    server.pathname = `/${database}`
  }, TIMEOUT_MS)
  afterAll(async () => {
    await admin?.query(`DROP DATABASE ${database}`)
    await admin?.end()
  })

  it(
    'takes rows of a table, once each',
    async () => {
      await admin.query(`SET sql_mode = 'ANSI_QUOTES'`)
      const table = '"Trained-Models"'
      await admin.query(
        `CREATE TABLE ${table} (name VARCHAR(100), version VARCHAR(100), trained_at VARCHAR(30), finished_s INTEGER, parameters JSON,
          "Größe (MB)" DOUBLE, scores JSON, "select" TEXT, path TEXT)`,
      )
      const row = {
        ...{ name: 'wind', trainedAt: '2026-01-01T00:00:00Z' },
        ...{ parameters: { lr: 0.1, deep: { a: [1] } }, scores: { mae: 0.1 + 0.2 } },
      }
      const rows = ['1', '2', '3'].map((version) => ({ ...row, version }))
      await admin.query(inserting(rows).replaceAll('TABLE', table))
      const source = { uri: server.href, table } as UserTable
      const to = await store.another()
      const first = await importTable(source, to, mappingOf(source))
      expect(first, first.stderr).toMatchObject({ code: 0 })
      expect(first.stdout).toContain('3 rows read: 3 new, 0 changed, 0 as before, 0 not taken')
      const again = await importTable(source, to, mappingOf(source))
      expect(again.stdout).toContain('3 rows read: 0 new, 0 changed, 3 as before, 0 not taken')
      const running = await startServer({ backendStoreUri: to })
      const { body } = await running.request('POST', '/api/crateflow/1.0/sql/query', {
        statement: `SELECT scores, parameters FROM trained_models WHERE version = '3'`,
      })
      await running.stop()
      const [scores, parameters] = JSON.parse(String(body).split('\n')[1] ?? '')
      expect(scores).toEqual({ mae: 0.1 + 0.2 })
      expect(parameters).toEqual({ lr: '0.1', deep: '{"a": [1]}', size_mb: '12.5' })
    },
    TIMEOUT_MS,
  )

  it('says what is wrong with a URI, without its password', async () => {
    const refused = await importMlflow('mysql://root:secret@127.0.0.1:9/x', 'pglite:./store')
    expect(refused).toMatchObject({ code: 1 })
    expect(refused.stderr).toContain('The database mysql://127.0.0.1:9/x does not answer')
    const empty = await importMlflow(server.href, 'pglite:./store')
    expect(empty.stderr).toContain('There are no tables of MLflow')
    expect(refused.stderr + empty.stderr).not.toContain('secret')
  })

  it.skipIf(atNight || missing('python'))(
    'takes over all that a stock server on it answers, and nothing twice',
    async () => {
      const uri = server.href.replace(/^mysql:/, 'mysql+pymysql:')
      const source = await startStockSource([[SEED], [SEED_GENAI]], uri)
      try {
        const first = await importMlflow(uri, store.uri)
        expect(first, first.stdout + first.stderr).toMatchObject({ code: 0 })
        const again = await importMlflow(uri, store.uri)
        expect(again.stdout).toContain('0 rows written')
        const ours = await startServer({ backendStoreUri: store.uri })
        try {
          for (const answers of [trackingAnswers, registryAnswers, genaiAnswers])
            expect(comparable(await answers(ours.request))).toEqual(comparable(await answers(source.request)))
        } finally {
          await ours.stop()
        }
      } finally {
        await source.stop()
      }
    },
    TIMEOUT_MS,
  )
})
