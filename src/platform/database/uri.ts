// Backend store URIs: which engine, where, which schema. Passwords never leave this shape in text.
import { MlflowError } from '../../errors.ts'

export interface PgliteTarget {
  engine: 'pglite'
  /** Data folder; empty for a store in memory. */
  folder: string
  schema: string
}

export interface ServerTarget {
  engine: 'cratedb' | 'postgresql'
  hosts: { host: string; port: number }[]
  user: string
  password: string | undefined
  database: string
  schema: string
  tls: 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'
  tlsRootCert: string | undefined
}

export type BackendTarget = PgliteTarget | ServerTarget

export const DEFAULT_SCHEMA = 'mlflow'
const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const

/**
 * Parses `pglite:<folder>`, `cratedb://user:pw@h1:5432,h2:5432/?schema=mlflow&sslmode=verify-full` or
 * `postgresql://user:pw@host:5432/database?schema=mlflow`.
 * @throws INVALID_PARAMETER_VALUE; the text never holds the password
 */
export function parseBackendUri(uri: string): BackendTarget {
  if (uri.startsWith('pglite:')) {
    const [folder = '', query = ''] = uri.slice('pglite:'.length).split('?', 2)
    return {
      engine: 'pglite',
      folder: folder.replace(/^\/\/(?=\/|\.)/, ''),
      schema: schemaName(readOptions(query, ['schema'])),
    }
  }
  const match =
    /^(cratedb|crate|postgresql|postgres):\/\/(?:([^@/]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(uri)
  if (!match) throw isStock(uri) ? ofStock(uri) : /^https?:/.test(uri) ? ofClients(uri) : unsupported()
  const [, scheme = '', userInfo = '', hostList = '', database = '', query = ''] = match
  const engine = scheme.startsWith('crate') ? 'cratedb' : 'postgresql'
  const options = readOptions(query, ['schema', 'sslmode', 'sslrootcert'])
  const separator = userInfo.indexOf(':')
  const user = separator < 0 ? userInfo : userInfo.slice(0, separator)
  const mode = options.get('sslmode') ?? 'disable'
  const tls = SSL_MODES.find((known) => known === mode)
  if (!tls) throw invalid(`sslmode must be one of ${SSL_MODES.join(', ')}`)
  return {
    engine,
    hosts: parseHosts(hostList || '127.0.0.1'),
    user: decode(user) || (engine === 'cratedb' ? 'crate' : 'postgres'),
    password: separator < 0 ? undefined : decode(userInfo.slice(separator + 1)),
    database: decode(database) || (engine === 'cratedb' ? 'doc' : 'postgres'),
    schema: schemaName(options),
    tls,
    tlsRootCert: options.get('sslrootcert') ?? undefined,
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw invalid('a % in user, password or database must be written %25')
  }
}

function parseHosts(list: string): { host: string; port: number }[] {
  return list.split(',').map((entry) => {
    if (/:4200$/.test(entry))
      throw invalid(
        "port 4200 is CrateDB's HTTP port; the server speaks its PostgreSQL wire protocol, at port 5432",
      )
    const match = /^(\[[0-9a-fA-F:]+\]|[^:[\]@\s]+)(?::(\d{1,5}))?$/.exec(entry)
    const port = Number(match?.[2] ?? 5432)
    if (!match?.[1] || port < 1 || port > 65535)
      throw invalid('a host must read name or name:port (an @ or / in the password is written %40 or %2F)')
    return { host: match[1].replace(/^\[|\]$/g, ''), port }
  })
}

/** The parameters of a URI; a misspelt one would be taken for none. */
function readOptions(query: string, known: readonly string[]): URLSearchParams {
  const options = new URLSearchParams(query)
  for (const name of options.keys()) {
    if (!known.includes(name))
      throw invalid(
        `there is no parameter ${name}; there ${known.length > 1 ? 'are' : 'is'} ${known.join(', ')}`,
      )
  }
  return options
}

function schemaName(options: URLSearchParams): string {
  const schema = options.get('schema') ?? DEFAULT_SCHEMA
  // The name goes into search_path and DDL: plain identifiers only, so that it never needs quoting.
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw invalid('schema must be a lower-case name of letters, digits and underscores')
  }
  return schema
}

/** The target in words for logs: engine, user, place, database and schema, never a password. */
export function describeTarget(target: BackendTarget): string {
  if (target.engine === 'pglite') return `pglite:${target.folder || '(memory)'}`
  const hosts = target.hosts.map(({ host, port }) => `${host}:${port}`).join(',')
  const database = target.engine === 'cratedb' ? '' : target.database
  return `${target.engine}://${target.user}@${hosts}/${database}?schema=${target.schema}`
}

/** A store of stock MLflow, which is what its users type first. */
const isStock = (uri: string) =>
  /^(sqlite|mysql|mssql|oracle|postgresql\+\w+|postgres\+\w+|file)(\+\w+)?:/.test(uri) ||
  !/^[\w+]+:/.test(uri)

function ofStock(uri: string): MlflowError {
  const scheme = /^([\w+]+):/.exec(uri)?.[1]
  if (scheme?.startsWith('postgres'))
    return invalid(
      `write postgresql:// without the driver, and name a database, or a ?schema=, of its own, since the data of MLflow's own server ${MOVING_IN}`,
    )
  const what = scheme === undefined || scheme === 'file' ? 'a folder of files' : scheme
  return invalid(
    `this server does not keep its data in ${what}. For a store on this machine leave --backend-store-uri out, or name a folder as pglite:./crateflow-data; for a team use cratedb:// or postgresql://. Data of MLflow's own server ${MOVING_IN}`,
  )
}

const ofClients = (uri: string) =>
  invalid(
    `${uri.slice(0, uri.indexOf(':'))}:// is how clients reach a server (MLFLOW_TRACKING_URI); this one keeps its data in pglite:, cratedb:// or postgresql://`,
  )

const MOVING_IN = 'is taken over by "crateflow import mlflow --from …", see docs/moving.md'

const invalid = (why: string) =>
  new MlflowError('INVALID_PARAMETER_VALUE', `Invalid backend store URI: ${why}.`)
const unsupported = () =>
  invalid(
    'expected pglite:<folder>, cratedb://user@host:5432/?schema=mlflow or postgresql://user@host:5432/database',
  )
