import fastify from 'fastify'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { registerErrorHandler } from '../../../../src/platform/http/error-handler.ts'
import { registerJsonBody } from '../../../../src/platform/http/json-body.ts'
import { registerTimeLimits, timeLimitOptions } from '../../../../src/platform/http/time-limits.ts'
import { sendBytes } from './shell-app.ts'

const app = fastify(timeLimitOptions)

beforeAll(async () => {
  registerErrorHandler(app)
  registerJsonBody(app)
  registerTimeLimits(app, { jsonMs: 300 })
  app.post('/echo', async (request) => request.body)
  await app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => app.close())

const post = (headers: string, body: string) =>
  `POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n${headers}\r\n\r\n${body}`

it('reads a JSON body that arrives in time', async () => {
  expect(await sendBytes(app, post('Content-Length: 7', '{"a":1}'))).toMatch(/^HTTP\/1\.1 200 .*\{"a":1\}$/s)
})

it('refuses a JSON body that does not arrive, and closes the connection', async () => {
  const answer = await sendBytes(app, post('Content-Length: 100', '{"a":'))
  expect(answer).toMatch(/^HTTP\/1\.1 400 .*The request body did not arrive in time/s)
})

it('outlives a body that is refused by its length and never read', async () => {
  const answer = await sendBytes(app, post('Content-Length: 9000000', '{"a":'))
  expect(answer).toMatch(/^HTTP\/1\.1 413 |^HTTP\/1\.1 400 .*too large/s)
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(await sendBytes(app, post('Content-Length: 7', '{"a":1}'))).toMatch(/^HTTP\/1\.1 200 /)
})

it('gives slow senders of headers half a minute, and uploads hours', () => {
  expect(app.server.headersTimeout).toBe(30_000)
  expect(app.server.requestTimeout).toBe(6 * 3600_000)
  expect(app.server.timeout).toBe(300_000)
  expect(app.server.maxConnections).toBe(10_000)
})
