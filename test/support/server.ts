// The server as a process of its own, started through its command line as users do.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type HttpAnswer, sendHttp } from './http.ts'
import { answers, type Child, freePort, startChild } from './services/child.ts'
import { useService } from './services.ts'

/** Few small shards, since CrateDB's cost of a table is its number of shards, and no views: it reads those of all schemas with each write. */
export const SMALL = {
  CRATEFLOW_CRATEDB_SHARDS: '1',
  CRATEFLOW_CRATEDB_REPLICAS: '0',
  CRATEFLOW_SQL_VIEWS: 'off',
}

export interface TestServer extends Child {
  url: string
  /** Holds the artifacts and the log; removed when the server ends. */
  folder: string
  request: (method: string, path: string, body?: unknown) => Promise<HttpAnswer>
}

/**
 * Runs `crateflow server` and waits until it is healthy. Artifacts go to a temporary folder unless `args` name
 * another destination. `stop` ends it as SIGTERM does, `kill` as a crash would.
 */
export async function startServer(options: {
  backendStoreUri: string
  args?: string[]
  env?: Record<string, string>
  port?: number
}): Promise<TestServer> {
  const { main } = await useService('build')
  const folder = await mkdtemp(join(tmpdir(), 'crateflow-server-'))
  const port = options.port ?? (await freePort())
  const args = options.args ?? []
  const prefix = args.includes('--static-prefix') ? args[args.indexOf('--static-prefix') + 1] : ''
  const url = `http://127.0.0.1:${port}${prefix}`
  const destination = args.includes('--artifacts-destination')
    ? []
    : ['--artifacts-destination', join(folder, 'artifacts')]
  const child = await startChild({
    command: [
      ...[process.execPath, '--liftoff-only', main, 'server', '--host', '127.0.0.1', '--port', String(port)],
      ...['--backend-store-uri', options.backendStoreUri, ...destination, ...args],
    ],
    logFile: join(folder, 'server.log'),
    cwd: folder,
    env: { ...process.env, ...SMALL, CRATEFLOW_UI: 'false', ...options.env },
    ready: () => answers(`${url}/health`),
  })
  const andRemove = (end: () => Promise<void>) => async () => {
    await end()
    await rm(folder, { recursive: true, force: true })
  }
  return {
    ...child,
    url,
    folder,
    request: (method, path, body) => sendHttp(url, method, path, body),
    stop: andRemove(child.stop),
    kill: andRemove(child.kill),
  }
}
