// PostgreSQL as a server: the embedded engine's SQL over a pg pool.
import { sql } from 'drizzle-orm'
import { equalsAny, isHashedInteger } from './columns.ts'
import { createEngine, type Dialect, type Engine, type EngineOptions } from './engine.ts'
import { openPool } from './pool.ts'
import type { ScriptDialect } from './pool-script.ts'
import type { SqlDialect } from './pool-sql.ts'
import { postgresAging } from './postgres-aging.ts'
import { createPostgresMaterializing } from './postgres-materializing.ts'
import { postgresStatus } from './postgres-status.ts'
import { createPostgresTextIndexing } from './postgres-text-index.ts'
import { postgresThinning } from './postgres-thinning.ts'
import type { ServerTarget } from './uri.ts'

const dialect: Dialect = {
  name: 'postgresql',
  migrations: 'postgres',
  insertsFaster: true,
  looksUp: true,
  sortsTextAlike: true,
  refresh: async () => {},
  anyKey: equalsAny,
  isOneOfMany: isHashedInteger,
  status: postgresStatus,
  aging: postgresAging,
  materializing: createPostgresMaterializing(),
  thinning: postgresThinning,
  textIndexing: createPostgresTextIndexing(true),
  ownTables: {
    schema: 'public',
    foreignSchemas: ['information_schema', 'pg_catalog', 'pg_toast'],
    timestampDigits: 6,
    largestInteger: 2n ** 63n - 1n,
    longestName: 63,
  },
  stored: (column) => sql`${column}`,
}

/** To compile a search takes longer than the search: 200 ms over 10,000 runs (measured on 15). */
const SETTINGS = '-c jit=off'

const LATENESS_MS = 5_000
/** Whoever does not read on for so long, in milliseconds, loses the rest of the answer. */
const IDLE_MS = 60_000

const sqlDialect: SqlDialect = {
  begin: (timeoutMs) => [
    'BEGIN READ ONLY',
    // The server ends statements itself; this is for when it is not there any more.
    `SET LOCAL statement_timeout = ${timeoutMs + LATENESS_MS}`,
    `SET LOCAL idle_in_transaction_session_timeout = ${IDLE_MS}`,
    'SET LOCAL cursor_tuple_fraction = 1',
  ],
  cursorFor: ({ text }) => text,
  hasVolatileFunctions: true,
}

const scriptDialect: ScriptDialect = {
  begin: (timeoutMs) => [`SET LOCAL statement_timeout = ${timeoutMs + LATENESS_MS}`],
  isTransaction: true,
}

export async function openPostgres(target: ServerTarget, options: EngineOptions): Promise<Engine> {
  return createEngine(
    openPool(target, options, { settings: SETTINGS, sql: sqlDialect, script: scriptDialect }),
    dialect,
    target.schema,
    options,
  )
}
