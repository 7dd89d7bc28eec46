// Keeps slow or broken clients from holding connections for ever, without hurting large uploads.
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { invalidParameter, MlflowError } from '../../errors.ts'

/** Headers have to arrive within this time. */
const HEADERS_TIMEOUT_MS = 30_000
/** A connection on which nothing moves for so long is closed; longer than any statement may take. */
const IDLE_TIMEOUT_MS = 300_000
/** A whole request; an upload of 2 GiB at 1 Mbit/s takes five hours. */
const REQUEST_TIMEOUT_MS = 6 * 3600_000
/** A JSON body, of 64 MiB at most. */
const JSON_TIMEOUT_MS = 120_000
/** What still arrives of a body after its request was answered; it is read and thrown away. */
const UNREAD_TIMEOUT_MS = 30_000
/** Idle connections are kept a little longer than load balancers keep theirs (60 s), so that they close first. */
const KEEP_ALIVE_MS = 72_000
const MAX_CONNECTIONS = 10_000
/** Queries of the web UI name up to a hundred runs. */
const MAX_HEADER_BYTES = 64 * 1024

/** Options of the server's constructor; `registerTimeLimits` does the rest. */
export const timeLimitOptions = {
  connectionTimeout: IDLE_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS },
  clientErrorHandler: refuseBrokenRequest,
  frameworkErrors: refuseBrokenUrl,
}

export interface BodyTimeLimits {
  /** For a JSON body, in milliseconds. */
  jsonMs?: number
  /** For the rest of a body whose request was answered, in milliseconds. */
  unreadMs?: number
}

/** Limits connections and the time that bodies may take. */
export function registerTimeLimits(app: FastifyInstance, limits: BodyTimeLimits = {}): void {
  const { jsonMs = JSON_TIMEOUT_MS, unreadMs = UNREAD_TIMEOUT_MS } = limits
  app.server.maxConnections = MAX_CONNECTIONS
  app.addHook('preParsing', async (request, reply, payload) => {
    if (!request.headers['content-type']?.toLowerCase().startsWith('application/json')) return
    const timer = setTimeout(() => {
      // Nobody reads the body of a request that was refused; an error that nobody hears would end the process.
      if (payload.listenerCount('error') === 0) return void request.raw.destroy()
      reply.header('connection', 'close')
      payload.emit('error', invalidParameter('The request body did not arrive in time.'))
    }, jsonMs)
    const stop = () => clearTimeout(timer)
    payload.once('end', stop).once('close', stop)
    reply.raw.once('close', stop)
  })
  app.addHook('onResponse', async ({ raw }) => {
    if (raw.complete) return
    const timer = setTimeout(() => raw.destroy(), unreadMs).unref()
    const stop = () => clearTimeout(timer)
    raw.once('end', stop).once('close', stop)
  })
}

/** A path that cannot be decoded never reaches a route, nor the error handler. */
function refuseBrokenUrl(_error: Error, _request: unknown, reply: unknown): void {
  const answer = JSON.stringify(invalidParameter('Invalid path'))
  void (reply as FastifyReply).code(400).type('application/json').send(answer)
}

const STATUS: Record<string, string> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
}

/** What is not even HTTP gets an answer too, in MLflow's form. */
function refuseBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return
  const status = STATUS[error.code ?? ''] ?? '400 Bad Request'
  const body = JSON.stringify(new MlflowError('BAD_REQUEST', status.slice(4)))
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  )
}
