// The registry wing: models with their versions, and webhooks, which hear of them.
import type { FastifyInstance } from 'fastify'
import type { Endpoint } from '../platform/http/route.ts'
import { type WebhookConfig, WebhookConfigSchema } from '../webhook-config.ts'
import { createModelRegistry, type ModelRegistryDeps } from './model-registry/registry.service.ts'
import { rollbackEndpoints } from './model-registry/rollback.routes.ts'
import { registeredModelEndpoints } from './model-registry/routes.ts'
import { modelVersionEndpoints } from './model-registry/versions.routes.ts'
import type { Log } from './webhooks/attempt.ts'
import { webhookEndpoints } from './webhooks/routes.ts'
import { createWebhooks } from './webhooks/webhooks.service.ts'

export interface RegistryDeps extends Omit<ModelRegistryDeps, 'events'> {
  log: Log
  /** Absent: the defaults of its settings. */
  webhooks: WebhookConfig | undefined
}

export function createRegistry({ log, webhooks: config, ...deps }: RegistryDeps) {
  const { engine, clock } = deps
  const { webhooks, events, deliveries } = createWebhooks({
    engine,
    clock,
    log,
    config: config ?? WebhookConfigSchema.parse({}),
  })
  const registry = createModelRegistry({ ...deps, events })

  const endpoints: Endpoint[] = [
    ...webhookEndpoints(webhooks),
    ...registeredModelEndpoints(registry.models, registry.aliases),
    ...modelVersionEndpoints(registry.versions, registry.stages),
    ...rollbackEndpoints(registry.rollbacks),
  ]
  return {
    endpoints,
    /** Tells webhooks of what happens in other wings, too. */
    events,
    searchVersions: registry.versions.search,
    artifactLocation: registry.artifactLocation,
    /** Has webhooks delivered from when the server listens until it closes. */
    deliverWhileListening: (app: FastifyInstance) => deliverWhileListening(app, deliveries),
  }
}

/** What running requests raise while the server closes is left to others, or to the next start. */
function deliverWhileListening(
  app: FastifyInstance,
  deliveries: { start: () => void; stop: () => Promise<void> },
): void {
  let stopped: Promise<void> | undefined
  app.addHook('onListen', async () => deliveries.start())
  app.addHook('preClose', async () => {
    stopped = deliveries.stop()
  })
  app.addHook('onClose', () => stopped)
}
