// The settings of webhooks, beside those in config.ts.
import { z } from 'zod'
import { flag, list, settings, whole } from './settings.ts'

/** A Fernet key: 32 bytes in URL-safe base64. */
const FERNET_KEY = /^[A-Za-z0-9_-]{43}=?$/

/** Settings of webhooks, by their names in MLflow where it has them. */
export const WebhookConfigSchema = z.object({
  webhookSecretKeys: list()
    .refine((keys) => keys.every((key) => FERNET_KEY.test(key)), 'must be 32 bytes in URL-safe base64')
    .default([])
    .register(settings, {
      group: 'Security',
      env: 'MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY',
      help: 'Fernet key that secrets of webhooks are encrypted with; without one, webhooks can have no secret. Several are separated by commas: the first encrypts, all decrypt.',
    }),
  webhookAllowedSchemes: list().default(['https']).register(settings, {
    group: 'Security',
    env: 'MLFLOW_WEBHOOK_ALLOWED_SCHEMES',
    help: 'Schemes that URLs of webhooks may have, separated by commas: https, http.',
  }),
  webhookAllowPrivateIps: flag(false).register(settings, {
    group: 'Security',
    env: 'MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS',
    help: 'Let webhooks reach addresses that are not public, such as localhost and private networks.',
  }),
  webhookTimeoutSeconds: whole(1, 3600).default(30).register(settings, {
    group: 'Operation',
    env: 'MLFLOW_WEBHOOK_REQUEST_TIMEOUT',
    help: 'How long a request to a webhook may take, in seconds.',
  }),
  webhookMaxRetries: whole(0, 1000).default(3).register(settings, {
    group: 'Operation',
    env: 'MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES',
    help: 'How often an event is sent again to a webhook that does not take it, with growing pauses of 1 to 60 s.',
  }),
  webhookConcurrency: whole(1, 1000).default(10).register(settings, {
    group: 'Operation',
    env: 'MLFLOW_WEBHOOK_DELIVERY_MAX_WORKERS',
    help: 'Requests to webhooks that one process makes at once; half of them at most to the same webhook.',
  }),
  webhookPollSeconds: whole(1, 3600).default(5).register(settings, {
    group: 'Operation',
    env: 'CRATEFLOW_WEBHOOK_POLL_INTERVAL',
    help: 'How often a process looks for events that others have left over, in seconds.',
  }),
})

export type WebhookConfig = z.output<typeof WebhookConfigSchema>
