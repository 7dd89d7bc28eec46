// Creates, migrates and drops the databases of tests.
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Engine } from '../../src/database/engine.ts'
import { migrate } from '../../src/database/migrate.ts'
import { openEngine } from '../../src/database/open-engine.ts'
import { parseBackendUri } from '../../src/database/uri.ts'

/** Few small shards: CrateDB's cost of a table is its number of shards. */
export const TABLE_LAYOUT = { shards: 1, replicas: '0' }

/** A database without tables or a copy of a migrated one, and how to get rid of it. */
export interface Database {
  uri: string
  drop: () => Promise<void>
}

/** Opens the backend store URI and applies what migrations are pending. */
export async function openMigrated(uri: string): Promise<Engine> {
  const engine = await openEngine(parseBackendUri(uri), { maxConnections: 5 })
  await migrate(engine, TABLE_LAYOUT)
  return engine
}

/** A folder for PGlite, a copy of the template if there is one. */
export async function createFolder(template: string | undefined): Promise<Database> {
  const parent = await mkdtemp(join(tmpdir(), 'crateflow-test-'))
  const folder = join(parent, 'db')
  if (template) await cp(template, folder, { recursive: true })
  return { uri: `pglite:${folder}`, drop: () => rm(parent, { recursive: true, force: true }) }
}

/** The URI of a new schema on a CrateDB or PostgreSQL server. */
export async function createSchema(serverUri: string): Promise<Database> {
  const schema = `t_${crypto.randomUUID().replaceAll('-', '')}`
  const separator = serverUri.includes('?') ? '&' : '?'
  return { uri: `${serverUri}${separator}schema=${schema}`, drop: () => dropSchema(serverUri, schema) }
}

async function dropSchema(uri: string, schema: string): Promise<void> {
  const isCrateDb = uri.startsWith('crate')
  const url = new URL(uri.replace(/^crate(db)?:/, 'postgresql:'))
  if (isCrateDb) url.pathname = '/doc'
  url.search = ''
  const client = new pg.Client(url.href)
  await client.connect()
  try {
    if (!isCrateDb) return void (await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`))
    const tables = await client.query(
      `SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = $1`,
      [schema],
    )
    for (const { table_name: table, table_type: type } of tables.rows) {
      await client.query(`DROP ${type === 'VIEW' ? 'VIEW' : 'TABLE'} IF EXISTS ${schema}."${table}"`)
    }
  } finally {
    await client.end()
  }
}
