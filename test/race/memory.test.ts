// A server that is sent more than it can work off: it slows its clients down, stays alive and recovers.
import { readFileSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createRun, type RunningServer, runServer } from '../cli/program.ts'
import { describeEachEngine } from '../support/engines.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const API = '/api/2.0/mlflow'
const MIB = 1024 * 1024
const SECONDS = 10
/** What the server's heap may have; without bounds it would be full after a second. */
const HEAP_MIB = 512
const PEAK_MIB = 1000
/** What forty searches of 35 MB may add; each holds some megabytes of its answer. */
const SEARCHES_MIB = 800

const peakOf = (pid: number) =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

/** The status of the answer; 0 when the connection broke. */
function post(url: string, path: string, body: Buffer, agent: Agent): Promise<number> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const sent = httpRequest(url + path, { method: 'POST', agent, headers }, (answer) => {
      answer
        .resume()
        .on('end', () => resolve(answer.statusCode ?? 0))
        .on('error', () => resolve(0))
    })
    sent.on('error', () => resolve(0)).end(body)
  })
}

const batchOf = (runId: string, number: number) =>
  Buffer.from(
    JSON.stringify({
      run_id: runId,
      metrics: Array.from({ length: 1000 }, (_, index) => ({
        key: `metric ${index}`,
        value: number,
        timestamp: 1,
        step: number,
      })),
    }),
  )

describeEachEngine(
  'a server whose database hangs',
  (engine) => {
    it('keeps its memory bounded, answers /health and recovers, whatever it is sent', async () => {
      const url = new URL(engine.uri.replace(/^\w+:/, 'http:'))
      const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port || 5432) })
      url.host = `127.0.0.1:${proxy.port}`
      const uri = url.href.replace('http', engine.uri.slice(0, engine.uri.indexOf(':')))
      const server = await runServer(['--workers', '1', '--backend-store-uri', uri], {
        env: { CRATEFLOW_CRATEDB_SHARDS: '1', NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` },
      })
      const runId = await createRun(server)
      const agent = new Agent({ keepAlive: true })
      proxy.stall()

      const deadline = Date.now() + SECONDS * 1000
      const statuses = new Set<number>()
      const sendOn = async (path: string, body: (number: number) => Buffer) => {
        for (let number = 0; Date.now() < deadline; number++) {
          statuses.add(
            await Promise.race([post(server.url, path, body(number), agent), sleep(SECONDS * 1000, 0)]),
          )
        }
      }
      const huge = Buffer.from(JSON.stringify({ run_id: runId, key: 'k', value: 'x'.repeat(60 * MIB) }))
      const clients = [
        ...Array.from({ length: 48 }, () =>
          sendOn(`${API}/runs/log-batch`, (number) => batchOf(runId, number)),
        ),
        ...Array.from({ length: 16 }, () => sendOn(`${API}/runs/set-tag`, () => huge)),
      ]
      const slowest = watchHealth(server, deadline)
      await Promise.all(clients)
      expect(await slowest).toBeLessThan(5_000)
      expect(peakOf(server.pid)).toBeLessThan(PEAK_MIB)
      expect([...statuses].filter((status) => ![0, 400, 429, 503].includes(status))).toEqual([])

      agent.destroy()
      proxy.flow()
      const point = { run_id: runId, key: 'after', value: 1, timestamp: 1, step: 1 }
      const log = () => server.request('POST', `${API}/runs/log-metric`, point).then(({ status }) => status)
      await expect.poll(log, { timeout: 90_000, interval: 500 }).toBe(200)
      server.signal('SIGTERM')
      await server.ended
      await proxy.close()
    })
  },
  ['CrateDB'],
)

/** The longest time in milliseconds that /health took. */
async function watchHealth(server: RunningServer, deadline: number): Promise<number> {
  let slowest = 0
  while (Date.now() < deadline) {
    const begun = Date.now()
    expect((await server.request('GET', '/health')).status).toBe(200)
    slowest = Math.max(slowest, Date.now() - begun)
    await sleep(200)
  }
  return slowest
}

/** Sends a request and reads nothing of the answer. */
function askUnread(url: string, request: string) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').pause()
  socket.on('error', () => {})
  socket.write(request)
  return socket
}

describeEachEngine(
  'readers that never read',
  (engine) => {
    it('lose their connections before the memory is full', async () => {
      const server = await runServer(['--workers', '1', '--backend-store-uri', engine.uri], {
        env: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` },
      })
      const runId = await createRun(server)
      const tags = Array.from({ length: 100 }, (_, index) => ({
        key: `tag ${index}`,
        value: 'x'.repeat(8000),
      }))
      for (let part = 0; part < 6; part++) {
        const more = tags.map(({ key, value }) => ({ key: `${key} of ${part}`, value }))
        expect(
          (await server.request('POST', `${API}/runs/log-batch`, { run_id: runId, tags: more })).status,
        ).toBe(200)
      }
      // 4.8 MB each, and the kernel takes some of it.
      const request = `GET ${API}/runs/get?run_id=${runId} HTTP/1.1\r\nHost: localhost\r\n\r\n`
      const sockets = Array.from({ length: 150 }, () => askUnread(server.url, request))
      await expect
        .poll(async () => (await server.request('GET', '/health')).status, { timeout: 30_000 })
        .toBe(200)
      await sleep(SECONDS * 1000)
      expect(peakOf(server.pid)).toBeLessThan(PEAK_MIB)
      const read = () => server.request('GET', `${API}/runs/get?run_id=${runId}`).then(({ status }) => status)
      await expect.poll(read, { timeout: 60_000, interval: 500 }).toBe(200)
      for (const socket of sockets) socket.destroy()
    })
  },
  ['CrateDB'],
)

