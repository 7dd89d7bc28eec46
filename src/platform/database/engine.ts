// What every engine offers to the stores. Nothing outside this folder knows which engine it talks to.
import { type Column, fillPlaceholders, getTableName, is, SQL, type Table } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import { drizzle, type PgRemoteDatabase } from 'drizzle-orm/pg-proxy'
import { cancelled, unavailable } from '../../errors.ts'
import { type ActiveRequest, activeRequest, runForAll } from '../active-request.ts'
import { inSpan } from '../active-span.ts'
import { limitConcurrency, SEARCH_WAIT_MS } from '../concurrency.ts'
import { measures } from '../measures.ts'
import type { Int64 } from '../wire/int64.ts'
import type { Aging } from './aging.ts'
import { counted } from './counted.ts'
import { createLateStatements } from './late-statements.ts'
import type { Materializing } from './materializing.ts'
import type { OwnTables } from './own-columns.ts'
import { createRowCache, noRowCache, type RowCache } from './row-cache.ts'
import type { RunScript } from './script.ts'
import type { SqlPort, SqlPortOptions } from './sql-port.ts'
import type { ReadSql } from './sql-reader.ts'
import type { EngineStatus } from './status.ts'
import type { TextIndexing } from './text-indexing.ts'
import type { Thinning } from './thinning.ts'
import { createStatementSpans } from './traced.ts'

/** Rows as arrays in column order, or as objects by column name. */
export interface Result {
  rows: unknown[]
  rowCount: number
}

export interface Statement {
  text: string
  params: unknown[]
}

/**
 * Longer texts, in characters, are not kept prepared: whoever sends filters could fill the memory with them (400 kB
 * each at 10,000 characters, measured on PGlite 0.5). Batches and usual searches stay below.
 */
export const MAX_PREPARED_TEXT = 4 * 1024

/** What a read may take unless a setting says otherwise, in milliseconds. */
export const DEFAULT_STATEMENT_TIMEOUT_MS = 60_000
/** Connections that are kept for all else, however many searches there are. */
const NOT_FOR_SEARCHES = 2
/** Searches of the embedded engine: what it does for one, all others wait for, and so do writes. */
const EXCLUSIVE_SEARCHES = 4

/** Every statement commits by itself. Errors come out as MlflowError or DuplicateKeyError. */
export interface Connection {
  /**
   * With a signal, the statement is a read that a request waits for. It is ended in the database, not just left
   * alone, when the signal aborts, and when it takes longer than `statementTimeoutMs`.
   * @throws CANCELLED, DEADLINE_EXCEEDED
   */
  query(text: string, params: unknown[], rowMode: 'array' | 'object', signal?: AbortSignal): Promise<Result>
  /** Runs independent statements in the way that is fastest; rows by column name. Absent: each by itself, at once. Nothing ends them. */
  queryAll?(statements: readonly Statement[]): Promise<Result[]>
  /** Absent where there is no database. */
  readSql?: ReadSql
  /** Absent where there is no database. */
  script?: RunScript
  /** Of a database without a port of its own. @throws Error when the port is taken */
  listenForSql?(options: SqlPortOptions): Promise<SqlPort>
  close(): Promise<void>
}

export interface EngineOptions {
  /** Connections to a database server at most; the embedded engine has one. */
  maxConnections: number
  /** Whether the embedded engine syncs commits to the disk before it answers them; true unless told otherwise. */
  embeddedSync?: boolean
  /** What a read that a request waits for may take. Absent: a minute. */
  statementTimeoutMs?: number
  /** Stands between the engine and its connection, for instance to measure statements. */
  intercept?: (connection: Connection) => Connection
}

/** Something that is well, or not. */
export interface DatabaseFinding {
  verdict: 'ok' | 'warning' | 'failure'
  /** In a word or two, such as `Replicas`. */
  subject: string
  text: string
  /** What to do about it. */
  advice?: string
}

