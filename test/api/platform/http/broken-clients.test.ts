// Bytes that are not quite HTTP, or not what they announce: all of them are answered, none is worked off.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { deflateSync, gzipSync } from 'node:zlib'
import fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registerErrorHandler } from '../../../../src/platform/http/error-handler.ts'
import { registerJsonBody } from '../../../../src/platform/http/json-body.ts'
import { registerTimeLimits, timeLimitOptions } from '../../../../src/platform/http/time-limits.ts'
import { useShellApp } from './shell-app.ts'

const PATH = '/api/2.0/mlflow/experiments/search'
const SEARCH = '{"max_results":5}'
const GET = 'GET /health HTTP/1.1\r\nHost: localhost\r\n'

const post = (...lines: string[]) =>
  [`POST ${PATH} HTTP/1.1`, 'Host: localhost', 'Content-Type: application/json', ...lines].join('\r\n')
const chunked = (...lines: string[]) => post('Transfer-Encoding: chunked', '', ...lines)
const encoded = (encoding: string, body: Buffer) => {
  const head = post(`Content-Encoding: ${encoding}`, `Content-Length: ${body.length}`, 'Connection: close')
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body])
}

/** Sends bytes, and a FIN behind them if asked to; answers what came back until the server closed. */
function exchange(port: number, bytes: string | Buffer, end = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(bytes)
      if (end) socket.end()
    })
    let answer = ''
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text
    })
    // Who still sends while he is refused sees the connection break.
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
    socket.setTimeout(20_000, () =>
      reject(new Error(`The connection is open still; answered was: ${answer}`)),
    )
  })
}

