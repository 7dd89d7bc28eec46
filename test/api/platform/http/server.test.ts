import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { missing, useService } from '../../../support/services.ts'
import { send, sendBytes, useShellApp } from './shell-app.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const SEARCH = '/api/2.0/mlflow/experiments/search'

describe('the server about itself', () => {
  const ours = useShellApp()

  it.each([
    ['GET', '/health', 'OK'],
    ['GET', '/version', '3.17.2'],
    ['HEAD', '/health', ''],
  ])('answers %s %s by %j', async (method, path, text) => {
    expect(await send(ours.url, method, path)).toMatchObject({ status: 200, body: text })
  })

  it.skipIf(missing('stock'))(
    'tells the version and capabilities that stock tells, but those it lacks',
    async () => {
      const { url } = await useService('stock')
      for (const path of ['/health', '/version']) {
        const [stock, answer] = [await send(url, 'GET', path), await send(ours.url, 'GET', path)]
        expect(answer.body).toBe(stock.body)
        expect(answer.headers['content-type']).toBe(stock.headers['content-type'])
      }
      for (const prefix of ['/api', '/ajax-api']) {
        const path = `${prefix}/3.0/mlflow/server-info`
        const [stock, answer] = [await send(url, 'GET', path), await send(ours.url, 'GET', path)]
        expect(JSON.parse(answer.body)).toEqual({
          ...JSON.parse(stock.body),
          features_enabled: { gateway: false },
        })
      }
    },
  )

  it('is ready while the database answers', async () => {
    expect(await ours.request('GET', '/ready')).toMatchObject({ status: 200, body: { status: 'ready' } })
  })
})

describe('a server in front of an object store', () => {
  const artifacts = { destination: 's3://bucket/prefix', only: false, s3: {}, presignedDownloadSeconds: 300 }
  const ours = useShellApp({}, { artifacts })

  it('tells clients that files may go there in parts', async () => {
    expect((await ours.request('GET', '/api/3.0/mlflow/server-info')).body).toMatchObject({
      multipart_uploads_enabled: true,
      multipart_downloads_enabled: true,
    })
  })
})

describe('request ids', () => {
  const ours = useShellApp()
  const idOf = async (headers: Record<string, string>) =>
    (await send(ours.url, 'GET', '/health', headers)).headers['x-request-id']

  it('come from the client when they are sane', async () => {
    expect(await idOf({ 'x-request-id': 'trace-1/abc:2' })).toBe('trace-1/abc:2')
  })

  it.each([['a b'], ['x'.repeat(129)], ['{"level":"error"}'], ['']])(
    'are made anew for %j',
    async (given) => {
      expect(await idOf({ 'x-request-id': given })).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/)
    },
  )

  it('are in answers that failed, too', async () => {
    const answer = await send(ours.url, 'GET', '/nowhere', { 'x-request-id': 'mine' })
    expect(answer).toMatchObject({ status: 404, headers: { 'x-request-id': 'mine' } })
  })
})

