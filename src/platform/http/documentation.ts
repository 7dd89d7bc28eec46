// The API's description at /openapi.json and its pages at /docs, made from the endpoint tables.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { MLFLOW_VERSION } from './health.ts'
import { type Components, createComponents, type JsonSchema } from './json-schema.ts'

/** What `route.ts` writes into a route's schema. */
interface RouteSchema extends Record<string, unknown> {
  hide?: boolean
  querystring?: z.ZodType
  body?: z.ZodType
  /** By status; `default` is what comes in place of MLflow's error now and then. */
  response?: Record<string, z.ZodType>
}

/** @see mlflow/exceptions.py MlflowException.serialize_as_json */
export const ErrorWire = z
  .object({
    error_code: z.string().describe('Such as RESOURCE_DOES_NOT_EXIST'),
    message: z.string(),
    sqlstate: z.string().optional(),
    error_class: z.string().optional(),
  })
  .meta({ id: 'Error' })

const INFO = {
  title: 'Crateflow',
  description: `MLflow tracking server with the API of MLflow ${MLFLOW_VERSION}. What lies below /api is served below /ajax-api too.`,
  version: MLFLOW_VERSION,
  license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
}

/** Files of the pages beside the bundled program; of the sources they are in their package. */
const PAGES = join(import.meta.dirname, 'swagger-ui')
/** Read from the package otherwise; the layout shows none. */
const NO_LOGO = { type: '', content: '' }

/** Describes all endpoints that are mounted afterwards. Everything the pages load comes from this server. */
export async function registerDocumentation(app: FastifyInstance, staticPrefix: string): Promise<void> {
  const components = createComponents()

  function transform({ schema, url }: { schema: unknown; url: string }) {
    const { querystring, body, response, ...rest } = (schema ?? { hide: true }) as RouteSchema
    if (rest.hide) return { schema: { hide: true }, url }
    const refusal = response?.default ? z.union([ErrorWire, response.default]) : ErrorWire
    const answers = Object.entries({ ...response, default: refusal }).map(([status, type]) => [
      status,
      answer(status, type, components),
    ])
    return {
      url: url.replace('*', ':path'),
      schema: {
        ...rest,
        ...(querystring && { querystring: withoutPath(components.describeInline(querystring), url) }),
        ...(body && { body: components.describe(body) }),
        response: Object.fromEntries(answers),
      },
    }
  }

  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: INFO, servers: [{ url: staticPrefix || '/' }] },
    transform: transform as never,
    transformObject: (document) => {
      const { openapiObject } = document as { openapiObject: Record<string, unknown> }
      return { ...openapiObject, components: { schemas: components.all() } }
    },
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    indexPrefix: staticPrefix,
    // The other layout has a bar with the name of whoever made the pages.
    uiConfig: { url: `${staticPrefix}/openapi.json`, layout: 'BaseLayout' },
    theme: { title: 'Crateflow API' },
    ...(existsSync(PAGES) && { baseDir: PAGES, logo: NO_LOGO }),
  })
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('application/json').send(JSON.stringify(app.swagger())),
  )
}

/** Answers that are not JSON, by the id of their schema. */
const CONTENT_TYPES: Record<string, string> = {
  SqlLines: 'application/x-ndjson',
  PlainText: 'text/plain',
  Version: 'text/html',
  ArtifactBytes: 'application/octet-stream',
}

function answer(status: string, type: z.ZodType, components: Components) {
  if (type.meta()?.id === 'NoBody') return { description: 'Done', type: 'null' }
  const contentType = CONTENT_TYPES[type.meta()?.id ?? ''] ?? 'application/json'
  return {
    description: status === 'default' ? 'What went wrong' : 'Done',
    content: { [contentType]: { schema: components.describe(type) } },
  }
}

/** Fields of a query's message that the path already names. */
function withoutPath(query: JsonSchema, url: string): JsonSchema {
  const inPath = new Set([...url.matchAll(/:(\w+)/g)].map(([, name]) => name))
  const properties = Object.entries(query.properties ?? {}).filter(([name]) => !inPath.has(name))
  const required = ((query.required ?? []) as string[]).filter((name) => !inPath.has(name))
  return { ...query, properties: Object.fromEntries(properties), required }
}
