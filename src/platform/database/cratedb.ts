// Everything that is true of CrateDB only. Measured on CrateDB 6.4.
import { sql } from 'drizzle-orm'
import { invalidParameter } from '../../errors.ts'
import { equalsEachKey, isAnyInteger } from './columns.ts'
import { examineCratedb } from './cratedb-health.ts'
import { type Connection, createEngine, type Dialect, type Engine, type EngineOptions } from './engine.ts'
import { openPool } from './pool.ts'
import type { ServerTarget } from './uri.ts'

const dialect: Dialect = {
  name: 'cratedb',
  migrations: 'cratedb',
  likeBacktracks: true,
  indexesTexts: true,
  maxIndexedBytes: 32_766,
  /** One statement refreshes all tables: 2 ms when nothing changed, some 30 ms after writes. */
  async refresh(connection: Connection, tables) {
    const list = [...tables].sort().map((table) => `"${table}"`)
    await connection.query(`REFRESH TABLE ${list.join(', ')}`, [], 'array')
  },
  examine: examineCratedb,
  anyKey: equalsEachKey,
  isOneOfMany: isAnyInteger,
  stored: (column) => sql`${sql.identifier(column.name)}`,
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

export async function openCratedb(target: ServerTarget, options: EngineOptions): Promise<Engine> {
  const pool = openPool(target, options)
  const connection: Connection = {
    ...pool,
    async query(text, params, ...how) {
      checkIntegers(params)
      return pool.query(text, params, ...how)
    },
  }
  return createEngine(connection, dialect, target.schema, options)
}
