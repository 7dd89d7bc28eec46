// The servers that client programs are compared on: stock MLflow, and this server on an engine.
import { afterAll, beforeAll } from 'vitest'
import type { EngineTarget } from '../support/engines.ts'
import { startMinio } from '../support/minio.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { missing } from '../support/services.ts'
import { useStock } from '../support/stock-server.ts'
import { TIMEOUT_MS } from './client.ts'

/**
 * This server on the suite's engine; with CrateDB its artifacts are in MinIO where there is one, else in a folder.
 */
export function useServer(target: EngineTarget, env: Record<string, string> = {}): { readonly url: string } {
  let server: TestServer
  beforeAll(async () => {
    const inBucket = target.name === 'CrateDB' && !missing('minio')
    const bucket = inBucket ? await startMinio() : undefined
    server = await startServer({
      backendStoreUri: target.uri,
      args: bucket ? ['--artifacts-destination', `s3://${bucket.bucket}/artifacts`] : [],
      env: { ...bucket?.env, ...env },
    })
  })
  afterAll(() => server?.stop())
  return {
    get url() {
      return server.url
    },
  }
}

/** What `work` answers for stock's server, done once for all suites of the file. */
export function onStock<T>(work: (url: string) => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined
  return () => {
    answer ??= useStock().then(({ url }) => work(url))
    return answer
  }
}

/**
 * Returns what asks, before a suite's first test, what `work` answers for stock's server, once for all suites of the file, and for
 * this server on the suite's engine.
 */
export function besideStock<T>(work: (url: string) => Promise<T>) {
  const stock = onStock(work)
  return (target: EngineTarget): { readonly expected: T; readonly ours: T } => {
    const server = useServer(target)
    let answers: { expected: T; ours: T }
    beforeAll(async () => {
      const expected = await stock()
      answers = { expected, ours: await work(server.url) }
    }, TIMEOUT_MS)
    return {
      get expected() {
        return answers.expected
      },
      get ours() {
        return answers.ours
      },
    }
  }
}
