// Why a database server is not the one that was meant, or lets a user do nothing, in words that say what to do about it.
import { sql } from 'drizzle-orm'
import type { Engine } from './engine.ts'
import type { BackendTarget, ServerTarget } from './uri.ts'

// SQLSTATEs
const INSUFFICIENT_PRIVILEGE = '42501'
const INVALID_DATABASE = '3D000'
const REFUSED_USER = new Set(['28P01', '28000'])
/** What the driver says of a server that speaks no TLS. */
const NO_TLS = /^The server does not support SSL connections/
/** What the driver says of a port at which something else is spoken, and of servers that are about to end. */
const CUT_OFF = /^Connection terminated unexpectedly/
/** What the driver says when the server asks for a password and there is none. */
const NO_PASSWORD = /client password must be a string/

const ENCODING = ' In the URI, the characters @ / : ? # % of a password are written %40 %2F %3A %3F %23 %25.'

/**
 * What is said of a user who is refused, of a database that is not there, and of a schema that its user may not use,
 * with the statement that mends it; undefined for any other error. Holds no password.
 */
export function describeRefusal(error: unknown, target: BackendTarget): string | undefined {
  if (target.engine === 'pglite' || !(error instanceof Error)) return undefined
  const { code = '', message } = (error.cause instanceof Error ? error.cause : error) as NodeJS.ErrnoException
  const { database, user, password } = target
  const isAboutPassword = REFUSED_USER.has(code) && /password/i.test(message)
  if (NO_PASSWORD.test(message) || (isAboutPassword && !password))
    return `The database wants a password of the user ${user}, and the backend store URI has none (${message}): add it behind the name, as ${user}:password, in MLFLOW_BACKEND_STORE_URI rather than among the options, which every user of the machine can read.`
  if (NO_TLS.test(message))
    return `The database speaks no TLS, which sslmode=${target.tls} in the backend store URI asks for.`
  if (REFUSED_USER.has(code))
    return `The database refuses the user ${user}: ${message}.${isAboutPassword ? ENCODING : ''}`
  if (code === INVALID_DATABASE)
    return `There is no database ${database}: make it by CREATE DATABASE ${quoted(database)}, or name another one behind the host of the backend store URI.`
  return describeMissingRights(code, message, target)
}

/**
 * What is said when CrateDB answers where PostgreSQL was named, or the other way round: each takes some of the other's statements.
 * Undefined when it is the right one.
 */
export async function describeOtherServer(
  engine: Engine,
  target: BackendTarget,
): Promise<string | undefined> {
  if (target.engine === 'pglite') return undefined
  const { rows } = await engine.execute<{ version: string }>(sql`SELECT version() AS version`)
  const version = rows[0]?.version ?? ''
  const found = version.startsWith('CrateDB') ? 'cratedb' : 'postgresql'
  if (found === target.engine) return undefined
  return `The database is ${version.split(' ', 2).join(' ')}: write ${found}:// instead of ${target.engine}:// in the backend store URI.`
}

/** What may be the matter with a database that is waited for; empty when nothing more is known than the driver tells. */
export const hintFor = (reason: string): string =>
  CUT_OFF.test(reason)
    ? ' (is this the port of its PostgreSQL wire protocol, 5432 unless set otherwise?)'
    : ''

function describeMissingRights(code: string, message: string, target: ServerTarget): string | undefined {
  const { schema, user } = target
  const isRefused =
    target.engine === 'cratedb'
      ? // Whoever has no right at all to a schema is told that there is none, even when making a table in it.
        /^Missing '\w+' privilege/.test(message) || message === `Schema '${schema}' unknown`
      : code === INSUFFICIENT_PRIVILEGE
  if (!isRefused) return undefined
  const grant =
    target.engine === 'cratedb'
      ? `GRANT DQL, DML, DDL ON SCHEMA ${quoted(schema)} TO ${quoted(user)}`
      : `CREATE SCHEMA ${quoted(schema)} AUTHORIZATION ${quoted(user)}`
  return `The user ${user} lacks rights to the schema ${schema}: ${message}. Let an administrator run: ${grant}`
}

/** The name as an identifier in a statement that is shown. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
