// Translates driver errors once, for every engine.
import { MlflowError, unavailable } from '../errors.ts'

/** A primary key was taken already (SQLSTATE 23505). */
export class DuplicateKeyError extends Error {}

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
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|not queryable|Cannot use a pool after calling end/i
// CrateDB answers these through XX000 while nodes leave, join or run out of disk.
const CRATEDB_AWAY_TEXTS =
  /shards? (?:failed|not available|is not available)|primary shard is not active|NoShardAvailable|UnavailableShards|no master|ClusterBlockException|blocked by|doesn't support or allow|node closed|NodeDisconnected|NodeNotConnected|NoSuchNode|CircuitBreaking|CONTEXT_MISSING|Job(?:Killed|Context)|rejected execution/i

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
  const isAway =
    CONNECTION_CODES.has(sqlstate) ||
    /^(?:08|53|57P)/.test(sqlstate) ||
    CONNECTION_TEXTS.test(error.message) ||
    (sqlstate === 'XX000' && CRATEDB_AWAY_TEXTS.test(error.message)) ||
    (error instanceof AggregateError && error.errors.some((inner) => CONNECTION_CODES.has(inner?.code)))
  return isAway ? unavailable(AWAY, error) : error
}
