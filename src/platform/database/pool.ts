// A pg connection pool over several hosts, for the engines that are servers (CrateDB, PostgreSQL).
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import pg from 'pg'
import { cancelled } from '../../errors.ts'
import { type ReadLimits, watchStatement } from './cancel.ts'
import {
  type Connection,
  DEFAULT_STATEMENT_TIMEOUT_MS,
  type EngineOptions,
  MAX_PREPARED_TEXT,
} from './engine.ts'
import { translateDriverError } from './errors.ts'
import { createPoolScript, type ScriptDialect } from './pool-script.ts'
import { createPoolSql, type SqlDialect } from './pool-sql.ts'
import type { RunScript } from './script.ts'
import type { ReadSql } from './sql-reader.ts'
import type { ServerTarget } from './uri.ts'
import { toText, typeParser } from './values.ts'

/** Milliseconds to wait for one host to answer before the next one is tried, and for the only one: it may be busy. */
const CONNECT_TIMEOUT_MS = 5_000
const ONLY_HOST_TIMEOUT_MS = 15_000
/** Milliseconds that a statement may wait for a free connection. */
const QUEUE_TIMEOUT_MS = 30_000
/** The database ends any statement that takes longer, writes too, even when the server is not there to do so. */
const LEAST_SESSION_TIMEOUT_MS = 60_000
/** Each who waits gives the one before him so long. */
const LATENESS_MS = 5_000
/** Distinct statement texts that are kept prepared per connection. */
const PREPARED_LIMIT = 256

/** What a pool is told of its kind of server. */
export interface PoolDialect {
  /** Further settings of every connection, as `-c name=value`. */
  settings?: string
  sql: SqlDialect
  script: ScriptDialect
}

/**
 * Connects to the target's hosts in turn: each new connection goes to the next host that answers. Every
 * connection has `search_path` set to the schema, so no statement names it.
 */
export function openPool(
  target: ServerTarget,
  options: EngineOptions,
  { settings = '', sql, script }: PoolDialect,
): Connection & { readSql: ReadSql; script: RunScript } {
  const { statementTimeoutMs: timeoutMs = DEFAULT_STATEMENT_TIMEOUT_MS } = options
  const sessionTimeoutMs = Math.max(timeoutMs + LATENESS_MS, LEAST_SESSION_TIMEOUT_MS)
  const pool = new pg.Pool({
    user: target.user,
    password: target.password ?? '',
    database: target.database,
    ssl: tlsOptions(target),
    max: options.maxConnections,
    connectionTimeoutMillis: QUEUE_TIMEOUT_MS,
    idleTimeoutMillis: 30_000,
    // A database that has not even ended the statement hangs: nobody waits for it any longer.
    query_timeout: sessionTimeoutMs + LATENESS_MS,
    keepAlive: true,
    application_name: 'crateflow',
    options: `-c search_path=${target.schema} -c statement_timeout=${sessionTimeoutMs} ${settings}`,
    types: { getTypeParser: typeParser as typeof pg.types.getTypeParser },
    Client: roundRobinClient(target.hosts),
  })
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => {})
  const nameOf = preparedNames()
  return {
    async query(text, params, rowMode, signal) {
      try {
        const values = params.map(toText)
        const client = await whileWanted(() => connect(pool, target.hosts.length), signal)
        const query = { name: nameOf(text), text, values, ...(rowMode === 'array' && { rowMode }) }
        const result = await run(client, query, signal && { signal, timeoutMs })
        return { rows: result.rows, rowCount: result.rowCount ?? 0 }
      } catch (error) {
        throw translateDriverError(error)
      }
    },
    readSql: createPoolSql(() => connect(pool, target.hosts.length), sql),
    script: createPoolScript(() => connect(pool, target.hosts.length), script),
    close: () => pool.end(),
  }
}

