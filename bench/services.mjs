// CrateDB and PostgreSQL for a benchmark: one that runs already, or one that is started in a temporary folder.
import { execFile } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort, startProcess } from './processes.mjs'

const HEAP = '2g'

/**
 * CrateDB by URI (without schema), else started from a distribution.
 * @returns its URI, and `stop`; undefined when there is none
 */
export async function openCratedb({ uri, folder, log }) {
  if (uri) return { uri, stop: async () => {} }
  const home = process.env.CRATEDB_HOME || '/usr/share/crate'
  if (!existsSync(join(home, 'bin/crate'))) {
    log(`no CrateDB: neither --cratedb nor CRATEDB_URL nor a distribution at ${home}`)
    return undefined
  }
  const [httpPort, sqlPort, transportPort] = [await freePort(), await freePort(), await freePort()]
  const work = join(folder, 'cratedb')
  const user = handOver(['crate', 'nobody'], [work, join(work, 'data'), join(work, 'logs')])
  const settings = [
    ...[`path.data=${join(work, 'data')}`, `path.logs=${join(work, 'logs')}`, 'network.host=127.0.0.1'],
    ...[`http.port=${httpPort}`, `psql.port=${sqlPort}`, `transport.tcp.port=${transportPort}`],
    'discovery.type=single-node',
  ]
  const own = `cratedb://crate@127.0.0.1:${sqlPort}/`
  // It answers before it has a master, without which no table can be made.
  const hasMaster = async (client) =>
    Boolean((await client.query('SELECT master_node FROM sys.cluster')).rows[0].master_node)
  const started = await startProcess({
    command: [join(home, 'bin/crate'), ...settings.map((setting) => `-C${setting}`)],
    env: { CRATE_HEAP_SIZE: HEAP, CRATE_DISABLE_GC_LOGGING: '1' },
    logFile: join(folder, 'cratedb.log'),
    cwd: work,
    user,
    ready: () => withClient(connectionOf(own), hasMaster),
  })
  return { uri: own, stop: started.stop }
}

/** PostgreSQL by URI, else started from an installation, with its own settings. Answers as `openCratedb`. */
export async function openPostgres({ uri, folder, log }) {
  if (uri) return { uri, stop: async () => {} }
  const bin = findPostgres()
  if (!bin) {
    log('no PostgreSQL: neither --postgres nor POSTGRES_URL nor an installation')
    return undefined
  }
  const data = join(folder, 'postgres')
  const user = handOver(['postgres', 'nobody'], [data])
  const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C']
  await promisify(execFile)(join(bin, 'initdb'), initdb, { ...user, cwd: data })
  const port = await freePort()
  const target = `postgresql://postgres@127.0.0.1:${port}/postgres`
  const started = await startProcess({
    command: [join(bin, 'postgres'), '-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', data],
    logFile: join(folder, 'postgres.log'),
    cwd: data,
    user,
    ready: () => withClient({ connectionString: target }, async () => true),
  })
  return { uri: target, stop: started.stop }
}

/** The folder of the newest installation. */
function findPostgres() {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  const folders = versions.map((version) => join(root, version, 'bin'))
  return [...folders, ...(process.env.PATH ?? '').split(':')].find((path) => existsSync(join(path, 'initdb')))
}

/** Makes folders; as root, gives them to the first of these users, as whom the service is to run. */
function handOver(names, folders) {
  for (const folder of folders) mkdirSync(folder, { recursive: true })
  if (process.getuid() !== 0) return undefined
  const entries = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const entry = names.map((name) => entries.find(([user]) => user === name)).find(Boolean)
  const user = { uid: Number(entry[2]), gid: Number(entry[3]) }
  for (const folder of folders) chownSync(folder, user.uid, user.gid)
  return user
}

/** Host, port, user and the like of a URI of one host, as `pg` takes them. */
export function connectionOf(uri, schema) {
  const { hostname, port, username, password, pathname } = new URL(
    uri.replace(/^(cratedb|crate):/, 'postgresql:'),
  )
  return {
    host: hostname,
    port: Number(port || 5432),
    user: decodeURIComponent(username) || 'crate',
    password: decodeURIComponent(password),
    database: pathname.slice(1) || 'doc',
    ...(schema && { options: `-c search_path=${schema}` }),
  }
}

export async function withClient(config, use) {
  const client = new pg.Client(config)
  client.on('error', () => {})
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** Drops all views and tables of schemas of CrateDB. */
export const dropSchemas = (uri, schemas) =>
  withClient(connectionOf(uri), async (client) => {
    const { rows } = await client.query(
      `SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema = ANY($1::text[])
        ORDER BY table_type DESC`,
      [schemas],
    )
    for (const row of rows) {
      const kind = row.table_type === 'VIEW' ? 'VIEW' : 'TABLE'
      await client.query(`DROP ${kind} "${row.table_schema}"."${row.table_name}"`)
    }
  })

export function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
}
