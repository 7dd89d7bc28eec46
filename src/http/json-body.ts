// Reads JSON bodies: as MLflow's Python reads them, and only under the content type that browsers cannot forge.
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { invalidParameter } from '../errors.ts'
import { jsonParts, parseJson } from '../wire/int64.ts'
import { type BodyMemoryLimits, registerBodyMemory } from './body-memory.ts'

/** Parses application/json, as much of it at a time as memory allows; bodies of any other type stay unread streams. */
export function registerJsonBody(app: FastifyInstance, limits: BodyMemoryLimits = {}): void {
  const readBody = registerBodyMemory(app, limits)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: IncomingMessage) =>
    readJson(await readBody(request, payload)),
  )
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
}

/** Bodies beyond this are large for the texts in them: datasets with their profiles. In characters. */
const LARGE_BODY = 1024 * 1024
/** Lists, objects and their members in a large body; each takes up to a hundred bytes of memory. */
const MAX_VALUES = 1_000_000

/** @throws INVALID_PARAMETER_VALUE for a large body of so many small values that reading it would take all memory */
function checkNumberOfValues(body: string): void {
  if (body.length < LARGE_BODY) return
  let values = 0
  for (const [part] of jsonParts(body)) {
    for (let i = 0; i < part.length; i++) if (isStructural(part.charCodeAt(i))) values++
    if (values > MAX_VALUES) throw invalidParameter(`The request body has more than ${MAX_VALUES} values.`)
  }
}

// [ { ,
const isStructural = (code: number) => code === 0x5b || code === 0x7b || code === 0x2c

/** Old clients encode their JSON twice. @see mlflow/server/handlers.py _get_normalized_request_json */
function readJson(body: string): unknown {
  if (body.trim() === '') return undefined
  checkNumberOfValues(body)
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
