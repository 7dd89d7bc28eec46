// Translates driver errors once, for every engine.
import { MlflowError, unavailable } from '../../errors.ts'

/** A primary key was taken already (SQLSTATE 23505). */
export class DuplicateKeyError extends Error {}

/** PostgreSQL's code for a statement that was asked to end. */
export const QUERY_CANCELED = '57014'

/** A read was ended, since it took longer than a statement may. */
export const statementTimedOut = (timeoutMs: number, cause?: unknown) =>
  new MlflowError(
    'DEADLINE_EXCEEDED',
    `The database did not answer within ${timeoutMs / 1000} s, which is what a statement may take (--statement-timeout). Ask for less: a narrower filter, fewer experiments, a simpler order.`,
    { cause },
  )

const AWAY = 'The database is not available right now. Please retry.'
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
])
const CONNECTION_TEXTS =
  /Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|not queryable|Cannot use a pool after calling end/i
// CrateDB answers these through XX000 while nodes leave, join, hang or run out of memory or disk. The texts stand
// in its exceptions (6.4); the names of some come where an exception has no text of its own.
const CRATEDB_AWAY_TEXTS = new RegExp(
  [
    /\bshards? (?:failed|not started|(?:\d+ |of table \S+ )*(?:is )?not available)|no such (?:shard|index)/,
    /primary shard is not active|operations only allowed when|NoShardAvailable|UnavailableShards/,
    /no master|MasterNotDiscovered|NotMaster|failed to process cluster event|FailedToCommit/,
    /blocked by|ClusterBlockException|doesn't support or allow/,
    /node closed|No ?Such ?Node|Node ?Not ?Connected|NodeDisconnected|\bdisconnected\b|connection already closed/,
    /connect_(?:exception|timeout)|connection failure|handshake failed|timed out|ReceiveTimeout/,
    /(?:IndexReader|IndexSearcher|engine|translog|transport) (?:is|was) (?:already )?closed|AlreadyClosed/,
    /Job ?killed|JobContext|CONTEXT_MISSING|rejected execution|EsRejected/,
    /CircuitBreaking|breaker would use|Data too large/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'i',
)

// Until a starting CrateDB cluster has read its state, it knows no table. The server made them all when it started.
const CRATEDB_NO_STATE_TEXTS = /^(?:Relation|Schema) '.*' unknown/

/**
 * The error to throw for what a driver threw: DuplicateKeyError, TEMPORARILY_UNAVAILABLE while the database is
 * away or overloaded, INVALID_PARAMETER_VALUE for text that no engine can store, else the error itself.
 */
export function translateDriverError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof MlflowError) return error
  const code = (error as { code?: unknown }).code
  const sqlstate = typeof code === 'string' ? code : ''
  if (sqlstate === '23505') return new DuplicateKeyError(error.message, { cause: error })
  if (sqlstate === '22021' || sqlstate === '22P05') {
    return new MlflowError('INVALID_PARAMETER_VALUE', 'Text must not contain NUL characters.', {
      cause: error,
    })
  }
  if (sqlstate === '2201B' || /TooComplexToDeterminize|Determinizing automaton/.test(error.message)) {
    return new MlflowError('INVALID_PARAMETER_VALUE', 'A pattern of the search is too complex.', {
      cause: error,
    })
  }
  const isAway =
    CONNECTION_CODES.has(sqlstate) ||
    /^(?:08|53|57)/.test(sqlstate) ||
    CONNECTION_TEXTS.test(error.message) ||
    (sqlstate === 'XX000' && CRATEDB_AWAY_TEXTS.test(error.message)) ||
    CRATEDB_NO_STATE_TEXTS.test(error.message) ||
    (error instanceof AggregateError && error.errors.some((inner) => CONNECTION_CODES.has(inner?.code)))
  return isAway ? unavailable(AWAY, error) : error
}
