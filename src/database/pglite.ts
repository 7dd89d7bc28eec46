// The embedded engine: PGlite in a thread of this process, one connection, a folder of its own.
import { sql } from 'drizzle-orm'
import { unavailable } from '../errors.ts'
import { equalsAny } from './columns.ts'
import { type Connection, createEngine, type Dialect, type Engine, type EngineOptions } from './engine.ts'
import { translateDriverError } from './errors.ts'
import { lockFolder } from './folder-lock.ts'
import { makeDatabase } from './pglite-folder.ts'
import { type PgliteThread, startPgliteThread } from './pglite-thread.ts'
import { createWire, type Wire } from './pglite-wire.ts'
import type { PgliteTarget } from './uri.ts'

interface Store {
  thread: PgliteThread
  wire: Wire
}

const dialect: Dialect = {
  name: 'pglite',
  migrations: 'postgres',
  insertsFaster: true,
  looksUp: true,
  sortsTextAlike: true,
  exclusive: true,
  refresh: async () => {},
  anyKey: equalsAny,
  stored: (column) => sql`${column}`,
}

/**
 * Opens (and creates) the store in a folder.
 * @throws INVALID_STATE when another process has the folder open: two writers would destroy it
 */
export async function openPglite(target: PgliteTarget, options: EngineOptions): Promise<Engine> {
  const release = target.folder ? lockFolder(target.folder) : () => {}
  try {
    return await open(target, options, release)
  } catch (error) {
    release()
    throw error
  }
}

async function open(target: PgliteTarget, options: EngineOptions, release: () => void): Promise<Engine> {
  if (target.folder) await makeDatabase(target.folder)
  const setup = `CREATE SCHEMA IF NOT EXISTS ${target.schema}; SET search_path TO ${target.schema}`
  let current: Promise<Store> | undefined
  let closed: Promise<void> | undefined

  async function start(): Promise<Store> {
    const onDeath = () => {
      current = undefined
    }
    const thread = await startPgliteThread({ folder: target.folder, setup, onDeath })
    return { thread, wire: createWire(thread.exchange) }
  }

  /** The store; a new one when the last one died. */
  function store(): Promise<Store> {
    if (closed) throw unavailable('The embedded database is closed.')
    current ??= start().catch((error: unknown) => {
      current = undefined
      throw unavailable('The embedded database cannot be opened. Please retry.', error)
    })
    return current
  }

  async function close(): Promise<void> {
    try {
      await (await current?.catch(() => undefined))?.thread.close()
    } finally {
      release()
    }
  }

  const run: Wire = async (statements, rowMode) => {
    try {
      return await (await store()).wire(statements, rowMode)
    } catch (error) {
      throw translateDriverError(error)
    }
  }
  current = start()
  await current
  const connection: Connection = {
    query: async (text, params, rowMode) => {
      const [result] = await run([{ text, params }], rowMode)
      return result ?? { rows: [], rowCount: 0 }
    },
    queryAll: (statements) => run(statements, 'object'),
    close() {
      closed ??= close()
      return closed
    },
  }
  return createEngine(connection, dialect, target.schema, options)
}