const REFUSED = /^HTTP\/1\.1 400 .*\r\n\r\n\{"error_code":"BAD_REQUEST","message":"Bad Request"/s
const TOO_LARGE = /^HTTP\/1\.1 431 .*\r\n\r\n\{"error_code":"BAD_REQUEST","message":"Request Header Fields/s

const ours = useShellApp()
const ask = (bytes: string | Buffer, end = false) =>
  exchange((ours.app.server.address() as AddressInfo).port, bytes, end)

describe('a request', () => {
  it.each([
    ['two lengths', post('Content-Length: 17', 'Content-Length: 18', '', SEARCH)],
    ['a length and chunks', post('Content-Length: 5', 'Transfer-Encoding: chunked', '', '0\r\n\r\n')],
    ['a negative length', post('Content-Length: -1', '', SEARCH)],
    ['a length beyond all numbers', post(`Content-Length: ${'9'.repeat(40)}`, '', SEARCH)],
    ['a length in hexadecimal', post('Content-Length: 0x11', '', SEARCH)],
    ['chunks without sizes', chunked('zz', '{}', '0\r\n\r\n')],
    ['chunks of negative size', chunked('-2', '{}', '0\r\n\r\n')],
    ['a chunk beyond all numbers', chunked('f'.repeat(17), '{}')],
    ['a chunk that is longer than its size', chunked('2', '{}xx0\r\n\r\n')],
    ['the extension of a chunk without end', chunked(`2;${'x'.repeat(40_000)}`, '{}', '0\r\n\r\n')],
    ['an encoding that is not the last', post('Transfer-Encoding: chunked, gzip', '', '0\r\n\r\n')],
    ['NUL in a header', `${GET}X: a\0b\r\n\r\n`],
    ['a space behind the name of a header', `${GET}X : a\r\n\r\n`],
    ['lines that end with a line feed', GET.replaceAll('\r', '').concat('\n')],
    ['lines that end with a carriage return', GET.replaceAll('\n', '').concat('\r')],
    ['NUL in the path', GET.replace('health', 'he\0alth').concat('\r\n')],
    ['a method that nobody knows', GET.replace('GET', 'BREW').concat('\r\n')],
    ['the start of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['the start of TLS', Buffer.from('16030100c2010000be0303', 'hex')],
  ])('with %s is refused, and the connection closed', async (_what, bytes) => {
    expect(await ask(bytes)).toMatch(REFUSED)
  })

  it.each([
    ['a body shorter than its length', post('Content-Length: 100', '', SEARCH)],
    ['a chunk shorter than its size', chunked('11', '{"max_re')],
    ['headers without end', GET],
  ])('that ends with %s is refused', async (_what, bytes) => {
    expect(await ask(bytes, true)).toMatch(REFUSED)
  })

  it('with a body longer than its length is answered; the rest is no request', async () => {
    const answer = await ask(post('Content-Length: 17', '', SEARCH + SEARCH))
    expect(answer).toMatch(/^HTTP\/1\.1 (200 OK.*HTTP\/1\.1 )?400 Bad Request/s)
  })

  it.each([
    ['headers of a megabyte', `${GET}${'Name-of-a-header: b\r\n'.repeat(50_000)}\r\n`],
    ['a path of a megabyte', `GET /${'x'.repeat(1_000_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`],
    ['trailers of a megabyte', chunked('2', '{}', `0\r\n${'Name-of-a-header: b\r\n'.repeat(50_000)}\r\n`)],
  ])('with %s is refused', async (_what, bytes) => {
    expect(await ask(bytes)).toMatch(TOO_LARGE)
  })

  it('with thousands of small headers is answered', async () => {
    const bytes = `${GET}Connection: close\r\n${'A: b\r\n'.repeat(5000)}\r\n`
    // Newer releases of Node.js refuse more than 2,000 of them; older ones drop what comes behind.
    const bare = createServer(timeLimitOptions.http, (_request, answer) => answer.end('OK'))
    await once(bare.listen(0, '127.0.0.1'), 'listening')
    const isRefused = (await exchange((bare.address() as AddressInfo).port, bytes)).includes(' 431 ')
    bare.close()
    expect(await ask(bytes)).toMatch(isRefused ? TOO_LARGE : / 200 OK.*OK$/s)
  })

  it.each([
    ['PROPFIND', 404],
    ['TRACE', 404],
    ['SEARCH', 404],
    ['DELETE', 404],
  ])('by %s, which its path does not have, finds nothing', async (method, status) => {
    const answer = await ask(`${method} ${PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*"error_code":"ENDPOINT_NOT_FOUND"`, 's'))
  })

  it.each([
    ['an upgrade to HTTP/2', `${GET}Connection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n`],
    [
      'a whole URL of another host',
      GET.replace('/health', 'http://elsewhere/health').concat('Connection: close\r\n\r\n'),
    ],
    ['HTTP/1.0', 'GET /health HTTP/1.0\r\n\r\n'],
  ])('for %s is answered as any other', async (_what, bytes) => {
    expect(await ask(bytes)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nOK$/s)
  })

  it('to be a tunnel is never one', async () => {
    expect(await ask('CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n')).toBe('')
  })

  it.each([
    ['gzip', encoded('gzip', gzipSync(SEARCH))],
    ['deflate', encoded('deflate', deflateSync(SEARCH))],
  ])('with a body in %s is refused, as stock MLflow does not read it either', async (_name, bytes) => {
    expect(await ask(bytes)).toMatch(/^HTTP\/1\.1 400 .*The request body is not valid JSON/s)
  })

  it('with JSON that is said to be gzip is read, as stock MLflow reads it', async () => {
    expect(await ask(encoded('gzip', Buffer.from(SEARCH)))).toMatch(/^HTTP\/1\.1 200 OK\r\n.*"experiments"/s)
  })

  it('with JSON in UTF-16 is read, as by stock, and half a character of it refused', async () => {
    const text = Buffer.from(SEARCH, 'utf16le')
    expect(await ask(encoded('identity', text))).toMatch(/^HTTP\/1\.1 200 OK\r\n.*"experiments"/s)
    expect(await ask(encoded('identity', text.subarray(1)))).toMatch(/^HTTP\/1\.1 400 .*valid JSON/s)
  })
})

describe('requests in one go', () => {
  const get = (name: string) =>
    `GET /api/2.0/mlflow/experiments/get-by-name?experiment_name=${name} HTTP/1.1\r\nHost: localhost\r\n\r\n`

  it('are answered in their order', async () => {
    const names = Array.from({ length: 500 }, (_, i) => `missing-${i}`)
    const last = `${GET}Connection: close\r\n\r\n`
    const answer = await ask(names.map(get).join('') + last)
    const answered = [...answer.matchAll(/with name '(missing-\d+)'/g)].map(([, name]) => name)
    expect(answered).toEqual(names)
  })

  it('are answered until the first that is none', async () => {
    const answer = await ask(`${get('one')}${get('two')}nonsense\r\n\r\n${get('three')}`)
    expect(answer).not.toContain('three')
    expect(answer).toMatch(/HTTP\/1\.1 400 Bad Request/)
  })

  it('are no longer read when their answers are not', async () => {
    const { port } = ours.app.server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.pause().on('error', () => {})
    const requests = `${GET}X: ${'x'.repeat(4000)}\r\n\r\n`.repeat(250)
    let sent = 0
    while (sent < 200 && (socket.write(requests) || (await drained(socket)))) sent++
    socket.destroy()
    expect(sent).toBeLessThan(200)
    expect((await ask(`${GET}Connection: close\r\n\r\n`)).slice(0, 15)).toBe('HTTP/1.1 200 OK')
  })
})

/** Whether the socket takes more within a second. */
const drained = (socket: ReturnType<typeof connect>) =>
  Promise.race([
    once(socket, 'drain').then(() => true),
    new Promise<false>((resolve) => setTimeout(() => resolve(false), 1000)),
  ])

describe('a body beyond the limit', () => {
  const LIMIT = 1024 * 1024
  const app = fastify({ ...timeLimitOptions, bodyLimit: LIMIT })
  let port = 0

  beforeAll(async () => {
    registerErrorHandler(app)
    // Room for one body and a half: what were not given back would be missed by the next.
    registerJsonBody(app, { laneBytes: 1.5 * LIMIT, waitMs: 500 })
    registerTimeLimits(app, { jsonMs: 5000, unreadMs: 300 })
    app.post(PATH, async () => ({ done: true }))
    await app.listen({ host: '127.0.0.1', port: 0 })
    port = (app.server.address() as AddressInfo).port
  })
  afterAll(() => app.close())

  /** Bytes of an endless body that the server takes before it hangs up. */
  async function pour(head: string): Promise<{ taken: number; answer: string }> {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text
    })
    const closed = new Promise((resolve) => socket.on('error', () => {}).on('close', resolve))
    socket.write(head)
    const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`
    const pourOn = () => {
      while (!socket.destroyed && socket.write(chunk));
    }
    socket.on('drain', pourOn)
    pourOn()
    await closed
    return { taken: socket.bytesWritten - socket.writableLength, answer }
  }

  it('is not read to its end', async () => {
    for (let i = 0; i < 5; i++) {
      const { taken, answer } = await pour(chunked(''))
      // What lies in the buffers of both sockets is counted too.
      expect(taken).toBeLessThan(LIMIT + 16 * 1024 * 1024)
      expect(answer).toMatch(/^$|The request body is too large/)
    }
  })

  it('is not read at all when it says its length', async () => {
    const { taken, answer } = await pour(post(`Content-Length: ${2 ** 40}`, '', ''))
    expect(taken).toBeLessThan(16 * 1024 * 1024)
    expect(answer).toMatch(/^$|The request body is too large/)
  })

  it('gives its memory back, as bodies do that break off', async () => {
    const half = ' '.repeat(LIMIT / 2)
    const broken = [chunked('80000', half, 'zz', ''), chunked('80000', half, '10000', ''), chunked('zz', '')]
    for (let i = 0; i < 12; i++) await exchange(port, broken[i % 3] ?? '', true)
    const whole = await exchange(
      port,
      post(`Content-Length: ${LIMIT}`, 'Connection: close', '', ' '.repeat(LIMIT)),
    )
    expect(whole).toMatch(/^HTTP\/1\.1 200 .*\{"done":true\}$/s)
  })
})
