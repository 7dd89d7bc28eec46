// Spans of requests, told to whoever is given to the app: which there are, what is below which, and that each ends.
import { type AddressInfo, connect } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { OpenSpan, Tracing } from '../../../../src/platform/active-span.ts'
import { openEngine } from '../../../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../../../src/platform/database/uri.ts'
import { startApp, type TestApp } from '../../../support/app.ts'
import { describeEachEngine } from '../../../support/engines.ts'

interface Told {
  name: string
  /** Names of spans below it, in the order of their beginning. */
  below: string[]
  ends: (string | undefined)[]
}

/** Keeps what it is told of all but requests of that name, as a sampler would leave some out. */
function recordedTracing(leftOut: string) {
  const told: Told[] = []
  const tracing: Tracing = {
    beginRequest({ name }) {
      if (name === leftOut) return undefined
      const span: Told = { name, below: [], ends: [] }
      told.push(span)
      return {
        end: (failure) => void span.ends.push(failure),
        begin(below): OpenSpan {
          span.below.push(below)
          return { end: () => {} }
        },
      }
    },
    close: async () => {},
  }
  return { told, tracing }
}

const API = '/api/2.0/mlflow'

/** Statements about an experiment are below it, and none of metrics. */
function expectOfExperiment(span: Told | undefined): void {
  expect(span?.below.length).toBeGreaterThan(0)
  expect(span?.below.filter((name) => !/^(SELECT|REFRESH) experiment/.test(name))).toEqual([])
}

describeEachEngine('spans', (engine) => {
  const { told, tracing } = recordedTracing(`GET ${API}/metrics/get-history`)
  const held = { release: () => {}, until: Promise.resolve() }
  let server: TestApp
  let runId = ''

  beforeAll(async () => {
    const own = await openEngine(parseBackendUri(engine.uri), {
      maxConnections: 4,
      intercept: (connection) => ({
        ...connection,
        query: async (...asked) => {
          await held.until
          return connection.query(...asked)
        },
      }),
    })
    const shell = { staticPrefix: '', security: undefined, metrics: false, documentation: false, tracing }
    server = await startApp(engine, { engine: own, shell })
    await server.app.listen({ host: '127.0.0.1', port: 0 })
    const { body } = await server.request('POST', `${API}/runs/create`, { experiment_id: '0' })
    runId = (body as { run: { info: { run_id: string } } }).run.info.run_id
    told.length = 0
  })
  afterEach(() => {
    held.release()
    Object.assign(held, { until: Promise.resolve() })
    told.length = 0
  })
  afterAll(async () => {
    const { engine: own } = server
    await server.close()
    await own.close()
  })

  const hold = () =>
    Object.assign(held, {
      until: new Promise<void>((resolve) => {
        held.release = resolve
      }),
    })
  const log = (key: string) =>
    server.request('POST', `${API}/runs/log-metric`, { run_id: runId, key, value: 1, timestamp: 1 })

  it('of requests at once have their own statements, and of what they share the first has all', async () => {
    hold()
    const requests = [
      log('a'),
      log('b'),
      log('c'),
      server.request('GET', `${API}/experiments/get?experiment_id=0`),
    ]
    await expect.poll(() => told.length).toBe(4)
    held.release()
    for (const { status } of await Promise.all(requests)) expect(status).toBe(200)
    const found = told.find(({ name }) => name === `GET ${API}/experiments/get`)
    expectOfExperiment(found)
    const logged = told.filter(({ name }) => name === `POST ${API}/runs/log-metric`)
    const writes = logged.map(({ below }) => below.filter((name) => /INSERT/.test(name)).length)
    expect(writes.some((count) => count > 0)).toBe(true)
    await expect.poll(() => told.every(({ ends }) => ends.length === 1)).toBe(true)
  })

  it('end as aborted when the client leaves', async () => {
    hold()
    const { port } = server.app.server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET ${API}/experiments/get?experiment_id=0 HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    await expect.poll(() => told.length).toBe(1)
    socket.destroy()
    await expect.poll(() => told[0]?.ends).toEqual(['aborted'])
  })

  it('of requests that the sampler leaves out have nothing below others', async () => {
    hold()
    const left = server.request('GET', `${API}/metrics/get-history?run_id=${runId}&metric_key=a`)
    const traced = server.request('GET', `${API}/experiments/get?experiment_id=0`)
    await expect.poll(() => told.length).toBe(1)
    held.release()
    await Promise.all([left, traced])
    expect(told).toHaveLength(1)
    expectOfExperiment(told[0])
  })

  it('are named by the route, and tell errors of the server alone', async () => {
    await server.request('GET', `${API}/runs/get?run_id=none`)
    await server.request('GET', '/nowhere/secret')
    await server.request('GET', '/health')
    await server.request('POST', '/v1/traces', { raw: '{}', contentType: 'application/json' })
    expect(told.map(({ name, ends }) => [name, ends])).toEqual([
      [`GET ${API}/runs/get`, [undefined]],
      ['GET', [undefined]],
    ])
  })
})
