// Names each request and logs one line when it is answered. Neither bodies nor queries nor headers are logged.
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { errorCodeOf } from './error-handler.ts'

/** What a request id of a client or proxy may look like; anything else could forge log lines. */
const REQUEST_ID = /^[A-Za-z0-9._:@+/=-]{1,128}$/
/** Asked every few seconds by probes. */
export const PROBES: ReadonlySet<string> = new Set(['/health', '/ready', '/version', '/metrics'])

/** Longest path of an unknown endpoint that is logged, in characters. */
const MAX_PATH = 200

/** The id that X-Request-Id brings, else a new one. */
export function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
}

/** How often successful requests are summed up. */
const SUMMARY_MS = 60_000

/**
 * Answers X-Request-Id and logs `method`, `route` (of an unknown endpoint its path), `status`, `code` and `ms`: of refused and
 * failed requests at the level `info`, of all at `debug`. At `info` the others are summed up every minute.
 */
export function registerRequestLog(app: FastifyInstance): void {
  const summary = createSummary(app)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url
    const code = errorCodeOf(request)
    const line = {
      method: request.method,
      route: routeOf(request),
      status: reply.statusCode,
      ...(code && { code }),
      ms: Math.round(reply.elapsedTime * 10) / 10,
    }
    const isQuiet = route !== undefined && PROBES.has(route)
    if (!isQuiet) summary.count(reply.elapsedTime)
    if (reply.statusCode >= 400 && !isQuiet) request.log.info(line, 'request')
    else request.log.debug(line, 'request')
  })
  app.addHook('onRequestAbort', async (request) => {
    request.log.info({ method: request.method, route: routeOf(request) }, 'request aborted')
  })
  app.addHook('onClose', async () => summary.write())
}

/** Paths of unknown endpoints are a client's text, hence cut and without control characters. */
export const routeOf = (request: FastifyRequest): string =>
  request.routeOptions.url ??
  (request.url.split('?', 1)[0] ?? '').slice(0, MAX_PATH).replace(/[^\x21-\x7e]/g, '?')

function createSummary(app: FastifyInstance) {
  let requests = 0
  let slowestMs = 0
  let since = Date.now()
  let timer: NodeJS.Timeout | undefined

  function write(): void {
    clearTimeout(timer)
    timer = undefined
    if (requests === 0) return
    const seconds = (Date.now() - since) / 1000
    const perSecond = Math.round((requests / Math.max(seconds, 1)) * 10) / 10
    app.log.info({ requests, perSecond, slowestMs: Math.round(slowestMs) }, 'requests')
    requests = 0
    slowestMs = 0
  }

  return {
    count(ms: number): void {
      if (requests++ === 0) since = Date.now()
      slowestMs = Math.max(slowestMs, ms)
      timer ??= setTimeout(write, SUMMARY_MS).unref()
    },
    write,
  }
}
