// Clients that send a byte now and then: each is given up, and nobody else waits for them.
import { type AddressInfo, connect, type Socket } from 'node:net'
import fastify from 'fastify'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { registerErrorHandler } from '../../../../src/platform/http/error-handler.ts'
import { registerJsonBody, requireJsonContentType } from '../../../../src/platform/http/json-body.ts'
import { registerTimeLimits, timeLimitOptions } from '../../../../src/platform/http/time-limits.ts'

/** The limit of this server's headers and bodies, in milliseconds. */
const LIMIT_MS = 300
const BYTE_EVERY_MS = 30
/** A client that the server does not give up by then is one that it would never give up. */
const FOREVER_MS = 8_000

const app = fastify({
  ...timeLimitOptions,
  http: { ...timeLimitOptions.http, headersTimeout: LIMIT_MS, connectionsCheckingInterval: 50 },
})

beforeAll(async () => {
  registerErrorHandler(app)
  registerJsonBody(app)
  registerTimeLimits(app, { jsonMs: LIMIT_MS, unreadMs: LIMIT_MS })
  app.post('/echo', async (request) => {
    requireJsonContentType(request)
    return request.body
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => app.close())

const connectHere = () => connect((app.server.address() as AddressInfo).port, '127.0.0.1')

/** Sends `head` at once and then `byte` again and again; answers what came until the server closed. */
function trickle(head: string, byte: string, socket: Socket = connectHere()): Promise<string> {
  socket.on('connect', () => socket.write(head))
  const trickling = setInterval(() => socket.write(byte), BYTE_EVERY_MS)
  return new Promise((resolve, reject) => {
    let answer = ''
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text
    })
    // The byte that crosses the server's farewell.
    socket.on('error', () => {})
    const forever = setTimeout(() => {
      socket.destroy()
      reject(new Error(`The connection is open still; answered was: ${answer}`))
    }, FOREVER_MS)
    socket.on('close', () => {
      clearTimeout(forever)
      clearInterval(trickling)
      resolve(answer)
    })
  })
}

const head = (...headers: string[]) => `POST /echo HTTP/1.1\r\nHost: localhost\r\n${headers.join('\r\n')}`
const CHUNKED = 'Transfer-Encoding: chunked'

it.each([
  ['nothing', '', ''],
  ['a request line', 'P', ''],
  ['headers', head('X: '), 'x'],
  ['many headers', head(''), 'x: y\r\n'],
])('gives up who trickles %s', async (_what, start, byte) => {
  const answer = await trickle(start, byte)
  expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n.*"error_code":"BAD_REQUEST"/s)
})

it.each([
  ['a JSON body', head('Content-Type: application/json', 'Content-Length: 5000', '', ''), ' '],
  ['chunks of a JSON body', head('Content-Type: application/json', CHUNKED, '', ''), '1\r\n \r\n'],
  [
    'a JSON body of a type in capitals',
    head('Content-Type: Application/JSON', CHUNKED, '', ''),
    '1\r\n \r\n',
  ],
  ['the extension of a chunk', head('Content-Type: application/json', CHUNKED, '', '1;'), 'x'],
  ['trailers', head('Content-Type: application/json', CHUNKED, '', '0\r\nX:'), 'x'],
])('gives up who trickles %s', async (_what, start, byte) => {
  const answer = await trickle(start, byte)
  expect(answer).toMatch(/^HTTP\/1\.1 400 .*The request body did not arrive in time/s)
})

it.each([
  ['a body of another type', head('Content-Type: text/plain', 'Content-Length: 5000', '', ''), ' '],
  ['chunks of no type', head(CHUNKED, '', ''), '1\r\n \r\n'],
])('refuses %s at once, and reads what still trickles in for a while only', async (_what, start, byte) => {
  const answer = await trickle(start, byte)
  expect(answer).toMatch(/^HTTP\/1\.1 400 .*Content-Type/s)
})

it('lets who was refused send the rest of the body, and then the next request', async () => {
  const socket = connectHere()
  const refused = head('Content-Type: text/plain', 'Content-Length: 200000', '', 'x')
  const next = head('Content-Type: application/json', 'Content-Length: 7', 'Connection: close', '', '{"a":1}')
  const answers = trickle(refused, '', socket)
  setTimeout(() => socket.write('x'.repeat(199_999) + next), LIMIT_MS / 3)
  expect(await answers).toMatch(/^HTTP\/1\.1 400 .*HTTP\/1\.1 200 .*\{"a":1\}$/s)
})

it('answers others at once while hundreds trickle, and keeps none of them', async () => {
  const slow = Array.from({ length: 300 }, (_, i) =>
    i % 2
      ? trickle(head('X: '), 'x')
      : trickle(head('Content-Type: application/json', CHUNKED, '', ''), '1\r\n \r\n'),
  )
  const { port } = app.server.address() as AddressInfo
  const body = '{"a":1}'
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`http://127.0.0.1:${port}/echo`, { method: 'POST', headers, body })
  expect(await answer.json()).toEqual({ a: 1 })
  for (const one of await Promise.all(slow)) expect(one).toMatch(/^HTTP\/1\.1 40[08] /)
  const open = () =>
    new Promise<number>((resolve) => app.server.getConnections((_error, count) => resolve(count)))
  // The one that fetch keeps.
  await expect.poll(open, { timeout: FOREVER_MS }).toBeLessThanOrEqual(1)
})
