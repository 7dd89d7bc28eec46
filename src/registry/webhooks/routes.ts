// REST of webhooks.
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import * as schema from './schema.ts'
import type { WebhookService } from './service.ts'

const tag = 'webhooks'
const PATH = '/2.0/mlflow/webhooks'
const ONE = `${PATH}/:webhook_id`
const OneWebhook = z.object({ webhook: schema.WebhookWire })

export const webhookEndpoints = (webhooks: WebhookService): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: PATH,
    tag,
    summary: 'Create a webhook; its secret is kept encrypted and never shown',
    request: schema.CreateWebhook,
    response: OneWebhook,
    handle: async (input) => ({ webhook: await webhooks.create(input) }),
  }),
  endpoint({
    method: 'GET',
    path: PATH,
    tag,
    summary: 'List webhooks, the newest first',
    request: schema.ListWebhooks,
    response: z.object({
      webhooks: z.array(schema.WebhookWire).optional(),
      next_page_token: z.string().optional(),
    }),
    handle: async (input) => {
      const { webhooks: found, nextPageToken } = await webhooks.list(input)
      return { ...(found.length > 0 && { webhooks: found }), next_page_token: nextPageToken }
    },
  }),
  endpoint({
    method: 'GET',
    path: ONE,
    tag,
    summary: 'Get a webhook',
    request: schema.GetWebhook,
    response: OneWebhook,
    handle: async ({ webhook_id }) => ({ webhook: await webhooks.get(webhook_id) }),
  }),
  endpoint({
    method: 'PATCH',
    path: ONE,
    tag,
    summary: 'Change a webhook; fields that are left out stay as they are',
    request: schema.UpdateWebhook,
    response: OneWebhook,
    handle: async ({ webhook_id, ...input }) => ({ webhook: await webhooks.update(webhook_id, input) }),
  }),
  endpoint({
    method: 'DELETE',
    path: ONE,
    tag,
    summary: 'Delete a webhook; what is on its way to it is dropped',
    request: schema.DeleteWebhook,
    response: z.object({}),
    handle: ({ webhook_id }) => webhooks.delete(webhook_id),
  }),
  endpoint({
    method: 'POST',
    path: `${ONE}/test`,
    tag,
    summary: 'Send an example of an event to a webhook and tell what it answers',
    request: schema.TestWebhook,
    response: z.object({ result: schema.WebhookTestResultWire }),
    handle: async ({ webhook_id, event, crateflow_event }) => ({
      result: await webhooks.test(webhook_id, event, crateflow_event),
    }),
  }),
]