describe('requests that are none', () => {
  const ours = useShellApp()
  const codeOf = (text: string) => JSON.parse(text).error_code

  it('are answered in the form of MLflow', async () => {
    const broken = await send(ours.url, 'POST', SEARCH, JSON_TYPE, '{"max_results": ')
    expect(broken.status).toBe(400)
    expect(codeOf(broken.body)).toBe('INVALID_PARAMETER_VALUE')
    const unknown = await send(ours.url, 'GET', '/api/2.0/mlflow/nonsense')
    expect(unknown.status).toBe(404)
    expect(codeOf(unknown.body)).toBe('ENDPOINT_NOT_FOUND')
  })

  it('are answered in the form of MLflow when the path cannot be decoded', async () => {
    const answer = await send(ours.url, 'GET', '/api/%zz')
    expect(answer.status).toBe(400)
    expect(codeOf(answer.body)).toBe('INVALID_PARAMETER_VALUE')
  })

  it('are refused when the JSON body is longer than 64 MiB, also to clients that send all before they read', async () => {
    const body = Buffer.alloc(80 * 1024 * 1024, 'x')
    const { port } = new URL(ours.url)
    const head = `POST ${SEARCH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
    const socket = connect(Number(port), 'localhost')
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject).pause()
      socket.write(head)
      socket.write(body, () => resolve())
    })
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString()).toMatch(
      /^HTTP\/1.1 400 .*"INVALID_PARAMETER_VALUE","message":"The request body is too large\."/s,
    )
  })

  it.each([
    ['', "Content-Type must be one of ['application/json']."],
    [undefined, 'Content-Type header is missing.'],
    ['no type', "Content-Type must be one of ['application/json']."],
    ['text/plain', "Content-Type must be one of ['application/json']."],
  ])('are refused with the content type %j', async (contentType, text) => {
    const headers: Record<string, string> = contentType === undefined ? {} : { 'content-type': contentType }
    const answer = await send(ours.url, 'POST', SEARCH, headers, '{"max_results": 1}')
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.body)).toMatchObject({
      error_code: 'INVALID_PARAMETER_VALUE',
      message: `Bad Request. ${text}`,
    })
  })

  it('are read when a query is long, and refused when headers are endless', async () => {
    const long = await send(ours.url, 'GET', `/health?${'x'.repeat(40_000)}`)
    expect(long.status).toBe(200)
    const endless = await sendBytes(
      ours.app,
      `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`,
    )
    expect(endless).toMatch(/^HTTP\/1\.1 431 .*"error_code":"BAD_REQUEST"/s)
  })

  it('are refused when they are not HTTP', async () => {
    expect(await sendBytes(ours.app, 'hello\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\n.*BAD_REQUEST/s,
    )
  })

  it('do not hurt the next request', async () => {
    expect((await send(ours.url, 'GET', '/health')).status).toBe(200)
  })
})

describe('a page token of another endpoint', () => {
  const ours = useShellApp()

  it('is read by its offset', async () => {
    const token = Buffer.from('{"offset":1,"after":[]}').toString('base64')
    const answer = await send(ours.url, 'GET', `${SEARCH}?max_results=1&page_token=${token}`)
    expect(answer.status).toBe(200)
  })
})

describe('a query with a % that starts no escape', () => {
  const ours = useShellApp()

  it('keeps it and decodes the rest', async () => {
    const filter = "name%20LIKE%20'Def%'"
    const answer = await send(ours.url, 'GET', `${SEARCH}?max_results=5&filter=${filter}`)
    expect(answer.status).toBe(200)
    expect(JSON.parse(String(answer.body)).experiments).toMatchObject([{ name: 'Default' }])
  })
})

describe('addresses that only old clients ask', () => {
  const ours = useShellApp()

  it('are answered as those of today', async () => {
    const preview = '/api/2.0/preview/mlflow/registered-models'
    const create = await send(ours.url, 'POST', `${preview}/create`, JSON_TYPE, '{"name": "old"}')
    expect(create.status).toBe(200)
    const today = await send(ours.url, 'GET', '/api/2.0/mlflow/registered-models/get?name=old')
    expect(await send(ours.url, 'GET', `${preview}/get?name=old`)).toMatchObject({
      status: 200,
      body: today.body,
    })
    expect((await send(ours.url, 'GET', `${preview}/absent`)).status).toBe(404)
  })
})

describe('metrics for Prometheus', () => {
  const ours = useShellApp({ metrics: true })
  const without = useShellApp()

  it('count requests by route, method and status, and leave probes out', async () => {
    await send(ours.url, 'GET', '/health')
    await send(ours.url, 'GET', '/api/2.0/mlflow/experiments/get?experiment_id=0')
    await send(ours.url, 'GET', '/api/2.0/mlflow/experiments/get?experiment_id=0')
    await send(ours.url, 'GET', '/api/2.0/mlflow/experiments/get?experiment_id=999')
    await send(ours.url, 'GET', '/random/path')
    const { body, headers } = await send(ours.url, 'GET', '/metrics')
    expect(headers['content-type']).toMatch(/^text\/plain; version=/)
    const route = 'route="/api/2.0/mlflow/experiments/get"'
    expect(body).toContain(`mlflow_http_request_total{method="GET",${route},status="200"} 2`)
    expect(body).toContain(`mlflow_http_request_total{method="GET",${route},status="404"} 1`)
    expect(body).toContain('mlflow_http_request_total{method="GET",route="unknown",status="404"} 1')
    expect(body).toContain(`mlflow_http_request_duration_seconds_count{method="GET",${route},status="200"} 2`)
    expect(body).toMatch(/^process_resident_memory_bytes \d+/m)
    expect(body).toMatch(/^nodejs_eventloop_lag_p99_seconds /m)
    expect(body).not.toContain('/health')
    expect(body).not.toContain('/random')
  })

  it('are not served unless asked for', async () => {
    expect((await send(without.url, 'GET', '/metrics')).status).toBe(404)
  })
})