/** SQL that has to be spelled differently per engine. */
export interface Dialect {
  readonly name: 'pglite' | 'postgresql' | 'cratedb'
  /** Folder below migrations/. */
  readonly migrations: 'postgres' | 'cratedb'
  /** LIKE with several `%` tries all combinations of places, for hours if need be; nothing can stop it. */
  readonly likeBacktracks?: boolean
  /** A plain INSERT takes two thirds of the time of an upsert whose rows are all new. */
  readonly insertsFaster?: boolean
  /** No other process has the database open, and statements run one after the other, in the order of their sending. */
  readonly exclusive?: boolean
  /**
   * Finds what belongs to a row by an index, row by row; see children.ts. Where this is absent, it is read as a whole
   * and joined by hash.
   */
  readonly looksUp?: boolean
  /** How texts have an index by which parts of them are found; see text-indexing.ts. Absent where there is no database. */
  readonly textIndexing?: TextIndexing<Engine>
  /** Sorts text in one way: CrateDB sorts by UTF-8 in a table, by UTF-16 behind a join. */
  readonly sortsTextAlike?: boolean
  /** Bytes of a text in a column with an index at most; any where it is absent. */
  readonly maxIndexedBytes?: number
  /** Makes acknowledged writes of the tables visible to reads that are not by full primary key. */
  refresh(connection: Connection, tables: readonly string[]): Promise<void>
  /**
   * Rows of one part of a primary key among `keys`, the other parts being given: a read that sees every acknowledged
   * write. Use up to about 100 keys.
   */
  anyKey(column: Column, keys: readonly string[]): SQL
  /** Whether the column has one of many integers, which no index helps to find. */
  isOneOfMany(column: Column, integers: readonly Int64[]): SQL
  /** What this kind of database tells about its own health, beside what all do; see diagnosis.ts. */
  examine?(engine: Engine, version: string): Promise<DatabaseFinding[]>
  /** What it does at the moment and what it holds; see status.ts. Absent where there is no database. */
  status?(engine: Engine, mostStatements: number): Promise<EngineStatus>
  /** How tables of people's own are made in it; see own-tables.ts. Absent where it holds none but the server's. */
  readonly ownTables?: OwnTables
  /** How answers to statements are kept in tables; see materializing.ts. Absent where there is no database. */
  readonly materializing?: Materializing<Engine>
  /** How it thins tables of people's own; see thinning.ts. Absent where there is no database. */
  readonly thinning?: Thinning<Engine>
  /** What it has for old rows of tables; see aging.ts. Absent where there is no database. */
  readonly aging?: Aging<Engine>
  /** The stored row's column inside ON CONFLICT … SET, where PostgreSQL wants a table prefix and CrateDB none. */
  stored(column: Column): SQL
}

export interface Engine {
  readonly schema: string
  readonly dialect: Dialect
  /** How many requests should search at a time. */
  readonly searchesAtOnce: number
  /** How many statements of people's own should be under way: each may keep a connection until its answer is read. */
  readonly sqlAtOnce: number
  /** Drizzle over this engine. There are no transactions: each statement commits by itself. */
  readonly db: PgRemoteDatabase
  /** Runs a raw statement; rows by column name. */
  execute<Row = Record<string, unknown>>(statement: SQL): Promise<{ rows: Row[]; rowCount: number }>
  /** Runs a raw statement; rows as arrays in column order, values as the driver gives them. For large results. */
  rows(statement: SQL | Statement): Promise<unknown[][]>
  /** The text of a statement and its bound values, for statements that run often. */
  compile(statement: SQL): Statement
  /** The same for values that come later, by the names of their placeholders. */
  prepare(statement: SQL): (values: Record<string, unknown>) => Statement
  /** Runs independent statements at once; any of them may have been applied when one fails. Rows by column name. */
  executeAll(statements: readonly Statement[]): Promise<Result[]>
  /**
   * Passes the refresh gate: afterwards reads of these tables see every write acknowledged before the call,
   * whichever server acknowledged it.
   */
  refresh(...tables: Table[]): Promise<void>
  /**
   * Lets a store write rows of the tables later: `write`, which writes them all, is called before every refresh of one
   * of them and before the engine closes. Answers false where that cannot be, since others read the database, too.
   */
  deferWrites(tables: readonly Table[], write: () => Promise<void>): boolean
  /** The remembered rows of a table, by primary key; none are where others write the database, too. */
  rowCache<T extends Table>(table: T): RowCache<T['$inferSelect']>
  /** Runs a statement of somebody's own that reads; it sees every write that was acknowledged before. */
  readSql: ReadSql
  /** Runs statements that belong together, which may take longer than others. */
  script: RunScript
  /** Opens a port for SQL that reads; undefined where the database has one of its own. @throws Error when the port is taken */
  listenForSql(options: Omit<SqlPortOptions, 'settle'>): Promise<SqlPort> | undefined
  /** @throws TEMPORARILY_UNAVAILABLE while the database is away, CANCELLED when the signal aborts before it answers */
  ping(signal?: AbortSignal): Promise<void>
  close(): Promise<void>
}

