// Reads JSON bodies: as MLflow's Python reads them, and only under the content type that browsers cannot forge.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { invalidParameter } from '../errors.ts'
import { parseJson } from '../wire/int64.ts'

/** Parses application/json; bodies of any other type stay unread streams. */
export function registerJsonBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, readJson(String(body)))
    } catch (error) {
      done(error as Error, undefined)
    }
  })
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
}

/** Old clients encode their JSON twice. @see mlflow/server/handlers.py _get_normalized_request_json */
function readJson(body: string): unknown {
  if (body.trim() === '') return undefined
  try {
    const value = parseJson(body)
    return typeof value === 'string' ? parseJson(value) : value
  } catch {
    throw invalidParameter('Bad Request. The request body is not valid JSON.')
  }
}

/**
 * @throws INVALID_PARAMETER_VALUE for POST and PUT without `Content-Type: application/json`, which a cross-site
 * form cannot send
 * @see mlflow/server/validation.py _validate_content_type
 */
export function requireJsonContentType(request: FastifyRequest): void {
  if (request.method !== 'POST' && request.method !== 'PUT') return
  const contentType = request.headers['content-type']
  if (contentType === undefined) throw invalidParameter('Bad Request. Content-Type header is missing.')
  if (contentType.split(';')[0] !== 'application/json') {
    throw invalidParameter("Bad Request. Content-Type must be one of ['application/json'].")
  }
}
