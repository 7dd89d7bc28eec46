// Everything that is true of CrateDB only. Measured on CrateDB 6.4.
import { sql } from 'drizzle-orm'
import { invalidParameter } from '../../errors.ts'
import { measures } from '../measures.ts'
import { equalsEachKey, isAnyInteger } from './columns.ts'
import { cratedbAging } from './cratedb-aging.ts'
import { examineCratedb } from './cratedb-health.ts'
import { cratedbMaterializing } from './cratedb-materializing.ts'
import { cratedbStatus } from './cratedb-status.ts'
import { cratedbTextIndexing } from './cratedb-text-index.ts'
import { cratedbThinning } from './cratedb-thinning.ts'
import { type Connection, createEngine, type Dialect, type Engine, type EngineOptions } from './engine.ts'
import { openPool } from './pool.ts'
import type { ScriptDialect } from './pool-script.ts'
import type { SqlDialect } from './pool-sql.ts'
import type { ServerTarget } from './uri.ts'

const dialect: Dialect = {
  name: 'cratedb',
  migrations: 'cratedb',
  likeBacktracks: true,
  maxIndexedBytes: 32_766,
  /** One statement refreshes all tables: 2 ms when nothing changed, some 30 ms after writes. */
  async refresh(connection: Connection, tables) {
    const list = [...tables].sort().map((table) => `"${table}"`)
    await connection.query(`REFRESH TABLE ${list.join(', ')}`, [], 'array')
    measures.refreshes.add(1)
  },
  examine: examineCratedb,
  status: cratedbStatus,
  aging: cratedbAging,
  materializing: cratedbMaterializing,
  thinning: cratedbThinning,
  textIndexing: cratedbTextIndexing,
  ownTables: {
    schema: 'doc',
    foreignSchemas: ['sys', 'information_schema', 'pg_catalog', 'blob'],
    timestampDigits: 3,
    largestInteger: 2n ** 63n - 2n,
    longestText: 32_766,
    longestName: 255,
    refusedInNames: /^_|[[\].]/g,
    tableOptions: ({ shards, replicas, columns }) =>
      sql`CLUSTERED INTO ${sql.raw(String(shards))} SHARDS
          WITH (number_of_replicas = ${sql.raw(`'${replicas}'`)}, "mapping.total_fields.limit" = ${sql.raw(String(1000 + columns))})`,
    settle: (table) => sql`REFRESH TABLE ${table}`,
  },
  anyKey: equalsEachKey,
  isOneOfMany: isAnyInteger,
  stored: (column) => sql`${sql.identifier(column.name)}`,
}

/** People's statements may read any table. Who may only read sees what is a second old. */
async function refreshAll(connection: Connection, schema: string): Promise<void> {
  const tables = `SELECT table_name FROM information_schema.tables WHERE table_schema = $1 AND table_type = 'BASE TABLE'`
  const { rows } = await connection.query(tables, [schema], 'array')
  const names = (rows as string[][]).flat()
  if (names.length > 0) await dialect.refresh(connection, names).catch(() => {})
}

/** The outermost values of BIGINT, which CrateDB keeps to itself: it would skip a row that holds one. */
const RESERVED = new Set<unknown>([2n ** 63n - 1n, -(2n ** 63n)])

/** @throws INVALID_PARAMETER_VALUE */
function checkIntegers(params: readonly unknown[]): void {
  for (const param of params) {
    if (Array.isArray(param)) checkIntegers(param)
    else if (typeof param === 'bigint' && RESERVED.has(param))
      throw invalidParameter(
        `CrateDB cannot store the integer ${param}; its range is one smaller on either side.`,
      )
  }
}

/**
 * There are no read-only transactions, and no functions that do things. A cursor takes nothing but SELECT and VALUES, by the
 * grammar; what begins with a parenthesis or with WITH goes into parentheses.
 */
const sqlDialect: SqlDialect = {
  // Keys of objects that views make are known to no schema.
  begin: () => ['SET SESSION error_on_unknown_object_key = false', 'BEGIN'],
  cursorFor: ({ text, words: [first = ''] }) =>
    ['SELECT', 'VALUES'].includes(first) ? text : `SELECT * FROM (\n${text}\n) AS answer`,
  hasVolatileFunctions: false,
}

/** INSERT … SELECT skips rows that it cannot write, and reports success, unless it is told to fail. */
const scriptDialect: ScriptDialect = {
  begin: (timeoutMs) => [
    'SET SESSION insert_select_fail_fast = true',
    'SET SESSION error_on_unknown_object_key = false',
    `SET SESSION statement_timeout = ${timeoutMs + LATENESS_MS}`,
  ],
  isTransaction: false,
}
const LATENESS_MS = 5_000

export async function openCratedb(target: ServerTarget, options: EngineOptions): Promise<Engine> {
  const pool = openPool(target, options, { sql: sqlDialect, script: scriptDialect })
  const connection: Connection = {
    ...pool,
    async query(text, params, ...how) {
      checkIntegers(params)
      return pool.query(text, params, ...how)
    },
    async readSql(...asked) {
      await refreshAll(pool, target.schema)
      return pool.readSql(...asked)
    },
  }
  return createEngine(connection, dialect, target.schema, options)
}
