// The faults: what is done to the cluster and the servers while clients are at work. Each mends what it broke.
import { type Agent, request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster, ClusterNode } from './cluster.ts'
import type { Server } from './servers.ts'

export interface Scene {
  cluster: Cluster
  servers: Server[]
}

export interface Fault {
  name: string
  /** One line for the list of faults. */
  does: string
  /** Breaks something and ends when it is mended; what follows must happen by itself. */
  run: (scene: Scene) => Promise<void>
}

const AWAY_MS = 4_000
const FROZEN_MS = 20_000
const BLOCKED_MS = 8_000
const IDLE_SOCKETS = 1_500
const HEAVY_REQUESTS = 400

async function findMaster({ nodes, query }: Cluster): Promise<ClusterNode> {
  const [row] = await query(`SELECT n.name FROM sys.cluster c JOIN sys.nodes n ON c.master_node = n.id`)
  return nodes.find(({ name }) => name === row?.name) ?? (nodes[0] as ClusterNode)
}

async function killAndRestart(node: ClusterNode): Promise<void> {
  await node.kill()
  await sleep(AWAY_MS)
  await node.start()
}

/** Blocks writes as CrateDB does itself when a disk is nearly full; the block is lifted when there is room again. */
async function blockWrites(cluster: Cluster, blocked: boolean): Promise<void> {
  const tables = await cluster.query(
    `SELECT table_name FROM information_schema.tables WHERE table_schema = 'mlflow' AND table_type = 'BASE TABLE'`,
  )
  for (const { table_name: table } of tables) {
    await cluster.query(`ALTER TABLE mlflow."${table}" SET ("blocks.read_only_allow_delete" = ${blocked})`)
  }
}

/** Sockets that say nothing, or begin a request and never end it. */
function openSockets(ports: readonly number[], count: number): Socket[] {
  return Array.from({ length: count }, (_, index) => {
    const socket = connect({ host: '127.0.0.1', port: ports[index % ports.length] as number })
    socket.on('error', () => {})
    if (index % 2) socket.write('POST /api/2.0/mlflow/runs/search HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-le')
    return socket
  })
}

/** Searches at the same moment, many more than the server has connections to its database. */
function sendHeavyRequests(servers: readonly Server[]): Promise<unknown> {
  const send = ({ port }: Server) =>
    new Promise<void>((resolve) => {
      const path = '/api/2.0/mlflow/experiments/search?max_results=1000'
      const agent: Agent | false = false
      httpRequest({ host: '127.0.0.1', port, path, agent }, (response) => {
        response.resume().on('close', resolve)
      })
        .on('error', () => resolve())
        .end()
    })
  return Promise.all(
    Array.from({ length: HEAVY_REQUESTS }, (_, index) => send(servers[index % servers.length] as Server)),
  )
}

export const CLUSTER_FAULTS: Fault[] = [
  {
    name: 'node-killed',
    does: 'kill -9 of one CrateDB node, started again',
    async run({ cluster }) {
      const master = await findMaster(cluster)
      await killAndRestart(cluster.nodes.find((node) => node !== master) as ClusterNode)
    },
  },
  {
    name: 'master-killed',
    does: "kill -9 of CrateDB's master node, started again",
    run: async ({ cluster }) => killAndRestart(await findMaster(cluster)),
  },
  {
    name: 'node-frozen',
    does: `SIGSTOP of one CrateDB node for ${FROZEN_MS / 1000} s`,
    async run({ cluster }) {
      const master = await findMaster(cluster)
      const node = cluster.nodes.find((other) => other !== master) as ClusterNode
      node.freeze()
      await sleep(FROZEN_MS)
      node.thaw()
    },
  },
  {
    name: 'cluster-restarted',
    does: 'All CrateDB nodes stopped and started again',
    async run({ cluster: { nodes } }) {
      await Promise.all(nodes.map((node) => node.stop()))
      await Promise.all(nodes.map((node) => node.start()))
    },
  },
  {
    name: 'cluster-killed',
    does: 'kill -9 of all CrateDB nodes at once, started again',
    async run({ cluster: { nodes } }) {
      await Promise.all(nodes.map((node) => node.kill()))
      await Promise.all(nodes.map((node) => node.start()))
    },
  },
  {
    name: 'server-killed',
    does: 'kill -9 of one of two servers, started again',
    async run({ servers }) {
      const server = servers[0] as Server
      await server.kill()
      await sleep(AWAY_MS)
      await server.start()
    },
  },
  {
    name: 'worker-killed',
    does: 'kill -9 of one worker of each server, which the server replaces',
    async run({ servers }) {
      for (const server of servers) {
        const [worker] = await server.workers()
        if (worker !== undefined) process.kill(worker, 'SIGKILL')
      }
      await sleep(AWAY_MS)
    },
  },
  {
    name: 'connections-exhausted',
    does: `${IDLE_SOCKETS} idle connections to the servers, 300 to CrateDB, and ${HEAVY_REQUESTS} searches at once`,
    async run({ cluster, servers }) {
      const sockets = [
        ...openSockets(
          servers.map(({ port }) => port),
          IDLE_SOCKETS,
        ),
        ...openSockets(
          cluster.nodes.map(({ sqlPort }) => sqlPort),
          300,
        ),
      ]
      await Promise.all([sendHeavyRequests(servers), sleep(AWAY_MS)])
      for (const socket of sockets) socket.destroy()
    },
  },
  {
    name: 'disk-full',
    does: `Writes to all tables blocked for ${BLOCKED_MS / 1000} s, as by CrateDB on a full disk`,
    async run({ cluster }) {
      await blockWrites(cluster, true)
      await sleep(BLOCKED_MS)
      await blockWrites(cluster, false)
    },
  },
]