export function createEngine(
  driver: Connection,
  dialect: Dialect,
  schema: string,
  options: Partial<EngineOptions>,
): Engine {
  const connection = observeStatements(options.intercept?.(driver) ?? driver, dialect)
  const searchesAtOnce = dialect.exclusive
    ? EXCLUSIVE_SEARCHES
    : Math.max(1, (options.maxConnections ?? 1) - NOT_FOR_SEARCHES)
  const query = createQuery(connection, dialect, searchesAtOnce)
  const compiler = new PgDialect()
  const gate = createRefreshGate((tables) => dialect.refresh(connection, tables))
  const deferred = new Map<string, Set<() => Promise<void>>>()
  const rowCaches = new Map<string, RowCache<unknown>>()
  const writeDeferred = (names: Iterable<string>) => {
    const writes = new Set([...names].flatMap((name) => [...(deferred.get(name) ?? [])]))
    return Promise.all([...writes].map((write) => write()))
  }
  const settle = async () => {
    await runForAll(() => writeDeferred(deferred.keys()))
  }
  const db = drizzle(async (text, params, method) => {
    const result = await query({ text, params }, method === 'all' ? 'array' : 'object')
    return { rows: result.rows }
  })
  passErrors(db)
  const compile = (statement: SQL): Statement => {
    const { sql: text, params } = compiler.sqlToQuery(statement)
    return { text, params }
  }
  return {
    schema,
    dialect,
    searchesAtOnce,
    sqlAtOnce: Math.max(1, Math.floor(searchesAtOnce / 2)),
    db,
    async execute<Row>(statement: SQL) {
      const result = await query(compile(statement), 'object')
      return { rows: result.rows as Row[], rowCount: result.rowCount }
    },
    compile,
    prepare(statement) {
      const { text, params } = compile(statement)
      return (values) => ({ text, params: fillPlaceholders(params, values) })
    },
    executeAll: (statements) =>
      connection.queryAll?.(statements) ??
      Promise.all(statements.map((statement) => query(statement, 'object'))),
    async rows(statement) {
      const compiled = is(statement, SQL) ? compile(statement) : statement
      return (await query(compiled, 'array')).rows as unknown[][]
    },
    async refresh(...tables) {
      const names = tables.map(getTableName)
      if (deferred.size > 0) await runForAll(() => writeDeferred(names))
      const began = performance.now()
      await runForAll(() => gate(names))
      measures.gateWaits.add(1)
      measures.gateSeconds.add((performance.now() - began) / 1000)
    },
    deferWrites(tables, write) {
      if (!dialect.exclusive) return false
      for (const name of tables.map(getTableName)) {
        deferred.set(name, (deferred.get(name) ?? new Set()).add(write))
      }
      return true
    },
    rowCache(table) {
      if (!dialect.exclusive) return noRowCache
      const name = getTableName(table)
      const cache = rowCaches.get(name) ?? createRowCache()
      rowCaches.set(name, cache)
      return cache as RowCache<never>
    },
    listenForSql: (asked) => connection.listenForSql?.({ ...asked, settle }),
    async readSql(sql, limits) {
      await settle()
      if (!connection.readSql) throw unavailable('This server has no database.')
      return connection.readSql(sql, limits)
    },
    async script(texts, limits) {
      if (!connection.script) throw unavailable('This server has no database.')
      return connection.script(texts, limits)
    },
    ping: async (signal) => {
      await connection.query('SELECT 1', [], 'array', signal)
    },
    async close() {
      // What cannot be written now is found out at the next start.
      await writeDeferred(deferred.keys()).catch(() => {})
      await connection.close()
    },
  }
}

