// Reads JSON bodies: as MLflow's Python reads them, and only under the content type that browsers cannot forge.
import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { invalidParameter } from '../../errors.ts'
import { parseJson } from '../wire/int64.ts'
import { checkNumberOfValues } from '../wire/json-size.ts'
import { type BodyMemoryLimits, registerBodyMemory } from './body-memory.ts'

/** Their body is JSON whatever its content type: no page of another site can send one. */
const JSON_ALWAYS = new Set(['GET', 'PATCH', 'DELETE'])
/** A content type with its parameters, as far as Fastify asks. */
const IS_TYPE = /^\s*[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(;|$)/
const UNKNOWN_TYPE = 'application/octet-stream'
/** Bodies up to this many characters are remembered as they came, for errors that repeat a value. */
const REMEMBERED = 64 * 1024

const texts = new WeakMap<FastifyRequest, string>()

/** The text of the request's JSON body, unless it was long. */
export const jsonOf = (request: FastifyRequest): string | undefined => texts.get(request)

/** Parses JSON bodies, as much of them at a time as memory allows; bodies of any other type stay unread streams. */
export function registerJsonBody(app: FastifyInstance, limits: BodyMemoryLimits = {}): void {
  // A GET that has no query may have its message in a body, as old clients send it.
  app.addHttpMethod('GET', { hasBody: true, overrideExisting: true })
  app.addHook('onRequest', async (request) => {
    const { headers } = request.raw
    const contentType = headers['content-type']
    // Fastify would answer by itself; what is no JSON is refused, or taken, by the endpoint.
    if (contentType !== undefined && !IS_TYPE.test(contentType)) headers['content-type'] = UNKNOWN_TYPE
    if (!JSON_ALWAYS.has(request.method)) return
    if (hasBody(headers) && !hasQuery(request)) headers['content-type'] = 'application/json'
    else delete headers['content-type']
  })
  const readBody = registerBodyMemory(app, limits)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: IncomingMessage) => {
    const bytes = await readBody(request, payload)
    if (readsBytes(request)) return bytes
    const text = decodeJson(bytes)
    if (text.length <= REMEMBERED) texts.set(request, text)
    return readJson(text)
  })
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) =>
    readsBytes(request) ? readBody(request, payload) : undefined,
  )
}

/** Whether the endpoint reads the body by itself. */
const readsBytes = ({ routeOptions }: FastifyRequest) =>
  (routeOptions.config as { readsBytes?: boolean }).readsBytes === true

const hasBody = (headers: IncomingHttpHeaders) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

const hasQuery = ({ method, query }: FastifyRequest) =>
  method === 'GET' && Object.keys(query as object).length > 0

/**
 * The text of a JSON body in UTF-8 or UTF-16, as its first bytes tell.
 * @throws INVALID_PARAMETER_VALUE for bytes that are no text
 * @see json.detect_encoding
 */
function decodeJson(bytes: Buffer): string {
  const encoding = encodingOf(bytes)
  const hasMark = bytes[0] === 0xef
  if (encoding === 'utf-8' && !hasMark && isUtf8(bytes)) return bytes.toString()
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    throw notJson()
  }
}

function encodingOf([first = 1, second = 1]: Buffer): string {
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  // JSON begins with ASCII.
  if (first === 0 && second !== 0) return 'utf-16be'
  return first !== 0 && second === 0 ? 'utf-16le' : 'utf-8'
}

/** Old clients encode their JSON twice. @see mlflow/server/handlers.py _get_normalized_request_json */
function readJson(body: string): unknown {
  if (body.trim() === '') return undefined
  checkNumberOfValues(body, 'The request body')
  try {
    const value = parseJson(body)
    return typeof value === 'string' ? parseJson(value) : value
  } catch {
    throw notJson()
  }
}

const notJson = () => invalidParameter('Bad Request. The request body is not valid JSON.')

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
