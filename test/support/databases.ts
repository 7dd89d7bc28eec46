// Creates, migrates and drops the databases of tests.
import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { pgTable } from 'drizzle-orm/pg-core'
import type { Engine } from '../../src/platform/database/engine.ts'
import { lockFolder } from '../../src/platform/database/folder-lock.ts'
import {
  createViews,
  dropAllTables,
  dropViews,
  migrate,
  type TableLayout,
  tableNames,
} from '../../src/platform/database/migrate.ts'
import { openEngine } from '../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../src/platform/database/uri.ts'

/**
 * Few small shards: CrateDB's cost of a table is its number of shards. No views there: CrateDB reads those of all schemas
 * with each write. Suites that ask them make them.
 */
const layoutOf = (uri: string): TableLayout => ({
  shards: 1,
  replicas: '0',
  views: !uri.startsWith('cratedb:'),
})

const LEDGER = 'schema_migrations'

/** A database without tables or a copy of a migrated one, and how to get rid of it. */
export interface Database {
  uri: string
  drop: () => Promise<void>
}

/** Opens the backend store URI and applies what migrations are pending. */
export async function openMigrated(uri: string): Promise<Engine> {
  const engine = await openEngine(parseBackendUri(uri), { maxConnections: 5 })
  await migrate(engine, layoutOf(uri))
  return engine
}

/** Makes the views for SQL where tests go without them. Returns what drops those again: the schema goes on to other suites. */
export async function makeViews(engine: Engine): Promise<() => Promise<void>> {
  if (engine.dialect.name !== 'cratedb') return async () => {}
  const layout = { shards: 1, replicas: '0' }
  await createViews(engine, layout)
  return async () => void (await dropViews(engine, layout))
}

/** A folder for PGlite, a copy of the template if there is one. */
export async function createFolder(template: string | undefined): Promise<Database> {
  const parent = await mkdtemp(join(tmpdir(), 'crateflow-test-'))
  const folder = join(parent, 'db')
  if (template) await cp(template, folder, { recursive: true })
  return {
    uri: `pglite:${folder}`,
    async drop() {
      // Nobody takes a store from under the feet of a server that forgot to end.
      if (existsSync(folder)) (await lockFolder(folder))()
      await rm(parent, { recursive: true, force: true })
    },
  }
}

const withSchema = (serverUri: string, schema: string) =>
  `${serverUri}${serverUri.includes('?') ? '&' : '?'}schema=${schema}`

/** The URI of a new schema on a CrateDB or PostgreSQL server. */
export async function createSchema(serverUri: string): Promise<Database> {
  const uri = withSchema(serverUri, `t_${crypto.randomUUID().replaceAll('-', '')}`)
  return { uri, drop: () => dropSchema(uri) }
}

/** What the names of schemas begin with that a run of tests keeps until its end, by the process that began it. */
const keptSchemas = (pid: number) => `t_kept_${pid}_`

/** Drops what the run that this process began has kept on a server that goes on. */
export async function dropKeptSchemas(serverUri: string): Promise<void> {
  const engine = await openEngine(parseBackendUri(serverUri), { maxConnections: 1 })
  try {
    const { rows } = await engine.execute<{ schema_name: string }>(
      sql`SELECT schema_name FROM information_schema.schemata`,
    )
    for (const { schema_name } of rows)
      if (schema_name.startsWith(keptSchemas(process.pid)))
        await dropSchema(withSchema(serverUri, schema_name))
  } finally {
    await engine.close()
  }
}

/** Schemas of this process that no suite uses now. */
const free: string[] = []
let made = 0

/**
 * The URI of an empty schema on a CrateDB server that has the tables already: to make them and to drop them takes
 * many times as long as to empty them. Schemas are kept for the files that come later in the same worker.
 */
export async function takeSchema(serverUri: string): Promise<Database> {
  const schema = free.pop() ?? `${keptSchemas(process.ppid)}${process.env.VITEST_POOL_ID}_${made++}`
  const uri = withSchema(serverUri, schema)
  const engine = await openMigrated(uri)
  try {
    await emptyTables(engine)
  } finally {
    await engine.close()
  }
  return { uri, drop: async () => void free.push(schema) }
}

/** Deletes the rows of all tables; few of them have any. */
async function emptyTables(engine: Engine): Promise<void> {
  const names = (await tableNames(engine)).filter((name) => name !== LEDGER)
  await engine.refresh(...names.map((name) => pgTable(name, {})))
  const filled = await engine.execute<{ table_name: string }>(
    sql`SELECT table_name FROM sys.shards WHERE schema_name = ${engine.schema} AND num_docs > 0 GROUP BY table_name`,
  )
  const tables = filled.rows.map(({ table_name }) => table_name).filter((name) => name !== LEDGER)
  await Promise.all(tables.map((name) => engine.execute(sql`DELETE FROM ${sql.identifier(name)}`)))
  if (tables.length > 0) await engine.refresh(...tables.map((name) => pgTable(name, {})))
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
