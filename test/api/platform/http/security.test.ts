import { describe, expect, it } from 'vitest'
import { createMatcher, DEFAULT_ALLOWED_HOSTS } from '../../../../src/platform/http/security.ts'
import { missing, useService } from '../../../support/services.ts'
import { type RawAnswer, send, sendBytes, useShellApp } from './shell-app.ts'

const GET = '/api/2.0/mlflow/experiments/get?experiment_id=0'
const CREATE = '/api/2.0/mlflow/experiments/create'
const JSON_TYPE = { 'content-type': 'application/json' }
const body = () => JSON.stringify({ name: `security-${crypto.randomUUID()}` })

interface Case {
  title: string
  method: string
  path: string
  headers: Record<string, string>
  body?: () => string
}

const read = (title: string, headers: Record<string, string>, path = GET): Case => ({
  title,
  method: 'GET',
  path,
  headers,
})
const write = (title: string, headers: Record<string, string>): Case => ({
  title,
  method: 'POST',
  path: CREATE,
  headers: { ...JSON_TYPE, ...headers },
  body,
})
const preflight = (title: string, headers: Record<string, string>): Case => ({
  title,
  method: 'OPTIONS',
  path: CREATE,
  headers: { 'access-control-request-method': 'POST', ...headers },
})

const CASES: Case[] = [
  ...['localhost', 'localhost:1', '127.0.0.1:5000', '[::1]', '[::1]:5000', '0.0.0.0:80'].map((host) =>
    read(`a host of this machine, ${host}`, { host }),
  ),
  ...['10.1.2.3', '10.1.2.3:99', '192.168.0.1:5000', '172.16.0.1', '172.31.9.9:1', 'fd00:1', 'fc00:1'].map(
    (host) => read(`a private address, ${host}`, { host }),
  ),
  ...['evil.com', 'localhost.evil.com', '8.8.8.8', '172.15.0.1', '172.32.0.1', '127.0.0.2', 'x10.1.1.1'].map(
    (host) => read(`a foreign host, ${host}`, { host }),
  ),
  read('a foreign host asks for /health', { host: 'evil.com' }, '/health'),
  read('a foreign host asks for /version', { host: 'evil.com' }, '/version'),
  write('a foreign host writes', { host: 'evil.com' }),
  read('no origin', {}),
  ...[
    'http://localhost:3000',
    'http://127.0.0.1',
    'http://[::1]:80',
    'https://localhost:1',
    'null',
    'https://evil.com',
    'http://localhost.evil.com',
  ].flatMap((origin) => [
    read(`the origin ${origin} reads`, { origin }),
    write(`the origin ${origin} writes`, { origin }),
    preflight(`the origin ${origin} asks before`, { origin }),
  ]),
  preflight('asks before a request with headers', {
    origin: 'http://localhost:3000',
    'access-control-request-headers': 'content-type,x-mine',
  }),
  { title: 'a plain OPTIONS', method: 'OPTIONS', path: CREATE, headers: {} },
  {
    title: 'an OPTIONS with an origin',
    method: 'OPTIONS',
    path: CREATE,
    headers: { origin: 'http://localhost' },
  },
]

const COMPARED = [
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
  'access-control-allow-methods',
  'access-control-max-age',
  'access-control-allow-headers',
]

/** What browsers go by. Texts of refusals are the same; other bodies differ in ids and times. */
const essence = ({ status, headers, body: text }: RawAnswer) => ({
  status,
  text: status >= 400 || text === 'OK' ? text : undefined,
  ...Object.fromEntries(COMPARED.map((name) => [name, headers[name]])),
})

describe('hosts and origins', () => {
  const ours = useShellApp()

  it.skipIf(missing('stock')).each(CASES)(
    'are judged as stock MLflow does: $title',
    async ({ method, path, headers, body }) => {
      const { url } = await useService('stock')
      const stock = await send(url, method, path, headers, body?.())
      const answer = await send(ours.url, method, path, headers, body?.())
      expect(essence(answer)).toEqual(essence(stock))
      if (stock.headers['x-frame-options']) {
        expect(answer.headers).toMatchObject({
          'x-frame-options': 'SAMEORIGIN',
          'x-content-type-options': 'nosniff',
        })
      }
    },
  )

  it('take a host in capitals, which stock does not', async () => {
    expect((await send(ours.url, 'GET', GET, { host: 'LOCALHOST:5000' })).status).toBe(200)
  })

  it.each(['//evil.com//api/x', '/\\evil.com//api/x', '/\\/evil.com/api/x'])(
    'lead nobody to another host by %s',
    async (path) => {
      const { status, headers } = await send(ours.url, 'GET', path)
      expect([308, 404]).toContain(status)
      expect(String(headers.location ?? '/')).toMatch(/^\/(?![/\\])/)
    },
  )

  it('refuse a write of a foreign page also by a path with encoded letters', async () => {
    const headers = { ...JSON_TYPE, origin: 'https://evil.com' }
    const answer = await send(ours.url, 'POST', '/%61pi/2.0/mlflow/experiments/create', headers, body())
    expect(answer).toMatchObject({ status: 403, body: 'Cross-origin request blocked' })
  })

  it.each([
    ['/graphql', JSON_TYPE, '{"query": "{ mlflowSearchRuns(input: {}) { nextPageToken } }"}'],
    // What a form of a foreign page may send without asking before.
    ['/graphql', { 'content-type': 'text/plain' }, '{"query": "{ x }"}'],
    ['/ajax-api/2.0/mlflow/upload-artifact?run_uuid=0&path=a.txt', { 'content-type': 'text/plain' }, 'x'],
  ])('refuse a POST of a foreign page to %s', async (path, headers, text) => {
    for (const origin of ['https://evil.com', 'null']) {
      const answer = await send(ours.url, 'POST', path, { ...headers, origin }, text)
      expect(answer).toMatchObject({ status: 403, body: 'Cross-origin request blocked' })
    }
    const own = await send(ours.url, 'POST', path, { ...headers, origin: ours.url }, text)
    expect(own.status).not.toBe(403)
  })

  it('let probes ask /ready by any name', async () => {
    expect((await send(ours.url, 'GET', '/ready', { host: 'pod-17' })).status).toBe(200)
  })
})

