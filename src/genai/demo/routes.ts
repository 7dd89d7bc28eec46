// What the button "Start Demo" of the web UI asks for.
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type ErrorCode, MlflowError } from '../../errors.ts'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import type { Call, DemoService } from './service.ts'

const PATH = '/3.0/mlflow/demo'

export const demoEndpoints = (demo: DemoService): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: `${PATH}/generate`,
    prefixes: ['/ajax-api'],
    tag: 'demo',
    summary: 'Makes an experiment with traces, prompts and reviews to look at',
    response: z.object({
      status: z.enum(['created', 'exists']),
      experiment_id: z.string(),
      features_generated: z.array(z.string()),
      navigation_url: z.string(),
    }),
    handle: (_input, request) => demo.generate(callerOf(request), featuresOf(request.body)),
  }),
  endpoint({
    method: 'POST',
    path: `${PATH}/delete`,
    prefixes: ['/ajax-api'],
    tag: 'demo',
    summary: 'Removes the demo',
    response: z.object({ status: z.literal('deleted'), features_deleted: z.array(z.string()) }),
    handle: (_input, request) => demo.remove(callerOf(request)),
  }),
]

/** The features that a body names, which nobody has to send; undefined for all. */
function featuresOf(body: unknown): unknown[] | undefined {
  const features = typeof body === 'object' && body !== null && 'features' in body ? body.features : undefined
  return Array.isArray(features) ? features : undefined
}

/** Sends requests to this server without the network, as whoever has sent this one. */
function callerOf({ server, headers, originalUrl }: FastifyRequest): Call {
  const prefix = originalUrl.slice(0, Math.max(originalUrl.indexOf(`/ajax-api${PATH}`), 0))
  return async (method, path, body, more) => {
    const { statusCode, json } = await server.inject({
      method,
      url: prefix + path,
      headers: { host: headers.host, ...(body && { 'content-type': 'application/json' }), ...more },
      ...(body && { payload: JSON.stringify(body) }),
    })
    const isEmpty = statusCode < 300 && path === '/v1/traces'
    const answer = isEmpty ? {} : json<Record<string, unknown>>()
    if (statusCode < 400) return answer
    throw new MlflowError(String(answer.error_code ?? 'INTERNAL_ERROR') as ErrorCode, String(answer.message))
  }
}
