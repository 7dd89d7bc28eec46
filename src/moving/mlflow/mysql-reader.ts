// Reads tables of MySQL and MariaDB, and nothing else.
import { readFileSync } from 'node:fs'
import { reasonOf } from '../../errors.ts'
import { groupColumns, type SqlReader } from './sql-reader.ts'

const CONNECT_TIMEOUT_MS = 5_000
const PORT = 3306
/** Distinct statements that are kept prepared. */
const PREPARED_LIMIT = 256
/** Parameters of SQLAlchemy's URIs; the second half says nothing to this driver. */
const KNOWN = [
  'ssl_ca',
  'unix_socket',
  'charset',
  'connect_timeout',
  'read_timeout',
  'write_timeout',
  'autocommit',
]

/** What a session has to be for our texts: identifiers in double quotes, times in UTC, no writes. */
const SESSION = [
  `SET SESSION sql_mode = 'ANSI_QUOTES'`,
  `SET SESSION time_zone = '+00:00'`,
  'SET SESSION TRANSACTION READ ONLY',
]

interface MysqlTarget {
  host: string
  port: number
  user: string
  password: string
  database: string
  socketPath: string | undefined
  sslCa: string | undefined
}

/** @throws Error in words for users, without the password */
function parseUri(uri: string): MysqlTarget {
  const parsed = tryParse(uri)
  const database = parsed && decodeURIComponent(parsed.pathname.slice(1))
  if (!parsed || !database)
    throw new Error('A database of MySQL is named as mysql://user:password@host:3306/database.')
  const unknown = [...parsed.searchParams.keys()].find((name) => !KNOWN.includes(name))
  if (unknown !== undefined)
    throw new Error(`There is no parameter ${unknown} of MySQL here; there are ${KNOWN.join(', ')}.`)
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: Number(parsed.port || PORT),
    user: decodeURIComponent(parsed.username) || 'root',
    password: decodeURIComponent(parsed.password),
    database,
    socketPath: parsed.searchParams.get('unix_socket') ?? undefined,
    sslCa: parsed.searchParams.get('ssl_ca') ?? undefined,
  }
}

function tryParse(uri: string): URL | undefined {
  try {
    // Of schemes that it does not know, the parser of URLs reads no host.
    return new URL(uri.replace(/^\w+(\+\w+)?:/, 'http:'))
  } catch {
    return undefined
  }
}

/**
 * Opens a database by SQLAlchemy's URI, `mysql+pymysql://user:password@host/database`; the driver in it is left out.
 * @throws Error in words for users
 */
export async function openMysql(uri: string): Promise<{ reader: SqlReader; name: string }> {
  const { host, port, user, password, database, socketPath, sslCa } = parseUri(uri)
  const place = socketPath ?? `${host}:${port}`
  const { createConnection } = await import('mysql2/promise')
  const connection = await createConnection({
    ...(socketPath === undefined ? { host, port } : { socketPath }),
    ...{ user, password, database, connectTimeout: CONNECT_TIMEOUT_MS },
    ...(sslCa !== undefined && { ssl: { ca: readFileSync(sslCa, 'utf8') } }),
    // Values as they are: integers beyond 2^53, times and JSON as texts.
    ...{ supportBigNumbers: true, dateStrings: true, jsonStrings: true, rowsAsArray: true },
    ...{ charset: 'utf8mb4', maxPreparedStatements: PREPARED_LIMIT },
  }).catch((error: unknown) => {
    throw new Error(`The database mysql://${place}/${database} does not answer: ${reasonOf(error)}`)
  })
  const rows: SqlReader['rows'] = async (text, params) => {
    const [found] = await connection.execute(spelled(text), params.map(bound))
    return found as unknown[][]
  }
  try {
    for (const statement of SESSION) await connection.query(statement)
  } catch (error) {
    connection.destroy()
    throw error
  }
  return {
    name: `mysql://${user}@${place}/${database}`,
    reader: {
      kind: 'mysql',
      schema: database,
      rows,
      columns: async () =>
        groupColumns(
          (await rows(
            'SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ?',
            [database],
          )) as [string, string][],
        ),
      close: () => connection.end(),
    },
  }
}

/** There is no type TEXT to cast to. */
const spelled = (text: string) => text.replaceAll(' AS TEXT)', ' AS CHAR)')

const bound = (value: unknown) => (typeof value === 'bigint' ? String(value) : (value as string))
