// A server that serves artifacts and nothing else.
import type { FastifyInstance } from 'fastify'

/** Tags of the endpoints that need no tracking store. */
const SERVED = new Set(['artifacts', 'server'])

/**
 * Refuses every endpoint that needs the tracking store. The artifact endpoints judge for themselves.
 * @see mlflow/server/handlers.py _disable_if_artifacts_only
 */
export function refuseTracking(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    const { schema, url } = request.routeOptions
    const tags = (schema as { tags?: string[] } | undefined)?.tags ?? []
    if (tags.length === 0 || tags.some((tag) => SERVED.has(tag))) return
    return reply
      .code(503)
      .type('text/html; charset=utf-8')
      .send(
        `Endpoint: ${url} disabled due to the mlflow server running in \`--artifacts-only\` mode. To enable tracking server functionality, run \`mlflow server\` without \`--artifacts-only\``,
      )
  })
}
