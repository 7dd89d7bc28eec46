// Ends a statement that runs on a PostgreSQL or CrateDB server: nothing ends by itself when a client leaves.
import pg from 'pg'
import { cancelled, type MlflowError } from '../../errors.ts'
import { QUERY_CANCELED, statementTimedOut } from './errors.ts'

/**
 * How long the database may take to end a statement before its connection is given up, in milliseconds. Until then the
 * statement counts as running, since it does.
 */
const GRACE_MS = 30_000
/**
 * A request that comes before its statement is lost. CrateDB loses those, too, that come while it works on subqueries; it
 * takes the next one when these are done (measured on 6.4).
 */
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 2_000
/** How long a request may take itself. */
const REQUEST_MS = 5_000

/** When a read ends although it has no answer yet. */
export interface ReadLimits {
  signal: AbortSignal
  timeoutMs: number
}

export interface WatchedStatement {
  /** Rejects when the database does not even end the statement. */
  givenUp: Promise<never>
  /** What to throw for what the driver threw: why the statement was ended, if that is what happened. */
  reasonFor(error: unknown): unknown
  /** Call when the statement has ended. @returns whether the connection may be hit by a late cancel request */
  settle(error: unknown): Promise<boolean>
}

/** Cancels what the client runs once the limits are reached. */
export function watchStatement(client: pg.PoolClient, { signal, timeoutMs }: ReadLimits): WatchedStatement {
  let reason: MlflowError | undefined
  let requested: Promise<void> | undefined
  let requests = 0
  let repeatTimer: NodeJS.Timeout | undefined
  let graceTimer: NodeJS.Timeout | undefined
  let giveUp: (reason: MlflowError) => void = () => {}
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = reject
  })
  // It may come when nobody waits any more.
  givenUp.catch(() => {})
  const end = (why: MlflowError) => {
    if (reason) return
    reason = why
    graceTimer = setTimeout(giveUp, GRACE_MS, why)
    request(FIRST_PAUSE_MS)
  }
  const request = (pauseMs: number) => {
    requests++
    requested = sendCancelRequest(client)
    repeatTimer = setTimeout(request, pauseMs, Math.min(2 * pauseMs, LONGEST_PAUSE_MS))
  }
  const onAbort = () => end(cancelled())
  const timer = setTimeout(() => end(statementTimedOut(timeoutMs)), timeoutMs)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  return {
    givenUp,
    reasonFor: (error) => (reason && (isEnded(error) || !isTold(error)) ? withCause(reason, error) : error),
    async settle(error) {
      clearTimeout(timer)
      clearTimeout(graceTimer)
      clearTimeout(repeatTimer)
      signal.removeEventListener('abort', onAbort)
      await requested
      // One request ends one statement.
      return requests > 1 || (requests === 1 && !isEnded(error))
    },
  }
}

const isTold = (error: unknown): error is pg.DatabaseError => error instanceof pg.DatabaseError

/** PostgreSQL has a code for it, CrateDB a text: "Job killed. Cancellation request by: crate". */
const isEnded = (error: unknown): boolean =>
  isTold(error) && (error.code === QUERY_CANCELED || /^Job killed/.test(error.message))

function withCause(error: MlflowError, cause: unknown): MlflowError {
  if (error !== cause) error.cause = cause
  return error
}

/** What pg knows of a connection beside what its types tell. */
interface Internals {
  processID: number
  secretKey: number
  host: string
  ssl: boolean | object
  connection: { stream: { remoteAddress?: string; remotePort?: number } }
}

interface CancelConnection extends pg.Connection {
  connect(port: number, host: string): void
  requestSsl(): void
  cancel(processID: number, secretKey: number): void
}

/**
 * Asks the very server of the client, behind whatever name it is, on a connection of its own as the protocol wants.
 * @returns when the server has taken the request, or cannot be reached
 */
function sendCancelRequest(client: pg.PoolClient): Promise<void> {
  const { processID, secretKey, host, ssl, connection: own } = client as unknown as Internals
  const { remoteAddress = host, remotePort = 0 } = own.stream
  const encryption = ssl && { servername: host, ...(typeof ssl === 'object' && ssl) }
  const connection = new pg.Connection({ ssl: encryption }) as CancelConnection
  return new Promise((resolve) => {
    const timer = setTimeout(() => connection.stream.destroy(), REQUEST_MS)
    const done = () => {
      clearTimeout(timer)
      connection.stream.destroy()
      resolve()
    }
    connection.on('error', done)
    connection.on('end', done)
    connection.on('connect', () => (ssl ? connection.requestSsl() : connection.cancel(processID, secretKey)))
    connection.on('sslconnect', () => connection.cancel(processID, secretKey))
    connection.connect(remotePort, remoteAddress)
  })
}