describeEachEngine(
  'many who search for much at once',
  (engine) => {
    it('and never read hold up neither writes nor other searches, and leave no errors in the log', async () => {
      const server = await runServer(['--workers', '1', '--backend-store-uri', engine.uri], {
        env: { CRATEFLOW_CRATEDB_SHARDS: '1', NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` },
      })
      const params = Array.from({ length: 100 }, (_, index) => ({
        key: `param ${index}`,
        value: 'x'.repeat(5900),
      }))
      let runId = ''
      for (let run = 0; run < 60; run++) {
        runId = await createRun(server)
        const batch = { run_id: runId, params }
        expect((await server.request('POST', `${API}/runs/log-batch`, batch)).status).toBe(200)
      }
      const before = peakOf(server.pid)
      // 35 MB each.
      const body = JSON.stringify({ experiment_ids: ['0'], max_results: 1000 })
      const headers = `Host: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`
      const request = `POST ${API}/runs/search HTTP/1.1\r\n${headers}\r\n\r\n${body}`
      const sockets = Array.from({ length: 40 }, () => askUnread(server.url, request))
      const deadline = Date.now() + SECONDS * 1000
      const statuses = new Set<number>()
      for (let step = 0; Date.now() < deadline; step++) {
        const point = { run_id: runId, key: 'loss', value: 1, timestamp: 1, step }
        statuses.add((await server.request('POST', `${API}/runs/log-metric`, point)).status)
        await sleep(100)
      }
      expect([...statuses]).toEqual([200])
      const searched = await server.request('POST', `${API}/runs/search`, JSON.parse(body))
      expect((searched.body as { runs: unknown[] }).runs).toHaveLength(60)
      expect(peakOf(server.pid) - before).toBeLessThan(SEARCHES_MIB)
      for (const socket of sockets) socket.destroy()
      server.signal('SIGTERM')
      const { stderr } = await server.ended
      expect(stderr).not.toMatch(/"level":"(?:warn|error|fatal)"/)
    })
  },
  ['PGlite', 'CrateDB'],
)
