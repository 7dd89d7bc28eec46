// What a database user lacks, in words that say what to grant.
import type { BackendTarget } from './uri.ts'

/** SQLSTATE of a missing right on PostgreSQL. */
const INSUFFICIENT_PRIVILEGE = '42501'

/** What is said of a schema that its user may not use, with the statement that mends it; undefined for any other error. */
export function describeMissingRights(error: unknown, target: BackendTarget): string | undefined {
  if (target.engine === 'pglite' || !(error instanceof Error)) return undefined
  const { code, message } = (error.cause instanceof Error ? error.cause : error) as NodeJS.ErrnoException
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

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
