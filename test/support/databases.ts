// Creates, migrates and drops the databases of tests.
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import type { Engine } from '../../src/platform/database/engine.ts'
import { dropAllTables, migrate } from '../../src/platform/database/migrate.ts'
import { openEngine } from '../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../src/platform/database/uri.ts'

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
  const uri = `${serverUri}${separator}schema=${schema}`
  return { uri, drop: () => dropSchema(uri) }
}

async function dropSchema(uri: string): Promise<void> {
  const engine = await openEngine(parseBackendUri(uri), { maxConnections: 1 })
  try {
    if (engine.dialect.name === 'cratedb') await dropAllTables(engine)
    else await engine.execute(sql`DROP SCHEMA IF EXISTS ${sql.identifier(engine.schema)} CASCADE`)
  } finally {
    await engine.close()
  }
}
