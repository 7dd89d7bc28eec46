// Traces that the server tells of its own requests: to a receiver of OTLP, to another server, and to nobody.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { createRun, type RunningServer, runServer } from './program.ts'

const SECRET = 'hunter2'
const PARENT = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' }
const layout = { CRATEFLOW_CRATEDB_SHARDS: '1', CRATEFLOW_CRATEDB_REPLICAS: '0' }
const STORE = 'pglite:./store'
/** Sends what there is at once, and gives up soon. */
const quick = { OTEL_BSP_SCHEDULE_DELAY: '50', OTEL_EXPORTER_OTLP_TIMEOUT: '400' }

const receivers: OtlpReceiver[] = []
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.close()
})

async function receive(): Promise<OtlpReceiver> {
  const receiver = await startOtlpReceiver()
  receivers.push(receiver)
  return receiver
}

const serve = (uri: string, endpoint: string, env: Record<string, string> = {}, port = 0) =>
  runServer(['--backend-store-uri', uri, '--port', String(port)], {
    env: { ...layout, ...quick, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...env },
  })

/** A port that is free at the moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function stop(server: RunningServer): Promise<void> {
  server.signal('SIGTERM')
  expect((await server.ended).code).toBe(0)
}

/** Requests whose values hold the secret, in a body, a filter, a path, a query and a header. */
async function useServer(server: RunningServer): Promise<void> {
  const run = await createRun(server)
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${SECRET}`,
    traceparent: `00-${PARENT.trace}-${PARENT.span}-01`,
  }
  const body = JSON.stringify({ run_id: run, key: SECRET, value: SECRET })
  await fetch(`${server.url}/api/2.0/mlflow/runs/log-parameter`, { method: 'POST', headers, body })
  const search = { experiment_ids: ['0'], filter: `params.${SECRET} = '${SECRET}'` }
  await server.request('POST', '/api/2.0/mlflow/runs/search', search)
  const file = `/api/2.0/mlflow-artifacts/artifacts/0/${run}/artifacts/${SECRET}.txt`
  await server.request('PUT', file, { raw: SECRET })
  expect((await server.request('GET', file)).body).toBe(SECRET)
  await server.request('GET', `/api/2.0/mlflow/runs/get?run_id=${SECRET}`)
  await server.request('POST', '/api/crateflow/1.0/sql/query', { statement: `SELECT '${SECRET}' AS x` })
  for (const probe of ['/health', '/ready', '/version', '/metrics']) await server.request('GET', probe)
}

describeEachEngine('traces of requests', (engine) => {
  it('tell of requests, their statements and files, below spans of clients, without any value', async () => {
    const receiver = await receive()
    const server = await serve(engine.uri, receiver.url, {
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=abc',
      OTEL_SERVICE_NAME: 'our-server',
      MLFLOW_EXPOSE_PROMETHEUS: 'on',
    })
    await useServer(server)
    await stop(server)
    const spans = receiver.spans()
    const named = (name: string) => spans.filter((span) => span.name === name)
    const [logged] = named('POST /api/2.0/mlflow/runs/log-parameter')
    expect(logged).toMatchObject({
      kind: 'SERVER',
      traceId: PARENT.trace,
      parentSpanId: PARENT.span,
      status: 'UNSET',
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/api/2.0/mlflow/runs/log-parameter',
        'http.response.status_code': 200,
      },
    })
    const below = spans.filter(({ parentSpanId }) => parentSpanId === logged?.spanId)
    expect(below.map(({ name }) => name).join()).toMatch(/SELECT runs/)
    expect(below.map(({ name }) => name).join()).toMatch(/INSERT .*params/)
    expect(below.every(({ kind, traceId }) => kind === 'CLIENT' && traceId === PARENT.trace)).toBe(true)
    const [missing] = named('GET /api/2.0/mlflow/runs/get')
    expect(missing).toMatchObject({
      status: 'UNSET',
      attributes: { 'http.response.status_code': 404, 'crateflow.error_code': 'RESOURCE_DOES_NOT_EXIST' },
    })
    expect(named('SELECT of a user')).toHaveLength(1)
    expect(named('artifacts write')).toHaveLength(1)
    expect(named('artifacts open')).toHaveLength(1)
    expect(spans.filter(({ name }) => /\/(health|ready|version|metrics)$/.test(name))).toEqual([])
    expect(receiver.resource()).toMatchObject({ 'service.name': 'our-server' })
    expect(receiver.headers().every((headers) => headers['x-key'] === 'abc')).toBe(true)
    // Roots are requests: what the server does by itself is not told.
    expect(spans.filter((span) => span.parentSpanId === '' && span.kind !== 'SERVER')).toEqual([])
    expect(JSON.stringify(spans)).not.toContain(SECRET)
  })

  it('are shown by a server that they are sent to, be it the same one', async () => {
    const port = await freePort()
    const toItself = {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${port}/v1/traces`,
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-mlflow-experiment-id=0',
    }
    const itself = await serve(engine.uri, '', toItself, port)
    await itself.request('GET', '/api/2.0/mlflow/experiments/get?experiment_id=0')
    const count = async (name: string) => {
      const { body } = await itself.request('POST', '/api/3.0/mlflow/traces/search', {
        locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '0' } }],
        filter: `span.name = '${name}'`,
      })
      return (body as { traces?: unknown[] }).traces?.length ?? 0
    }
    await expect.poll(() => count('GET /api/2.0/mlflow/experiments/get'), { timeout: 10_000 }).toBe(1)
    await expect
      .poll(() => count('POST /api/3.0/mlflow/traces/search'), { timeout: 10_000 })
      .toBeGreaterThan(0)
    expect(await count('POST /v1/traces')).toBe(0)
    await stop(itself)
  })
})

describe('traces of requests', () => {
  it('that nobody takes hold up neither requests nor the end of the server, and make one line', async () => {
    const server = await serve(STORE, 'http://127.0.0.1:1')
    await createRun(server)
    await expect.poll(() => server.output.stderr).toContain('Traces of requests were not sent')
    await createRun(server)
    const began = performance.now()
    await stop(server)
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(server.output.stderr.match(/were not sent/g)).toHaveLength(1)
  })

  it('that are refused make a line that tells why', async () => {
    const port = await freePort()
    const server = await serve(STORE, `http://127.0.0.1:${port}`, {}, port)
    await createRun(server)
    await expect
      .poll(() => server.output.stderr)
      .toMatch(/Traces of requests were not sent.*: Unprocessable Entity: .*x-mlflow-experiment-id/)
    await stop(server)
  })

  it('are left out by the sampler', async () => {
    const receiver = await receive()
    const server = await serve(STORE, receiver.url, { OTEL_TRACES_SAMPLER: 'always_off' })
    await createRun(server)
    await stop(server)
    expect(receiver.spans()).toEqual([])
  })
})
