// Endpoint tables: a path is written once and served under /api and /ajax-api.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { stringify } from '../wire/int64.ts'
import { type Message, type Parsed, queryToBody, readMessage } from '../wire/message.ts'
import { jsonOf, requireJsonContentType } from './json-body.ts'

export type Prefix = '/api' | '/ajax-api' | ''

/** One REST method of MLflow. `path` starts behind the prefix, path parameters as `:name`. */
export interface Endpoint<M extends Message = Message> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  /** Where it is served; both `/api` and `/ajax-api` unless told otherwise. */
  prefixes?: readonly Prefix[]
  tag: string
  summary: string
  request?: M
  /** Its handler reads the body by itself: `request.body` is a Buffer, whatever its content type. */
  readsBytes?: true
  response: z.ZodType
  /** A form in which it refuses requests besides MLflow's error. */
  refusal?: z.ZodType
  handle: (input: Parsed<M>, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>
}

/** Declares an endpoint so that its handler's input is typed by its request message. */
export const endpoint = <M extends Message>(declared: Endpoint<M>): Endpoint =>
  declared as unknown as Endpoint

/** Mounts a table of endpoints under their prefixes. Answers are JSON unless the handler sent them itself. */
export function mount(app: FastifyInstance, endpoints: readonly Endpoint[]): void {
  for (const declared of endpoints) {
    for (const prefix of declared.prefixes ?? (['/api', '/ajax-api'] as const)) {
      app.route({
        method: declared.method,
        url: prefix + declared.path,
        config: { readsBytes: declared.readsBytes ?? false },
        schema: documentation(declared, prefix),
        handler: async (request, reply) => {
          const result = await declared.handle(readInput(declared, request), request, reply)
          // A client that left early has ended the answer, which is nothing that `sent` tells.
          if (reply.sent || reply.raw.headersSent || result === reply) return reply
          return reply.type('application/json').send(stringify(result ?? {}))
        },
      })
    }
  }
}

function readInput(declared: Endpoint, request: FastifyRequest): Parsed<Message> {
  if (!declared.request) return {}
  requireJsonContentType(request)
  const query = request.query as Record<string, string | string[]>
  const isQuery = isRead(request.method) && Object.keys(query).length > 0
  const body = isQuery ? queryToBody(declared.request, query) : request.body
  const path = request.params as Record<string, string>
  const whole = Object.keys(path).length > 0 && isObject(body ?? {}) ? { ...(body as object), ...path } : body
  return readMessage(declared.request, whole ?? {}, isQuery ? undefined : jsonOf(request))
}

/** HEAD is answered as GET, without the body. */
const isRead = (method: string) => method === 'GET' || method === 'HEAD'

const isObject = (value: unknown) => typeof value === 'object' && !Array.isArray(value)

function documentation(declared: Endpoint, prefix: Prefix) {
  const isQuery = declared.method === 'GET'
  const hasBody = !isQuery && declared.method !== 'DELETE'
  return {
    tags: [declared.tag],
    summary: declared.summary,
    hide: prefix === '/ajax-api' && declared.prefixes === undefined,
    ...(declared.request && isQuery ? { querystring: declared.request } : {}),
    ...(declared.request && hasBody ? { body: declared.request } : {}),
    response: { 200: declared.response, ...(declared.refusal && { default: declared.refusal }) },
  }
}
