// Applies migrations/<dialect>/NNNN_name.sql: forward only, one statement at a time, each safe to repeat.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { sql } from 'drizzle-orm'
import { bigint, integer, pgTable, text } from 'drizzle-orm/pg-core'
import { MlflowError } from '../../errors.ts'
import { COMMAND, PACKAGE } from '../../package.ts'
import type { Engine } from './engine.ts'
import { DuplicateKeyError } from './errors.ts'

/** The ledger of what was applied. */
export const schemaMigrations = pgTable('schema_migrations', {
  version: integer('version').primaryKey(),
  name: text('name').notNull(),
  checksum: text('checksum').notNull(),
  appliedAtMs: bigint('applied_at', { mode: 'number' }).notNull(),
})

export interface Migration {
  version: number
  name: string
  checksum: string
  statements: string[]
}

export interface MigrationState extends Pick<Migration, 'version' | 'name'> {
  /** Milliseconds since the epoch; undefined while pending. */
  appliedAtMs: number | undefined
}

/** What a schema is made of; shards and replicas are those of the big tables on CrateDB. */
export interface TableLayout {
  shards: number
  /** CrateDB's number_of_replicas, such as `0-1` or `1`. */
  replicas: string
  /** false: the tables alone, without the views for people. */
  views?: boolean
}

/** The migrations of this program for an engine, in order. */
export function listMigrations(engine: Engine, layout: TableLayout): Migration[] {
  const folder = new URL(`migrations/${engine.dialect.migrations}/`, PACKAGE)
  return readdirSync(folder)
    .filter((file) => /^\d{4}_\w+\.sql$/.test(file))
    .sort()
    .map((file) => {
      const source = readFileSync(new URL(file, folder), 'utf8')
      return {
        version: Number(file.slice(0, 4)),
        name: file.slice(5, -4),
        checksum: createHash('sha256').update(source).digest('hex'),
        statements: splitStatements(
          source.replace(/\$\{(shards|replicas)\}/g, (_match, name: keyof TableLayout) =>
            String(layout[name]),
          ),
        ),
      }
    })
}

const VIEW = /^CREATE OR REPLACE VIEW (\w+)/

const viewStatements = (engine: Engine, layout: TableLayout): string[] =>
  listMigrations(engine, layout)
    .flatMap(({ statements }) => statements)
    .filter((statement) => VIEW.test(statement))

const viewOf = (statement: string): string => VIEW.exec(statement)?.[1] ?? ''

/** Statements end with a semicolon at the end of a line; comment lines are dropped. */
function splitStatements(source: string): string[] {
  const code = source.replace(/^--.*$/gm, '')
  return code
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement.length > 0)
}

/**
 * Applies what is pending. Several servers may do so at once, and a crash at any statement is mended by the next
 * call: every statement is repeatable, the ledger row comes last.
 * @returns what was applied by this call
 * @throws INVALID_STATE when the database is newer than this program, or a migration was changed after the fact
 */
export async function migrate(engine: Engine, layout: TableLayout): Promise<Migration[]> {
  const migrations = listMigrations(engine, layout)
  await tolerateRace(() => createLedger(engine))
  const applied = await readLedger(engine)
  checkLedger(migrations, applied)
  const pending = migrations.filter(({ version }) => !applied.has(version))
  for (const migration of pending) {
    for (const statement of migration.statements) {
      if (layout.views !== false || !VIEW.test(statement))
        await tolerateRace(() => engine.execute(sql.raw(statement)))
    }
    await engine.db
      .insert(schemaMigrations)
      .values({
        version: migration.version,
        name: migration.name,
        checksum: migration.checksum,
        appliedAtMs: Date.now(),
      })
      .onConflictDoNothing()
  }
  return pending
}

/** What is applied and what is pending, in order. */
export async function migrationStatus(engine: Engine, layout: TableLayout): Promise<MigrationState[]> {
  const applied = (await tableNames(engine)).includes('schema_migrations')
    ? await readLedger(engine)
    : new Map<number, Applied>()
  const migrations = listMigrations(engine, layout)
  checkLedger(migrations, applied)
  return migrations.map(({ version, name }) => ({
    version,
    name,
    appliedAtMs: applied.get(version)?.appliedAtMs,
  }))
}

/**
 * @throws INVALID_STATE while migrations are pending
 */
export async function requireMigrated(engine: Engine, layout: TableLayout): Promise<void> {
  const pending = (await migrationStatus(engine, layout)).filter(
    ({ appliedAtMs }) => appliedAtMs === undefined,
  )
  if (pending.length === 0) return
  const names = pending.map(({ version, name }) => `${version} ${name}`).join(', ')
  throw new MlflowError(
    'INVALID_STATE',
    `The database lacks migrations: ${names}. Run ${COMMAND} db migrate.`,
  )
}

/** Makes the views that the migrations tell, those which are there anew; returns their names. All migrations have to be applied. */
export async function createViews(engine: Engine, layout: TableLayout): Promise<string[]> {
  const views = viewStatements(engine, layout)
  for (const statement of views) await tolerateRace(() => engine.execute(sql.raw(statement)))
  return [...new Set(views.map(viewOf))]
}

