// What surrounds every endpoint: request ids and log, hosts and origins, time limits, metrics, documentation.
import type { IncomingMessage, Server } from 'node:http'
import { type FastifyHttpOptions, type FastifyInstance, LogController } from 'fastify'
import type { Tracing } from '../active-span.ts'
import { registerAnswerMemory } from './answer-memory.ts'
import type { CollectMetrics } from './metrics.ts'
import { registerRequestLog, requestId } from './request-log.ts'
import { registerSecurity, type SecurityOptions } from './security.ts'
import { registerTimeLimits, timeLimitOptions } from './time-limits.ts'

export interface ShellOptions {
  /** Path in front of every path, such as `/mlflow`; empty for none. */
  staticPrefix: string
  /** Undefined checks neither hosts nor origins. */
  security: SecurityOptions | undefined
  /** Serve /metrics. */
  metrics: boolean
  /** Collects metrics from all workers of a cluster. */
  collectMetrics?: CollectMetrics
  /** Tells of requests. Absent: nobody does. */
  tracing?: Tracing | undefined
  /** Serve /docs and /openapi.json. */
  documentation: boolean
}

/** Served without the prefix too: @see mlflow/server/artifact_router.py, and Prometheus' default path. */
const SERVED_BARE = /^\/((ajax-)?api\/2\.0\/mlflow-artifacts\/artifacts\/|metrics$)/

/** Options of the server's constructor; `registerShell` does the rest. */
export function shellServerOptions({ staticPrefix }: ShellOptions): FastifyHttpOptions<Server> {
  return {
    ...timeLimitOptions,
    genReqId: requestId,
    requestIdHeader: false,
    logController: new LogController({ disableRequestLogging: true }),
    rewriteUrl: ({ url = '/' }: IncomingMessage) => {
      const single = withSingleSlash(url)
      return withoutPreview(withoutPrefix(single, staticPrefix) ?? single)
    },
  }
}

/** Clients whose base URL ends with a slash send `//api/…`; MLflow's server takes it. */
const withSingleSlash = (url: string): string => (url.startsWith('//') ? url.replace(/^\/+/, '/') : url)

/** Where clients before 2.0 look for the model registry; stock MLflow has given it up. */
const PREVIEW = /^\/api\/2\.0\/preview(?=\/mlflow\/(registered-models|model-versions)\/)/

const withoutPreview = (url: string): string =>
  url.startsWith('/api/2.0/preview/') ? url.replace(PREVIEW, '/api/2.0') : url

/** Registers hooks and pages. Call it before endpoints are mounted. */
export async function registerShell(app: FastifyInstance, options: ShellOptions): Promise<void> {
  const { staticPrefix } = options
  registerRequestLog(app)
  // Loaded when wanted: each costs some ten milliseconds of every start.
  if (options.metrics) (await import('./metrics.ts')).registerMetrics(app, options.collectMetrics)
  if (options.security) registerSecurity(app, options.security)
  registerTimeLimits(app)
  registerAnswerMemory(app)
  if (staticPrefix) {
    app.addHook('onRequest', async (request, reply) => {
      const url = withSingleSlash(request.originalUrl)
      if (withoutPrefix(url, staticPrefix) !== undefined) return
      if (!SERVED_BARE.test(url)) return reply.callNotFound()
    })
  }
  if (options.documentation) {
    await (await import('./documentation.ts')).registerDocumentation(app, staticPrefix)
  }
}

/** The URL behind the prefix; undefined when it lies elsewhere. */
function withoutPrefix(url: string, prefix: string): string | undefined {
  if (!url.startsWith(prefix)) return undefined
  const rest = url.slice(prefix.length)
  if (rest === '' || rest.startsWith('?')) return `/${rest}`
  return rest.startsWith('/') ? rest : undefined
}
