import { request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { openEngine } from '../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../src/platform/database/uri.ts'
import { describeEachEngine } from '../support/engines.ts'
import { countSlowSearches, prepareSlowSearch } from '../support/slow-search.ts'
import { beginServer, createRun, type RunningServer, runServer } from './program.ts'

const env = { CRATEFLOW_CRATEDB_SHARDS: '1', CRATEFLOW_CRATEDB_REPLICAS: '0' }
const CLIENTS = 8

/** Logs one metric point after the other until the server is gone; answers the steps that were acknowledged. */
async function logUntilGone(server: RunningServer, runId: string, key: string): Promise<number[]> {
  const acknowledged: number[] = []
  for (let step = 0; ; step++) {
    const point = { run_id: runId, key, value: step, timestamp: 1, step }
    try {
      const { status } = await server.request('POST', '/api/2.0/mlflow/runs/log-metric', point)
      if (status !== 200) return acknowledged
      acknowledged.push(step)
    } catch {
      return acknowledged
    }
  }
}

async function storedSteps(server: RunningServer, runId: string, key: string): Promise<Set<number>> {
  const { body } = await server.request(
    'GET',
    `/api/2.0/mlflow/metrics/get-history?run_id=${runId}&metric_key=${key}`,
  )
  return new Set(((body as { metrics?: { step: number }[] }).metrics ?? []).map(({ step }) => step))
}

async function latestSteps(server: RunningServer, runId: string): Promise<Map<string, number>> {
  const { body } = await server.request('GET', `/api/2.0/mlflow/runs/get?run_id=${runId}`)
  const { metrics } = (body as { run: { data: { metrics: { key: string; step: number }[] } } }).run.data
  return new Map(metrics.map(({ key, step }) => [key, step]))
}

describeEachEngine('a server that is stopped under load', (engine) => {
  it.each(['SIGTERM', 'SIGKILL'] as const)('has every acknowledged metric after %s', async (signal) => {
    const args = ['--backend-store-uri', engine.uri]
    const server = await runServer(args, { env })
    const runId = await createRun(server)
    const keys = Array.from({ length: CLIENTS }, (_, client) => `metric-${client}`)
    const logging = keys.map((key) => logUntilGone(server, runId, key))
    await sleep(1500)
    server.signal(signal)
    const acknowledged = await Promise.all(logging)
    expect((await server.ended).code).toBe(signal === 'SIGTERM' ? 0 : undefined)
    expect(acknowledged.flat().length).toBeGreaterThan(CLIENTS)

    const again = await runServer(args, { env })
    const latest = await latestSteps(again, runId)
    for (const [client, key] of keys.entries()) {
      const stored = await storedSteps(again, runId, key)
      const lost = (acknowledged[client] ?? []).filter((step) => !stored.has(step))
      expect(lost, `${key} of ${acknowledged[client]?.length}`).toEqual([])
      const sent = acknowledged[client]?.length ?? 0
      const newest = Math.max(...stored)
      if (signal === 'SIGTERM' || engine.name === 'PGlite') expect(latest.get(key), key).toBe(newest)
      // A request that a crash cut off may be there in part: its point or, without it, the latest metric.
      else expect([sent - 1, sent], key).toContain(latest.get(key))
      // Sent again, as clients do, it is there whole.
      const point = { run_id: runId, key, value: sent, timestamp: 1, step: sent }
      expect((await again.request('POST', '/api/2.0/mlflow/runs/log-metric', point)).status).toBe(200)
      expect(Math.max(...(await storedSteps(again, runId, key))), key).toBe(sent)
      expect((await latestSteps(again, runId)).get(key), key).toBe(sent)
    }
  })
})

/** Seconds until the server has ended, from its signal on. */
async function stop(server: { signal: (name: 'SIGTERM') => void; ended: Promise<{ code?: number }> }) {
  const since = Date.now()
  server.signal('SIGTERM')
  const { code } = await server.ended
  return { code, seconds: (Date.now() - since) / 1000 }
}

describeEachEngine(
  'a server that is stopped while the database works',
  (engine) => {
    const slowly = { timeout: 60_000, interval: 50 }

    it.each([1, 2])('with %i workers ends a search, and itself in time', async (workers) => {
      const args = ['--backend-store-uri', engine.uri, '--shutdown-timeout', '1', '--workers', `${workers}`]
      const server = await runServer(args, { env })
      const observer = await engine.open()
      const search = await prepareSlowSearch(server.request)
      const answer = server.request('POST', '/api/2.0/mlflow/runs/search', search).catch(() => 'cut off')
      await expect.poll(() => countSlowSearches(observer), slowly).toBe(1)
      const { code, seconds } = await stop(server)
      expect(await answer).toBe('cut off')
      expect(code).toBe(1)
      expect(seconds).toBeLessThan(1 + 2 + 1)
      await expect.poll(() => countSlowSearches(observer), slowly).toBe(0)
    })
  },
  ['CrateDB'],
  ['PostgreSQL'],
)

describeEachEngine(
  'a server that is stopped while its embedded database works',
  (engine) => {
    it('ends a search, and itself in time', async () => {
      const server = await runServer(['--backend-store-uri', engine.uri, '--shutdown-timeout', '1'])
      const search = await prepareSlowSearch(server.request)
      const answer = server.request('POST', '/api/2.0/mlflow/runs/search', search).catch(() => 'cut off')
      // It is at work when a request behind it is not answered.
      const behind = createRun(server).then(
        () => 'answered',
        () => 'cut off',
      )
      expect(await Promise.race([behind, sleep(2000, 'late')])).toBe('late')
      const { code, seconds } = await stop(server)
      expect(await answer).toBe('cut off')
      expect(code).toBe(1)
      expect(seconds).toBeLessThan(1 + 2 + 1)
    })
  },
  ['PGlite'],
)

describeEachEngine(
  'a server that is stopped before it has begun to serve',
  (engine) => {
    it('ends in time, though a migration waits for the database', async () => {
      const uri = await engine.another({ isNew: true })
      const observer = await engine.open()
      const other = await openEngine(parseBackendUri(uri), { maxConnections: 1 })
      await other.execute(sql`BEGIN`)
      await other.execute(sql`CREATE SCHEMA ${sql.identifier(other.schema)}`)
      const args = ['--backend-store-uri', uri, '--shutdown-timeout', '1']
      const server = await beginServer(args, { env })
      const waiting = async () => {
        const { rows } = await observer.execute(
          sql`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'CREATE SCHEMA%'`,
        )
        return rows.length
      }
      await expect.poll(waiting, { timeout: 60_000 }).toBe(1)
      const { code, seconds } = await stop(server)
      expect(code).toBe(1)
      expect(seconds).toBeLessThan(1 + 2 + 1)
      await other.close()
    })
  },
  ['PostgreSQL'],
)

/** Begins to upload a file and leaves it to the test to end it. */
function beginUpload(server: RunningServer, path: string) {
  const upload = httpRequest(`${server.url}/api/2.0/mlflow-artifacts/artifacts/${path}`, { method: 'PUT' })
  const status = new Promise<number>((resolve, reject) => {
    upload.on('response', (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    upload.on('error', reject)
  })
  upload.write('first half,')
  return { finish: () => upload.end('second half'), status }
}

describe('a server that is stopped', () => {
  const artifactsOnly = (...args: string[]) =>
    runServer(['--artifacts-only', '--log-level', 'debug', ...args])

  async function withRunningUpload(server: RunningServer) {
    const upload = beginUpload(server, 'file.txt')
    // Once it answers something later on the same machine, the upload's first bytes have long arrived.
    await server.request('GET', '/health')
    await sleep(300)
    return upload
  }

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'lets a running upload end after %s, and takes no new connection',
    async (signal) => {
      const server = await artifactsOnly()
      const upload = await withRunningUpload(server)
      server.signal(signal)
      await expect.poll(() => server.output.stderr).toContain('Stopping')
      const isRefused = () =>
        server.request('GET', '/health').then(
          () => false,
          () => true,
        )
      await expect.poll(isRefused).toBe(true)
      upload.finish()
      expect(await upload.status).toBe(200)
      expect((await server.ended).code).toBe(0)
    },
  )

  it('cuts off what does not end in time', async () => {
    const server = await artifactsOnly('--shutdown-timeout', '1')
    const upload = await withRunningUpload(server)
    server.signal('SIGTERM')
    await expect(upload.status).rejects.toThrow()
    const { code, stderr } = await server.ended
    expect(stderr).toContain('did not end within 1 s and are cut off')
    expect(code).toBe(1)
  })

  it('ends at once at a second signal', async () => {
    const server = await artifactsOnly()
    const upload = await withRunningUpload(server)
    upload.status.catch(() => {})
    server.signal('SIGTERM')
    await expect.poll(() => server.output.stderr).toContain('Stopping')
    await sleep(1100)
    server.signal('SIGTERM')
    expect((await server.ended).code).toBe(143)
  })
})