describe('allowed hosts and origins', () => {
  const security = {
    allowedHosts: ['mlflow.example.com', '*.internal:5000'],
    allowedOrigins: ['https://app.example.com', 'https://*.team.example.com'],
    xFrameOptions: 'deny',
  }
  const ours = useShellApp({ security })
  const host = 'mlflow.example.com'

  it.each([
    ['mlflow.example.com', 200],
    ['MLflow.Example.com', 200],
    ['mlflow.example.com:80', 200],
    ['a.internal:5000', 200],
    ['A.Internal:5000', 200],
    ['a.internal:5001', 403],
    ['a.internal', 403],
    ['mlflow.example.com.evil.com:80', 403],
    ['mlflow.example.com:80:80', 403],
    ['localhost', 403],
  ])('take the place of the default: %s is answered by %i', async (name, status) => {
    expect((await send(ours.url, 'GET', GET, { host: name })).status).toBe(status)
  })

  it.each([
    ['a second Host header', GET, ['mlflow.example.com', 'evil.com']],
    ['a URL', `http://evil.com${GET}`, ['mlflow.example.com']],
  ])('must hold for the host of %s, too', async (_where, url, hosts) => {
    const lines = [`GET ${url} HTTP/1.1`, ...hosts.map((name) => `Host: ${name}`), 'Connection: close']
    expect(await sendBytes(ours.app, `${lines.join('\r\n')}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 403 /)
    const good = lines.map((line) => line.replace('evil.com', 'mlflow.example.com'))
    expect(await sendBytes(ours.app, `${good.join('\r\n')}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /)
  })

  it.each([
    ['https://app.example.com', true],
    ['https://a.team.example.com', true],
    ['http://localhost:3000', true],
    ['https://app.example.com.evil.com', false],
    ['http://app.example.com', false],
  ])('show answers to the origin %s: %s', async (origin, shown) => {
    const answer = await send(ours.url, 'GET', GET, { host, origin })
    expect(answer.headers['access-control-allow-origin']).toBe(shown ? origin : undefined)
    const written = await send(ours.url, 'POST', CREATE, { ...JSON_TYPE, host, origin }, body())
    expect(written.status).toBe(shown ? 200 : 403)
  })

  it('send the frame option in capitals', async () => {
    expect((await send(ours.url, 'GET', GET, { host })).headers['x-frame-options']).toBe('DENY')
  })
})

describe('a wildcard for origins', () => {
  const ours = useShellApp({
    security: { allowedHosts: ['*'], allowedOrigins: ['*'], xFrameOptions: 'NONE' },
  })

  it('lets every page read and write, without credentials, and in frames', async () => {
    const headers = { ...JSON_TYPE, origin: 'https://anything.example', host: 'anywhere' }
    const answer = await send(ours.url, 'POST', CREATE, headers, body())
    expect(answer.status).toBe(200)
    expect(answer.headers['access-control-allow-origin']).toBe('*')
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined()
    expect(answer.headers['x-frame-options']).toBeUndefined()
  })
})

describe('host patterns', () => {
  it.each([
    ['app-*.internal.com', 'app-1.internal.com', true],
    ['app-*.internal.com', 'app-1xinternal.com', false],
    ['*.a', 'b.a\nc', false],
    ['[[]::1]:*', '[::1]:5000', true],
    ['host-?*', 'host-1', true],
    ['host[0-9]*', 'host7', true],
    ['host[!0-9]*', 'host7', false],
    ['host?', 'host1', false],
    ['*', '', false],
  ])('%s matches %j: %s', (pattern, value, expected) => {
    expect(createMatcher([pattern])(value)).toBe(expected)
  })

  it('allow private addresses of all three ranges by default', () => {
    const isAllowed = createMatcher(DEFAULT_ALLOWED_HOSTS)
    for (const host of ['10.0.0.1', '172.20.1.1:80', '192.168.1.1']) expect(isAllowed(host)).toBe(true)
  })
})