/** Drops the views that the migrations tell, but none that somebody else has made; returns the names of those that were there. */
export async function dropViews(engine: Engine, layout: TableLayout): Promise<string[]> {
  const ours = new Set(viewStatements(engine, layout).map(viewOf))
  const views = (await viewNames(engine)).filter((name) => ours.has(name))
  for (const view of views) await engine.execute(sql`DROP VIEW IF EXISTS ${sql.identifier(view)}`)
  return views
}

/** Drops every view and every table of the schema; returns the names of the tables. */
export async function dropAllTables(engine: Engine): Promise<string[]> {
  const tables = await tableNames(engine)
  for (const view of await viewNames(engine))
    await engine.execute(sql`DROP VIEW IF EXISTS ${sql.identifier(view)}`)
  for (const table of tables) await engine.execute(sql`DROP TABLE IF EXISTS ${sql.identifier(table)}`)
  return tables
}

/** Names of the tables in the engine's schema, sorted. */
export const tableNames = (engine: Engine): Promise<string[]> => namesOf(engine, 'BASE TABLE')

/** Names of the views in the engine's schema, sorted. */
export const viewNames = (engine: Engine): Promise<string[]> => namesOf(engine, 'VIEW')

async function namesOf(engine: Engine, type: 'BASE TABLE' | 'VIEW'): Promise<string[]> {
  const { rows } = await engine.execute<{ table_name: string }>(
    sql`SELECT table_name FROM information_schema.tables
        WHERE table_schema = ${engine.schema} AND table_type = ${type} ORDER BY table_name`,
  )
  return rows.map((row) => row.table_name)
}

/** How many rows each of the tables holds. */
export async function countRows(
  engine: Engine,
  tables: readonly string[],
): Promise<{ table: string; rows: number }[]> {
  if (tables.length > 0) await engine.refresh(...tables.map((table) => pgTable(table, {})))
  const counts: { table: string; rows: number }[] = []
  for (const table of tables) {
    const { rows } = await engine.execute<{ count: string | number }>(
      sql`SELECT count(*) AS count FROM ${sql.identifier(table)}`,
    )
    counts.push({ table, rows: Number(rows[0]?.count ?? 0) })
  }
  return counts
}

async function createLedger(engine: Engine): Promise<void> {
  // CREATE SCHEMA IF NOT EXISTS wants rights to the whole database, even where the schema is there.
  if (engine.dialect.migrations === 'postgres' && !(await hasSchema(engine))) {
    await engine.execute(sql`CREATE SCHEMA IF NOT EXISTS ${sql.identifier(engine.schema)}`)
  }
  await engine.execute(
    sql`CREATE TABLE IF NOT EXISTS schema_migrations (
          version INTEGER PRIMARY KEY, name TEXT, checksum TEXT, applied_at BIGINT)`,
  )
}

async function hasSchema(engine: Engine): Promise<boolean> {
  const found = await engine.execute(sql`SELECT 1 FROM pg_namespace WHERE nspname = ${engine.schema}`)
  return found.rows.length > 0
}

type Applied = typeof schemaMigrations.$inferSelect

async function readLedger(engine: Engine): Promise<Map<number, Applied>> {
  await engine.refresh(schemaMigrations)
  const rows = await engine.db.select().from(schemaMigrations)
  return new Map(rows.map((row) => [row.version, row]))
}

function checkLedger(migrations: Migration[], applied: Map<number, Applied>): void {
  const known = new Map(migrations.map((migration) => [migration.version, migration]))
  for (const { version, name, checksum } of applied.values()) {
    const migration = known.get(version)
    if (!migration) {
      throw new MlflowError(
        'INVALID_STATE',
        `The database is newer than this program: it has migration ${version} ${name}.`,
      )
    }
    if (migration.checksum !== checksum) {
      throw new MlflowError(
        'INVALID_STATE',
        `Migration ${version} ${name} was changed after it had been applied.`,
      )
    }
  }
}

/** CrateDB's ADD COLUMN knows no IF NOT EXISTS: another server was faster, or this one before it crashed. */
const isColumnThere = (error: unknown): boolean => /already has a column named/.test((error as Error).message)

/**
 * `IF NOT EXISTS` does not protect two servers that create the same thing in the same moment: PostgreSQL reports
 * a duplicate in its catalogue, CrateDB that the relation exists. Then the other one was faster; once more.
 */
async function tolerateRace(run: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await run()
      return
    } catch (error) {
      if (isColumnThere(error)) return
      const code = (error as { code?: string }).code ?? ''
      const isRace =
        error instanceof DuplicateKeyError ||
        ['42P06', '42P07', '42710', '42701', 'XX000'].includes(code) ||
        /already exists|tuple concurrently updated/i.test((error as Error).message)
      if (!isRace || attempt === 5) throw error
      await new Promise((resolve) => setTimeout(resolve, 50 * attempt))
    }
  }
}
