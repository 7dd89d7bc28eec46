// Names each request and logs one line when it is answered. Neither bodies nor queries nor headers are logged.
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'

/** What a request id of a client or proxy may look like; anything else could forge log lines. */
const REQUEST_ID = /^[A-Za-z0-9._:@+/=-]{1,128}$/
/** Asked every few seconds by probes. */
const QUIET = new Set(['/health', '/ready', '/version', '/metrics'])

/** The id that X-Request-Id brings, else a new one. */
export function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
}

/** Answers X-Request-Id and logs `method`, `route`, `status` and `ms` of every request. */
export function registerRequestLog(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url
    const line = {
      method: request.method,
      route: route ?? null,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
    }
    if (route !== undefined && QUIET.has(route)) request.log.debug(line, 'request')
    else request.log.info(line, 'request')
  })
  app.addHook('onRequestAbort', async (request) => {
    request.log.info({ method: request.method, route: request.routeOptions.url ?? null }, 'request aborted')
  })
}