/** Each new connection goes to the next host in turn. */
function roundRobinClient(hosts: readonly { host: string; port: number }[]): typeof pg.Client {
  let turn = 0
  const connectionTimeoutMillis = hosts.length > 1 ? CONNECT_TIMEOUT_MS : ONLY_HOST_TIMEOUT_MS
  return class extends pg.Client {
    constructor(config: pg.ClientConfig = {}) {
      // The pool hides the password from enumeration, so a spread alone would lose it.
      const host = hosts[turn++ % hosts.length]
      super({ ...config, password: config.password, connectionTimeoutMillis, ...host })
      // The statement in flight fails with the error; unheard, the event would end the process as well.
      this.on('error', () => {})
    }
  } as typeof pg.Client
}

/** The client, unless nobody wants it when it is there: then it goes back. */
async function whileWanted(
  connecting: () => Promise<pg.PoolClient>,
  signal: AbortSignal | undefined,
): Promise<pg.PoolClient> {
  if (!signal) return connecting()
  if (signal.aborted) throw cancelled()
  const client = connecting()
  return new Promise((resolve, reject) => {
    const leave = () => {
      reject(cancelled())
      client.then(
        (late) => late.release(),
        () => {},
      )
    }
    signal.addEventListener('abort', leave)
    client.finally(() => signal.removeEventListener('abort', leave)).then(resolve, reject)
  })
}

/** A connected client; a host that refuses is passed over for the next one. */
async function connect(pool: pg.Pool, hosts: number): Promise<pg.PoolClient> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await pool.connect()
    } catch (error) {
      if (attempt >= hosts || isCrowded(error)) throw error
    }
  }
}

/** Whether all connections stayed busy: another host would not help. */
const isCrowded = (error: unknown) => error instanceof Error && error.message.startsWith('timeout exceeded')

/** A prepared statement outlived its table (dropped and made anew, or altered): nothing of it ran. */
const STALE_STATEMENT = new Set(['42P01', '0A000', '26000'])

/**
 * Runs one statement. A client whose connection broke, or that a late cancel request may hit, does not go back to
 * the pool.
 */
async function run(
  client: pg.PoolClient,
  query: pg.QueryConfig,
  limits: ReadLimits | undefined,
): Promise<pg.QueryResult> {
  const watched = limits && watchStatement(client, limits)
  const answer = (config: pg.QueryConfig) =>
    watched ? Promise.race([client.query(config), watched.givenUp]) : client.query(config)
  let broken = false
  let failure: unknown
  try {
    return await answer(query)
  } catch (error) {
    failure = error
    // Errors that the server told leave the connection usable; all others (sockets, timeouts) do not.
    const code = error instanceof pg.DatabaseError ? error.code : undefined
    broken = !(error instanceof pg.DatabaseError) || STALE_STATEMENT.has(code ?? '')
    if (code && STALE_STATEMENT.has(code)) return await answer({ ...query, name: undefined })
    throw watched?.reasonFor(error) ?? error
  } finally {
    client.release((await watched?.settle(failure)) || broken)
  }
}

/** Statements are prepared under a name; past the limit, and when they are very long, texts go unnamed. */
function preparedNames(): (text: string) => string | undefined {
  const names = new Map<string, string>()
  return (text) => {
    let name = names.get(text)
    if (!name && names.size < PREPARED_LIMIT && text.length <= MAX_PREPARED_TEXT) {
      name = createHash('sha1').update(text).digest('hex')
      names.set(text, name)
    }
    return name
  }
}

/** libpq's sslmode: require encrypts, verify-ca checks the issuer, verify-full the host name too. */
function tlsOptions({ tls, tlsRootCert }: ServerTarget): boolean | ConnectionOptions {
  if (tls === 'disable' || tls === 'prefer') return false
  const ca = tlsRootCert ? readFileSync(tlsRootCert, 'utf8') : undefined
  if (tls === 'require') return { rejectUnauthorized: false, ca }
  return {
    rejectUnauthorized: true,
    ca,
    ...(tls === 'verify-ca' && { checkServerIdentity: () => undefined }),
  }
}
