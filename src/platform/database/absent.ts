// The engine of a server that has no database, since it serves artifacts alone.
import { sql } from 'drizzle-orm'
import { unavailable } from '../../errors.ts'
import { equalsAny, isAnyInteger } from './columns.ts'
import { createEngine, type Dialect, type Engine } from './engine.ts'

/** @returns an engine whose every statement fails with TEMPORARILY_UNAVAILABLE */
export function absentEngine(): Engine {
  const dialect: Dialect = {
    name: 'pglite',
    migrations: 'postgres',
    refresh: async () => {},
    anyKey: equalsAny,
    isOneOfMany: isAnyInteger,
    stored: (column) => sql`${column}`,
  }
  const connection = {
    query: () => Promise.reject(unavailable('This server has no database.')),
    close: async () => {},
  }
  return createEngine(connection, dialect, 'none', {})
}
