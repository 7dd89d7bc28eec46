// Joins the parts of webhooks.

import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import type { WebhookConfig } from '../../webhook-config.ts'
import type { Log } from './attempt.ts'
import { createDeliveryService } from './delivery.service.ts'
import { createOutbox } from './outbox.service.ts'
import { createSecretBox } from './secrets.ts'
import { createSender } from './sender.ts'
import { createWebhookService } from './service.ts'
import { createTargets } from './targets.ts'

export interface WebhooksDeps {
  engine: Engine
  clock: Clock
  log: Log
  config: WebhookConfig
}

export function createWebhooks({ engine, clock, log, config }: WebhooksDeps) {
  const targets = createTargets({
    allowedSchemes: config.webhookAllowedSchemes,
    allowPrivateIps: config.webhookAllowPrivateIps,
  })
  const secrets = createSecretBox(config.webhookSecretKeys)
  const timeoutMs = config.webhookTimeoutSeconds * 1000
  const send = createSender({ clock, targets, secrets, timeoutMs })
  const deliveries = createDeliveryService({
    engine,
    clock,
    log,
    send,
    timeoutMs,
    maxRetries: config.webhookMaxRetries,
    concurrency: config.webhookConcurrency,
    pollMs: config.webhookPollSeconds * 1000,
  })
  return {
    webhooks: createWebhookService({ engine, clock, targets, secrets, send }),
    events: createOutbox({ engine, clock, deliveries }),
    deliveries,
  }
}
