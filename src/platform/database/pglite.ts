// The embedded engine: PGlite in a thread of this process, one connection, a folder of its own.
import { sql } from 'drizzle-orm'
import { cancelled, unavailable } from '../../errors.ts'
import { equalsAny, isHashedInteger } from './columns.ts'
import {
  type Connection,
  createEngine,
  DEFAULT_STATEMENT_TIMEOUT_MS,
  type Dialect,
  type Engine,
  type EngineOptions,
  type Statement,
} from './engine.ts'
import { QUERY_CANCELED, statementTimedOut, translateDriverError } from './errors.ts'
import { lockFolder } from './folder-lock.ts'
import { makeFolder, refuseForeignFolder, TEMPLATE } from './pglite-folder.mjs'
import { type Run, startMaintenance } from './pglite-maintenance.ts'
import { createPgliteReader, READER } from './pglite-reader.ts'
import { createPgliteScript } from './pglite-script.ts'
import { createPgliteSql } from './pglite-sql.ts'
import { type PgliteThread, startPgliteThread } from './pglite-thread.ts'
import { createWire, type RowMode, type Wire } from './pglite-wire.ts'
import { postgresAging } from './postgres-aging.ts'
import { createPostgresMaterializing } from './postgres-materializing.ts'
import { postgresStatus } from './postgres-status.ts'
import { createPostgresTextIndexing } from './postgres-text-index.ts'
import { postgresThinning } from './postgres-thinning.ts'
import { DEFAULT_SCHEMA, type PgliteTarget } from './uri.ts'

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
  isOneOfMany: isHashedInteger,
  status: postgresStatus,
  aging: postgresAging,
  materializing: createPostgresMaterializing(READER),
  thinning: postgresThinning,
  textIndexing: createPostgresTextIndexing(false),
  stored: (column) => sql`${column}`,
}

/** Milliseconds that a running statement may take to end when the engine closes. */
const CLOSE_MS = 10_000

/**
 * Opens (and creates) the store in a folder, of which it takes possession; the database starts meanwhile, and why it could not is
 * what every statement throws then.
 * @throws INVALID_STATE when another process has the folder open: two writers would destroy it
 */
export async function openPglite(target: PgliteTarget, options: EngineOptions): Promise<Engine> {
  const release = target.folder ? await takeFolder(target.folder) : () => {}
  return open(target, options, release)
}

async function takeFolder(folder: string): Promise<() => void> {
  await makeFolder(folder)
  refuseForeignFolder(folder)
  return lockFolder(folder)
}

function open(target: PgliteTarget, options: EngineOptions, release: () => void): Engine {
  const { folder, schema } = target
  const isSynced = options.embeddedSync !== false
  const limitMs = options.statementTimeoutMs ?? DEFAULT_STATEMENT_TIMEOUT_MS
  // The template has the tables of the usual schema.
  const template = schema === DEFAULT_SCHEMA ? TEMPLATE : undefined
  let current: Promise<Store> | undefined
  let closed: Promise<void> | undefined
  let served = 0
  let inFlight = 0

  async function start(): Promise<Store> {
    const thread = await startPgliteThread({
      folder,
      template,
      isSynced,
      setup: `CREATE SCHEMA IF NOT EXISTS ${schema}; SET search_path TO ${schema}`,
      onDeath: () => {
        current = undefined
      },
    })
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

  async function run(statements: readonly Statement[], rowMode: RowMode, signal?: AbortSignal) {
    served++
    inFlight++
    try {
      const { wire } = await store()
      return await wire(statements, rowMode, signal && { signal, limitMs }).catch((error) => {
        if (!signal || (error as { code?: unknown }).code !== QUERY_CANCELED)
          throw translateDriverError(error)
        throw signal.aborted ? cancelled() : statementTimedOut(limitMs, error)
      })
    } finally {
      inFlight--
    }
  }

  current = start()
  const maintenance = startMaintenance({
    started: current,
    async run(text, signal) {
      // Nobody but those who need it opens a database that died.
      if (!current) throw unavailable('The embedded database ended.')
      return statementsOn(await current)(text, signal)
    },
    served: () => served,
    waiting: () => inFlight,
  })

  async function close(): Promise<void> {
    try {
      await maintenance.stop()
      await (await current?.catch(() => undefined))?.thread.close(CLOSE_MS)
    } finally {
      release()
    }
  }

  const reader = createPgliteReader(async () => (await store()).thread, schema)
  const connection: Connection = {
    readSql: createPgliteSql(reader),
    script: createPgliteScript(async () => (await store()).thread),
    // Loaded when wanted.
    listenForSql: async (asked) => (await import('./sql-port.ts')).listenForSql(reader, asked),
    query: async (text, params, rowMode, signal) => {
      const [result] = await run([{ text, params }], rowMode, signal)
      return result ?? { rows: [], rowCount: 0 }
    },
    queryAll: (statements) => run(statements, 'object'),
    close() {
      closed ??= close()
      return closed
    },
  }
  return createEngine(connection, dialect, schema, options)
}

/** Single statements of the engine's own, that nobody's limits hold for. */
const statementsOn =
  ({ wire }: Store): Run =>
  async (text, signal) => {
    const [result] = await wire([{ text, params: [] }], 'object', { signal })
    return (result?.rows ?? []) as Record<string, unknown>[]
  }
