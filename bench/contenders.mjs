// The servers that are compared, and how each is started.
import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { createClient } from './client.mjs'
import { freePort, startProcess } from './processes.mjs'
import { connectionOf, withClient } from './services.mjs'

/** Name → what it is in tables; the order is that of the tables. */
export const CONTENDERS = {
  'stock-sqlite': 'stock MLflow, SQLite',
  'stock-postgres': 'stock MLflow, PostgreSQL',
  fasttrackml: 'FastTrackML, SQLite',
  peer: 'mlflow-cratedb, CrateDB',
  embedded: 'Crateflow, embedded',
  'embedded-nosync': 'Crateflow, embedded, sync off',
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
 * @param context `{ folder, main, python, fml, peer, cratedbUri, postgresUri, id }`; `id` makes names of schemas unique
 * @param flags further ones of a server of ours
 */
export async function startContender(name, context, flags = []) {
  const folder = join(context.folder, name)
  mkdirSync(folder, { recursive: true })
  const recipe = await COMMANDS[name]({ ...context, folder, flags })
  return startServer({ name, ...recipe, folder })
}

const byPort = (port) => ['--port', String(port)]

/**
 * Starts a server and waits for /health.
 * @param recipe its command without where to listen, which `listen(port)` tells
 */
export async function startServer(recipe) {
  const { name, command, listen = byPort, env, folder } = recipe
  const port = await freePort()
  const client = createClient(port)
  const process = await startProcess({
    command: [...command, ...listen(port)],
    env,
    cwd: folder,
    logFile: join(folder, 'server.log'),
    ready: async () => (await client.health()) === 'OK',
  })
  const restart = () => startServer(recipe)
  return { name, title: CONTENDERS[name] ?? name, port, folder, ...client, ...process, restart }
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
  fasttrackml: async ({ fml, folder }) => ({
    command: [
      ...[fml, 'server', '--log-level', 'warn', '--database-uri', `sqlite://${folder}/fasttrackml.db`],
      ...['--default-artifact-root', join(folder, 'artifacts')],
    ],
    listen: (port) => ['--listen-address', `127.0.0.1:${port}`],
  }),
  embedded: async ({ main, folder, flags }) => ours(main, `pglite:${folder}/store`, flags),
  'embedded-nosync': async ({ main, folder, flags }) => {
    const { stdout } = await promisify(execFile)(process.execPath, [main, 'server', '--help'])
    if (!stdout.includes('--embedded-sync')) throw new Error('this server has no flag --embedded-sync')
    return ours(main, `pglite:${folder}/store`, [...flags, '--embedded-sync', 'off'])
  },
  cratedb: async ({ main, cratedbUri, id, flags }) =>
    ours(main, `${cratedbUri}?schema=${schemaOf('crateflow', id)}`, flags),
  postgres: async ({ main, postgresUri, id, flags }) =>
    ours(main, await createDatabase(postgresUri, `crateflow_${id}`), flags),
}

const stock = (python, uri) => ({
  command: [python, '-m', 'mlflow', ...serverArguments(uri)],
  env: PYTHON_ENV,
})

function serverArguments(uri) {
  const store = ['--backend-store-uri', uri, '--artifacts-destination', 'artifacts']
  return ['server', ...store, '--workers', '1', '--host', '127.0.0.1']
}

/** The command of a server of ours on a backend store; it serves the web UI only when a flag names it. */
export const ours = (main, uri, flags = []) => ({
  command: [
    ...[process.execPath, main, 'server', '--log-level', 'warn', '--backend-store-uri', uri],
    ...['--artifacts-destination', 'artifacts', ...flags],
  ],
  env: flags.includes('--ui-dir') ? {} : { CRATEFLOW_UI: 'false' },
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
