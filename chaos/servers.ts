// The server under test as a process that can be killed and started again on its port.
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { answers, type Child, freePort, startChild } from '../test/support/services/child.ts'

/** Compiled beside this file, see tsconfig.json. */
const MAIN = join(import.meta.dirname, '../src/main.js')

export interface ServerPlan {
  name: string
  /** Left out for a server of artifacts alone. */
  backendStoreUri?: string
  /** Holds its log and, unless `args` say otherwise, its artifacts. */
  folder: string
  args?: string[]
  env?: Record<string, string>
}

export interface Server {
  url: string
  port: number
  start: () => Promise<void>
  /** As a crash would end it. */
  kill: () => Promise<void>
  /** Process ids of the workers that serve its requests; empty if it serves them itself. */
  workers: () => Promise<number[]>
  /** As an operator would end it. */
  stop: () => Promise<void>
}

/** A server that is not started yet. Its port stays the same for all its lives. */
export async function planServer(plan: ServerPlan): Promise<Server> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const root = join(plan.folder, plan.name)
  await mkdir(root, { recursive: true })
  const health = plan.backendStoreUri === undefined ? '/health' : '/ready'
  let child: Child | undefined
  return {
    url,
    port,
    async start() {
      child = await startChild({
        command: [process.execPath, MAIN, ...serverArguments(plan, port, root)],
        logFile: join(root, 'server.log'),
        cwd: root,
        env: { ...process.env, CRATEFLOW_CRATEDB_SHARDS: '2', CRATEFLOW_CRATEDB_REPLICAS: '1', ...plan.env },
        ready: () => answers(url + health),
      })
    },
    async kill() {
      await child?.kill()
      child = undefined
    },
    workers: async () => (child ? workersOf(child.pid) : []),
    async stop() {
      await child?.stop()
      child = undefined
    },
  }
}

function serverArguments({ backendStoreUri, args = [] }: ServerPlan, port: number, root: string): string[] {
  const ownDestination = args.includes('--artifacts-destination')
  return [
    ...['server', '--no-ui', '--host', '127.0.0.1', '--port', `${port}`],
    ...(backendStoreUri === undefined ? [] : ['--backend-store-uri', backendStoreUri]),
    ...(ownDestination ? [] : ['--artifacts-destination', join(root, 'artifacts')]),
    ...args,
  ]
}

/** The first child of the shell that guards the server is its primary process, the parent of the workers. */
async function workersOf(guard: number): Promise<number[]> {
  const [primary] = await childrenOf(guard)
  return primary === undefined ? [] : childrenOf(primary)
}

/** Linux lists the children of a process. */
async function childrenOf(pid: number): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return list.split(' ').filter(Boolean).map(Number)
}
