// Webhooks: the same requests to stock MLflow and to this server.
import { WebhookConfigSchema } from '../../src/webhook-config.ts'
import { describeDifferential } from './suite.ts'
import { webhookCases, webhookListCases } from './webhooks.cases.ts'

const webhooks = WebhookConfigSchema.parse({
  webhookSecretKeys: 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=',
})

describeDifferential('lists of webhooks', webhookListCases, { webhooks })
describeDifferential('answers about webhooks', webhookCases, { webhooks })
