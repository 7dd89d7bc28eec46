// The HTTP server with what surrounds every endpoint; the endpoints are mounted by who asks for it.
import fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { registerAbandonedRequests } from './abandoned-requests.ts'
import { refuseTracking } from './artifacts-only.ts'
import { registerErrorHandler } from './error-handler.ts'
import { registerJsonBody } from './json-body.ts'
import { parseQuery } from './query.ts'
import { registerShell, type ShellOptions, shellServerOptions } from './shell.ts'

/** Bytes of a JSON body at most; the largest message is a dataset with a profile of 16 MiB. */
const BODY_LIMIT = 64 * 1024 * 1024

export interface HttpOptions {
  shell: ShellOptions
  logger: FastifyBaseLogger | undefined
  /** Serve artifacts and nothing else. */
  artifactsOnly: boolean
  searchesAtOnce: number
}

export async function createHttp(options: HttpOptions): Promise<FastifyInstance> {
  const { shell, logger, artifactsOnly, searchesAtOnce } = options
  const app = fastify({
    ...shellServerOptions(shell),
    loggerInstance: logger,
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 4096, querystringParser: parseQuery },
    ajv: { customOptions: { strict: false } },
  })
  // Messages are read by wire/message.ts with MLflow's texts; the schemas of routes are documentation.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)
  // Loaded when wanted, and first: what waits for its turn goes on in the requests of others.
  if (shell.tracing) (await import('./tracing.ts')).registerTracing(app, shell.tracing)
  registerAbandonedRequests(app, searchesAtOnce)
  registerErrorHandler(app)
  registerJsonBody(app)
  await registerShell(app, shell)
  if (artifactsOnly) refuseTracking(app)
  return app
}
