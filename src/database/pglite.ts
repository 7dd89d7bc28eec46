// The embedded engine: PGlite in this process, one connection, a folder of its own.
import { mkdirSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import { type Connection, createEngine, type Dialect, type Engine, type EngineOptions } from './engine.ts'
import { translateDriverError } from './errors.ts'
import { lockFolder } from './folder-lock.ts'
import type { PgliteTarget } from './uri.ts'

const dialect: Dialect = {
  name: 'pglite',
  migrations: 'postgres',
  refresh: async () => {},
  stored: (column) => sql`${column}`,
}

/**
 * Opens (and creates) the store in a folder.
 * @throws INVALID_STATE when another process has the folder open: two writers would destroy it
 */
export async function openPglite(target: PgliteTarget, options: EngineOptions): Promise<Engine> {
  const release = target.folder ? lockFolder(target.folder) : () => {}
  if (target.folder) mkdirSync(target.folder, { recursive: true })
  const client = target.folder ? new PGlite(target.folder) : new PGlite()
  try {
    await client.waitReady
    await client.exec(`CREATE SCHEMA IF NOT EXISTS ${target.schema}; SET search_path TO ${target.schema}`)
  } catch (error) {
    release()
    throw error
  }
  const connection: Connection = {
    async query(text, params, rowMode) {
      try {
        const result = await client.query(text, params, { rowMode })
        return { rows: result.rows, rowCount: result.rows.length || (result.affectedRows ?? 0) }
      } catch (error) {
        throw translateDriverError(error)
      }
    },
    async close() {
      if (!client.closed) await client.close()
      release()
    },
  }
  return createEngine(connection, dialect, target.schema, options)
}
