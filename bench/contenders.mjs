// The servers that are compared, and how each is started.
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createClient } from './client.mjs'
import { freePort, startProcess } from './processes.mjs'
import { connectionOf, withClient } from './services.mjs'

/** Name → what it is in tables; the order is that of the tables. */
export const CONTENDERS = {
  'stock-sqlite': 'stock MLflow, SQLite',
  'stock-postgres': 'stock MLflow, PostgreSQL',
  peer: 'mlflow-cratedb, CrateDB',
  embedded: 'Crateflow, embedded',
  cratedb: 'Crateflow, CrateDB',
  postgres: 'Crateflow, PostgreSQL',
}

/** Contenders by the service that they need. */
export const ON_CRATEDB = ['peer', 'cratedb']
export const ON_POSTGRES = ['stock-postgres', 'postgres']

/** Stock and the peer answer nothing else than they would by default, but report nothing home. */
const PYTHON_ENV = { MLFLOW_TRACKING_URI: '', MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true' }

/**
 * Starts one contender in a folder of its own.
 * @param context `{ folder, main, python, peer, cratedbUri, postgresUri, id }`; `id` makes names of schemas unique
 */
export async function startContender(name, context) {
  const folder = join(context.folder, name)
  mkdirSync(folder, { recursive: true })
  const { command, env } = await COMMANDS[name]({ ...context, folder })
  return startServer({ name, command, env, folder })
}

/** Starts a server, given its command without the port, and waits for /health. */
export async function startServer({ name, command, env, folder }) {
  const port = await freePort()
  const client = createClient(port)
  const process = await startProcess({
    command: [...command, '--port', String(port)],
    env,
    cwd: folder,
    logFile: join(folder, 'server.log'),
    ready: async () => (await client.health()) === 'OK',
  })
  return { name, title: CONTENDERS[name] ?? name, port, ...client, ...process }
}

export const schemaOf = (name, id) => `bench_${name}_${id}`

const COMMANDS = {
  'stock-sqlite': async ({ python, folder }) => stock(python, `sqlite:///${folder}/mlflow.db`),
  'stock-postgres': async ({ python, postgresUri, id }) =>
    stock(
      python,
      (await createDatabase(postgresUri, `stock_${id}`)).replace('postgresql:', 'postgresql+psycopg2:'),
    ),
  peer: async ({ peer, cratedbUri, id }) => {
    const uri = await httpUri(cratedbUri, schemaOf('peer', id))
    return { command: [join(dirname(peer), 'mlflow-cratedb'), ...serverArguments(uri)], env: PYTHON_ENV }
  },
  embedded: async ({ main, folder }) => ours(main, `pglite:${folder}/store`),
  cratedb: async ({ main, cratedbUri, id }) =>
    ours(main, `${cratedbUri}?schema=${schemaOf('crateflow', id)}`),
  postgres: async ({ main, postgresUri, id }) =>
    ours(main, await createDatabase(postgresUri, `crateflow_${id}`)),
}

const stock = (python, uri) => ({
  command: [python, '-m', 'mlflow', ...serverArguments(uri)],
  env: PYTHON_ENV,
})

function serverArguments(uri) {
  const store = ['--backend-store-uri', uri, '--artifacts-destination', 'artifacts']
  return ['server', ...store, '--workers', '1', '--host', '127.0.0.1']
}

/** The command of a server of ours on a backend store. */
export const ours = (main, uri) => ({
  command: [
    ...[process.execPath, main, 'server', '--log-level', 'warn', '--backend-store-uri', uri],
    ...['--artifacts-destination', 'artifacts'],
  ],
  env: { CRATEFLOW_UI: 'false' },
})

/** A new database beside the one that the URI names. */
async function createDatabase(uri, name) {
  await withClient(connectionOf(uri), (client) => client.query(`CREATE DATABASE ${name}`))
  const url = new URL(uri)
  url.pathname = `/${name}`
  return url.href
}

/** SQLAlchemy's driver talks to CrateDB by HTTP. */
async function httpUri(uri, schema) {
  const { host, user, password } = connectionOf(uri)
  const port = await withClient(connectionOf(uri), async (client) => {
    const { rows } = await client.query("SELECT port['http'] AS port FROM sys.nodes LIMIT 1")
    return rows[0].port
  })
  const login = password ? `${user}:${encodeURIComponent(password)}` : user
  return `crate://${login}@${host}:${port}/?schema=${schema}`
}
