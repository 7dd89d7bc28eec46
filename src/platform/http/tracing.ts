// A span for each request, by the semantic conventions of OpenTelemetry for HTTP servers. No queries, no headers, no values of paths.
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  type ActiveSpan,
  beginSpan,
  endSpan,
  type OpenSpan,
  runInSpan,
  type Tracing,
} from '../active-span.ts'
import { errorCodeOf } from './error-handler.ts'
import { PROBES, routeOf } from './request-log.ts'
import { aroundReads } from './stream-reads.ts'

/** A server that sends its traces to itself would tell of each sending by another one. */
const TRACES = '/v1/traces'
/** Longest name of a client that is told, in characters. */
const MAX_USER_AGENT = 200

const isTraced = ({ routeOptions: { url } }: FastifyRequest) =>
  url === undefined || !(PROBES.has(url) || url.endsWith(TRACES))

/**
 * Tells of every request but probes and those that bring traces, below the client's span if it names one. What its handler waits for
 * is told below it. Register it before all else that goes around handlers, and before endpoints are mounted.
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/
 */
export function registerTracing(app: FastifyInstance, tracing: Tracing): void {
  const spans = new WeakMap<FastifyRequest, ActiveSpan & OpenSpan>()

  function end(request: FastifyRequest, ...how: Parameters<OpenSpan['end']>): void {
    const span = spans.get(request)
    if (!span) return
    spans.delete(request)
    span.end(...how)
    endSpan()
  }

  app.addHook('onRoute', (route) => {
    const { handler } = route
    route.handler = function (request, reply) {
      return runInSpan(spans.get(request), () => handler.call(this, request, reply))
    }
  })
  app.addHook('onRequest', async (request) => {
    if (!isTraced(request)) return
    const { method, raw, headers } = request
    const route = request.routeOptions.url
    const userAgent = headers['user-agent']?.slice(0, MAX_USER_AGENT)
    const span = tracing.beginRequest({
      name: route === undefined ? method : `${method} ${route}`,
      attributes: {
        'http.request.method': method,
        'url.scheme': 'http',
        // Without what its parts are: names of files and people stand there.
        'url.path': routeOf(request),
        ...(route !== undefined && { 'http.route': route }),
        'network.protocol.version': raw.httpVersion,
        ...(userAgent && { 'user_agent.original': userAgent }),
        'crateflow.request.id': request.id,
      },
      headers,
    })
    if (!span) return
    spans.set(request, span)
    beginSpan()
  })
  // A stream is read when its connection has room, by whoever made that.
  app.addHook('onSend', async (request, _reply, payload) => {
    const span = spans.get(request)
    if (span && payload instanceof Readable) aroundReads(payload, (read) => runInSpan(span, read))
    return payload
  })
  app.addHook('onResponse', async (request, reply) => {
    const status = reply.statusCode
    const code = errorCodeOf(request)
    const failure = status >= 500 ? (code ?? String(status)) : undefined
    end(request, failure, {
      'http.response.status_code': status,
      ...(code && { 'crateflow.error_code': code }),
    })
  })
  app.addHook('onRequestAbort', async (request) => end(request, 'aborted'))
}
