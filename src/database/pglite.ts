// The embedded engine: PGlite in this process, one connection, a folder of its own.
import { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import { equalsAny } from './columns.ts'
import { type Connection, createEngine, type Dialect, type Engine, type EngineOptions } from './engine.ts'
import { translateDriverError } from './errors.ts'
import { lockFolder } from './folder-lock.ts'
import { makeDatabase } from './pglite-folder.ts'
import { createWire } from './pglite-wire.ts'
import type { PgliteTarget } from './uri.ts'

const dialect: Dialect = {
  name: 'pglite',
  migrations: 'postgres',
  insertsFaster: true,
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
  const client = target.folder ? new PGlite(target.folder) : new PGlite()
  await client.waitReady
  await client.exec(`CREATE SCHEMA IF NOT EXISTS ${target.schema}; SET search_path TO ${target.schema}`)
  const run = createWire(client)
  const inTurn = createTurns()
  const connection: Connection = {
    query: async (text, params, rowMode) => {
      const [result] = await inTurn(() => run([{ text, params }], rowMode))
      return result ?? { rows: [], rowCount: 0 }
    },
    queryAll: (statements) => inTurn(() => run(statements, 'object')),
    async close() {
      await inTurn(() => {})
      if (!client.closed) await client.close()
      release()
    },
  }
  return createEngine(connection, dialect, target.schema, options)
}

/** Milliseconds for which statements may hold the event loop before sockets and timers get their turn. */
const SLICE_MS = 10

/**
 * Runs blocking work in the order of its arrival, after the sockets that are readable now were read: what arrives
 * together is thus gathered by group commit, and nothing starves.
 */
function createTurns() {
  let queue: (() => void)[] = []
  let scheduled = false

  function drain(): void {
    const end = performance.now() + SLICE_MS
    const turn = queue
    queue = []
    for (const [index, work] of turn.entries()) {
      work()
      if (performance.now() < end) continue
      queue = [...turn.slice(index + 1), ...queue]
      break
    }
    scheduled = queue.length > 0
    if (scheduled) setImmediate(drain)
  }

  return <T>(work: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      queue.push(() => {
        try {
          resolve(work())
        } catch (error) {
          reject(translateDriverError(error))
        }
      })
      if (scheduled) return
      scheduled = true
      setImmediate(drain)
    })
}