/** The connection, whose statements count in /metrics and are told in traces. */
function observeStatements(connection: Connection, dialect: Dialect): Connection {
  const { queryAll, readSql, script } = connection
  const spans = createStatementSpans(dialect.name)
  const rows = ({ rowCount }: Result) => ({ 'db.response.returned_rows': rowCount })
  return {
    ...connection,
    query: (...asked) => inSpan(spans.one(asked[0]), counted(1, connection.query(...asked)), rows),
    ...(queryAll && {
      queryAll: (all) => inSpan(spans.together(all), counted(all.length, queryAll.call(connection, all))),
    }),
    ...(readSql && {
      readSql: (text, limits) => inSpan(spans.own(text), readSql.call(connection, text, limits)),
    }),
    ...(script && {
      script: (texts, limits) =>
        inSpan(spans.own(''), counted(texts.length, script.call(connection, texts, limits))),
    }),
  }
}

/** Runs statements; those that a request does nothing but wait for, with its signal and in their turn. */
function createQuery(connection: Connection, dialect: Dialect, searchesAtOnce: number) {
  const late = createLateStatements()
  // A search may have several statements under way. Elsewhere all statements wait for each other anyway.
  const inTurn = dialect.exclusive ? undefined : limitConcurrency(searchesAtOnce)

  async function read(
    statement: Statement,
    rowMode: 'array' | 'object',
    request: ActiveRequest,
  ): Promise<Result> {
    const { abandoned: signal, searches } = request
    if (signal.aborted) throw cancelled()
    late.check(statement)
    const run = () => connection.query(statement.text, statement.params, rowMode, signal)
    try {
      return await (searches && inTurn ? inTurn(run, { signal, ms: SEARCH_WAIT_MS }) : run())
    } catch (error) {
      late.note(statement, error)
      throw error
    }
  }

  return (statement: Statement, rowMode: 'array' | 'object'): Promise<Result> => {
    const request = activeRequest()
    return request && IS_READ.test(statement.text)
      ? read(statement, rowMode, request)
      : connection.query(statement.text, statement.params, rowMode)
  }
}

const IS_READ = /^\s*(?:select|with)\b/i

/**
 * Drizzle wraps every error into one whose text repeats the statement with its values; ours shall reach the
 * caller as they are, and values no log. Its result cache, which sits in the same method, is not used.
 */
function passErrors(db: PgRemoteDatabase): void {
  type Prepared = {
    queryWithCache: (text: string, params: unknown[], run: () => Promise<unknown>) => unknown
  }
  const { session } = db._ as unknown as { session: { prepareQuery: (...args: unknown[]) => Prepared } }
  const prepare = session.prepareQuery.bind(session)
  session.prepareQuery = (...args) => {
    const prepared = prepare(...args)
    prepared.queryWithCache = (_text, _params, run) => run()
    return prepared
  }
}

/**
 * Shares refreshes between readers: whoever arrives while one is in flight waits for the next, which covers the
 * tables of all who wait (as group commit does for writes). One refresh at a time.
 */
export function createRefreshGate(refresh: (tables: string[]) => Promise<void>) {
  let inFlight: Promise<void> | undefined
  let next: { tables: Set<string>; done: Promise<void> } | undefined
  return (tables: readonly string[]): Promise<void> => {
    if (next) {
      for (const table of tables) next.tables.add(table)
      return next.done
    }
    const pending = new Set(tables)
    const previous = inFlight ?? Promise.resolve()
    const done = previous.then(() => {
      next = undefined
      const run = refresh([...pending]).finally(() => {
        if (inFlight === settled) inFlight = undefined
      })
      const settled = run.catch(() => {})
      inFlight = settled
      return run
    })
    next = { tables: pending, done }
    return done
  }
}
