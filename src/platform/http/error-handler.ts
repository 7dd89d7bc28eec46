// Turns whatever was thrown into MLflow's error body. The one place that maps errors to answers.
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { cancelled, MlflowError, reasonOf } from '../../errors.ts'
import { whyNotBuilt } from './not-built.ts'

/**
 * Seconds a client is asked to wait while the database is away or the write queue is full. The stock client comes
 * back after 504, too, seven times; so it hears soon that nothing changes, see database/late-statements.ts.
 */
const RETRY_AFTER_SECONDS = 1
const COMES_BACK = new Set([429, 503, 504])

const codes = new WeakMap<FastifyRequest, string>()

/** The error code that the request was answered with. */
export const errorCodeOf = (request: FastifyRequest): string | undefined => codes.get(request)

export function registerErrorHandler(app: FastifyInstance): void {
  function refuse(request: FastifyRequest, reply: FastifyReply, error: MlflowError): FastifyReply {
    codes.set(request, error.code)
    return reply.code(error.status).type('application/json').send(JSON.stringify(error))
  }
  app.setErrorHandler((error: FastifyError | MlflowError, request, reply) => {
    const isGone = request.raw.destroyed && !request.raw.complete
    const answer = isGone ? cancelled() : toMlflowError(error)
    logFailure(request, answer, error)
    if (COMES_BACK.has(answer.status)) reply.header('retry-after', RETRY_AFTER_SECONDS)
    return refuse(request, reply, answer)
  })
  app.setNotFoundHandler((request, reply) => {
    const [path = '', query] = request.originalUrl.split(/\?(.*)/s)
    // As werkzeug does for stock; never to another host, which two leading slashes of either kind would name.
    const single = path.replace(/\/{2,}/g, '/')
    if (single !== path && /\/(ajax-)?api\//.test(single) && !path.includes('\\'))
      return reply.redirect(single + (query === undefined ? '' : `?${query}`), 308)
    const text = `No API found for '${request.method} ${path}'${whyNotBuilt(path)}`
    return refuse(request, reply, new MlflowError('ENDPOINT_NOT_FOUND', text))
  })
}

/** What the server cannot do by its settings is no failure; for a database that is away, its reason is enough. */
function logFailure({ log }: FastifyRequest, answer: MlflowError, error: Error): void {
  const { code, status, message } = answer
  if (status < 500 || code === 'NOT_IMPLEMENTED') return
  const cause = answer.cause ?? error
  if (COMES_BACK.has(status)) log.error({ code, reason: reasonOf(cause) }, message)
  else log.error({ err: cause, code }, message)
}

function toMlflowError(error: FastifyError | MlflowError): MlflowError {
  if (error instanceof MlflowError) return error
  const status = error.statusCode ?? 500
  if (status === 413) return new MlflowError('INVALID_PARAMETER_VALUE', 'The request body is too large.')
  if (status === 503) return new MlflowError('TEMPORARILY_UNAVAILABLE', error.message, { cause: error })
  if (status >= 400 && status < 500) return new MlflowError('BAD_REQUEST', error.message)
  return new MlflowError('INTERNAL_ERROR', 'An internal error occurred. The server log has the details.', {
    cause: error,
  })
}
