// A CrateDB cluster of three nodes on loopback, whose nodes can be killed, stopped for a while and started again.
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import {
  answers,
  type Child,
  freePort,
  startChild,
  unprivilegedUser,
} from '../test/support/services/child.ts'
import { javaOptions, javaVersion } from '../test/support/services/cratedb.ts'

const NODES = 3
const HEAP = '512m'

export interface ClusterNode {
  name: string
  httpPort: number
  sqlPort: number
  start: () => Promise<void>
  /** As a crash would end it. */
  kill: () => Promise<void>
  /** As an operator would end it. */
  stop: () => Promise<void>
  /** Lets the process hang without ending it. */
  freeze: () => void
  thaw: () => void
}

export interface Cluster {
  nodes: ClusterNode[]
  /** Backend store URI that names all nodes. */
  uri: string
  /** Waits until all nodes are there and every table has all its copies. @throws Error after the time */
  untilGreen: (timeoutMs?: number) => Promise<void>
  /** Runs a statement at the first node that answers. */
  query: (text: string) => Promise<Record<string, unknown>[]>
  stop: () => Promise<void>
}

interface Place {
  home: string
  java: string
  folder: string
  /** Attributes of the nodes in their order, such as `{ storage: 'cold' }`. */
  attributes?: readonly Record<string, string>[]
}

/** Starts the nodes below a folder, which keeps their data and logs. */
export async function startCluster(place: Place): Promise<Cluster> {
  const ports = await Promise.all(Array.from({ length: NODES * 3 }, freePort))
  const seeds = ports.slice(0, NODES).map((port) => `127.0.0.1:${port}`)
  const nodes = await Promise.all(
    seeds.map((_, index) => {
      const [transportPort, httpPort, sqlPort] = [0, 1, 2].map(
        (kind) => ports[kind * NODES + index] as number,
      )
      return createNode(place, {
        name: `node-${index + 1}`,
        transportPort,
        httpPort,
        sqlPort,
        seeds,
        attributes: place.attributes?.[index] ?? {},
      } as NodePlan)
    }),
  )
  await Promise.all(nodes.map((node) => node.start()))
  const hosts = nodes.map(({ sqlPort }) => `127.0.0.1:${sqlPort}`).join(',')
  const query = (text: string) => queryAny(nodes, text)
  return {
    nodes,
    uri: `cratedb://crate@${hosts}/?schema=mlflow`,
    query,
    untilGreen: (timeoutMs = 120_000) => waitGreen(query, timeoutMs),
    stop: async () => {
      await Promise.all(nodes.map((node) => node.kill()))
    },
  }
}

interface NodePlan {
  name: string
  transportPort: number
  httpPort: number
  sqlPort: number
  seeds: string[]
  attributes: Record<string, string>
}

async function createNode({ home, java, folder }: Place, plan: NodePlan): Promise<ClusterNode> {
  const root = join(folder, plan.name)
  const user = await unprivilegedUser(['crate'], [folder, root, ...(await makeFolders(home, root))])
  const options = javaOptions(root, await javaVersion(java), HEAP)
  let child: Child | undefined
  const running = () => {
    if (!child) throw new Error(`${plan.name} does not run`)
    return child
  }
  return {
    ...plan,
    async start() {
      child = await startChild({
        command: [
          java,
          ...options,
          '-cp',
          join(home, 'lib', '*'),
          'io.crate.bootstrap.CrateDB',
          ...settings(home, root, plan),
        ],
        logFile: join(root, 'crate.log'),
        cwd: root,
        user,
        ready: () => answers(`http://127.0.0.1:${plan.httpPort}/`),
      })
    },
    async kill() {
      await child?.kill()
      child = undefined
    },
    async stop() {
      await running().stop()
      child = undefined
    },
    freeze: () => void process.kill(-running().pid, 'SIGSTOP'),
    thaw: () => void process.kill(-running().pid, 'SIGCONT'),
  }
}

async function makeFolders(home: string, root: string): Promise<string[]> {
  const folders = ['config', 'data', 'logs', 'tmp'].map((name) => join(root, name))
  for (const path of folders) await mkdir(path, { recursive: true })
  await writeFile(join(root, 'config', 'crate.yml'), '')
  await copyFile(join(home, 'config', 'log4j2.properties'), join(root, 'config', 'log4j2.properties'))
  return folders
}

const settings = (home: string, root: string, plan: NodePlan): string[] =>
  Object.entries({
    'path.home': home,
    'path.conf': join(root, 'config'),
    'path.data': join(root, 'data'),
    'path.logs': join(root, 'logs'),
    'cluster.name': 'crateflow-chaos',
    'node.name': plan.name,
    'network.host': '127.0.0.1',
    'http.port': plan.httpPort,
    'psql.port': plan.sqlPort,
    'transport.tcp.port': plan.transportPort,
    'discovery.seed_hosts': plan.seeds.join(','),
    'cluster.initial_master_nodes': Array.from({ length: NODES }, (_, index) => `node-${index + 1}`).join(
      ',',
    ),
    'gateway.expected_data_nodes': NODES,
    'gateway.recover_after_data_nodes': 2,
    // A disk that is rather full already is not the fault that is looked at.
    'cluster.routing.allocation.disk.threshold_enabled': false,
    'auth.host_based.enabled': false,
    ...Object.fromEntries(
      Object.entries(plan.attributes).map(([name, value]) => [`node.attr.${name}`, value]),
    ),
  }).map(([name, value]) => `-C${name}=${value}`)

async function queryAny(nodes: readonly ClusterNode[], text: string): Promise<Record<string, unknown>[]> {
  let last: unknown
  for (const { sqlPort } of nodes) {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: sqlPort,
      user: 'crate',
      database: 'mlflow',
      connectionTimeoutMillis: 2_000,
      query_timeout: 10_000,
    })
    client.on('error', () => {})
    try {
      await client.connect()
      return (await client.query(text)).rows
    } catch (error) {
      last = error
    } finally {
      void client.end().catch(() => {})
    }
  }
  throw last
}

async function waitGreen(query: Cluster['query'], timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs
  let state: unknown
  for (;;) {
    try {
      const [nodes] = await query('SELECT count(*) AS n FROM sys.nodes')
      const health = await query(`SELECT table_name, health FROM sys.health WHERE health <> 'GREEN'`)
      if (Number(nodes?.n) === NODES && health.length === 0) return
      state = { nodes: nodes?.n, health }
    } catch (error) {
      state = (error as Error).message
    }
    if (Date.now() > deadline) throw new Error(`The cluster is not green: ${JSON.stringify(state)}`)
    await sleep(250)
  }
}
