// A database that lets no more connections in: clients are told to come back, and the server recovers by itself.
import { sql } from 'drizzle-orm'
import pg from 'pg'
import { expect, it } from 'vitest'
import { runServer } from '../cli/program.ts'
import { describeEachEngine } from '../support/engines.ts'

const LIMIT = 3

describeEachEngine(
  'a database that has too many connections',
  (engine) => {
    it('makes answers 503 with Retry-After until there are fewer', async () => {
      const admin = await engine.open()
      const role = `limited_${crypto.randomUUID().replaceAll('-', '')}`
      const name = sql.identifier(role)
      const schema = sql.identifier(admin.schema)
      await admin.execute(sql`CREATE ROLE ${name} LOGIN CONNECTION LIMIT ${sql.raw(String(LIMIT))}`)
      await admin.execute(sql`GRANT USAGE ON SCHEMA ${schema} TO ${name}`)
      await admin.execute(sql`GRANT ALL ON ALL TABLES IN SCHEMA ${schema} TO ${name}`)
      const uri = engine.uri.replace(/:\/\/([^@/]*@)?/, `://${role}@`)
      const server = await runServer(['--backend-store-uri', uri, '--no-migrate', '--workers', '1'])
      const disconnect = sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ${role}`
      await admin.execute(disconnect)

      const url = new URL(uri.replace(/^\w+:/, 'http:'))
      const options = {
        host: url.hostname,
        port: Number(url.port),
        user: role,
        database: url.pathname.slice(1),
      }
      const others = Array.from({ length: LIMIT }, () => new pg.Client(options))
      for (const other of others) await other.connect()
      const ask = () => fetch(`${server.url}/api/2.0/mlflow/experiments/get?experiment_id=0`)
      const refused = await ask()
      expect(refused.status).toBe(503)
      expect(refused.headers.get('retry-after')).toBe('1')
      expect((await server.request('GET', '/health')).status).toBe(200)

      for (const other of others) await other.end()
      await expect.poll(async () => (await ask()).status, { timeout: 30_000 }).toBe(200)
      server.signal('SIGTERM')
      await server.ended
      await admin.execute(sql`DROP OWNED BY ${name}`)
      await admin.execute(sql`DROP ROLE ${name}`)
    })
  },
  ['PostgreSQL'],
)
