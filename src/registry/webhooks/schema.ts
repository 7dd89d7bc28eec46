// Messages of webhooks.
import { z } from 'zod'
import { OWN_EVENTS } from '../../events.ts'
import { bool, enumeration, int32, message, repeated, required, text } from '../../platform/wire/message.ts'

const ENTITIES = {
  REGISTERED_MODEL: 1,
  MODEL_VERSION: 2,
  MODEL_VERSION_TAG: 3,
  MODEL_VERSION_ALIAS: 4,
  PROMPT: 5,
  PROMPT_VERSION: 6,
  PROMPT_TAG: 7,
  PROMPT_VERSION_TAG: 8,
  PROMPT_ALIAS: 9,
  BUDGET_POLICY: 10,
} as const
const ACTIONS = { CREATED: 1, UPDATED: 2, DELETED: 3, SET: 4, EXCEEDED: 5 } as const
const STATUSES = { ACTIVE: 1, DISABLED: 2 } as const

const EventSchema = message('WebhookEvent', {
  entity: enumeration(ENTITIES).optional(),
  action: enumeration(ACTIONS).optional(),
})
export type WebhookEventInput = z.output<typeof EventSchema>

export const WebhookWire = z
  .object({
    webhook_id: z.string(),
    name: z.string(),
    description: z.string().optional(),
    url: z.string(),
    events: z.array(z.object({ entity: z.string(), action: z.string() })),
    crateflow_events: z.array(z.string()).optional().describe("Events of this server's own"),
    status: z.enum(['ACTIVE', 'DISABLED']),
    creation_timestamp: z.number().int().describe('Milliseconds since the epoch'),
    last_updated_timestamp: z.number().int().describe('Milliseconds since the epoch'),
  })
  .meta({ id: 'Webhook' })
export type Webhook = z.infer<typeof WebhookWire>

export const WebhookTestResultWire = z
  .object({
    success: z.boolean().describe('Whether the receiver answered with a status below 300'),
    response_status: z.number().int().optional(),
    response_body: z.string().optional().describe('The first 64 KiB of the answer'),
    error_message: z.string().optional(),
  })
  .meta({ id: 'WebhookTestResult' })
export type WebhookTestResult = z.infer<typeof WebhookTestResultWire>

const ownEvents = repeated(text())
  .optional()
  .describe(`Events of this server's own, beside MLflow's or instead: ${OWN_EVENTS.join(', ')}`)

export const CreateWebhook = message('CreateWebhook', {
  name: text(),
  url: text(),
  events: required(repeated(EventSchema)),
  crateflow_events: ownEvents,
  description: text().optional(),
  secret: text().optional(),
  status: enumeration(STATUSES).optional(),
})
export const ListWebhooks = message('ListWebhooks', {
  max_results: int32().optional(),
  page_token: text().optional(),
  include_crateflow_events: bool()
    .optional()
    .describe("Also webhooks that want no event of MLflow's, which its clients do not understand"),
})
export const GetWebhook = message('GetWebhook', { webhook_id: text() })
export const UpdateWebhook = message('UpdateWebhook', {
  webhook_id: text(),
  name: text().optional(),
  description: text().optional(),
  url: text().optional(),
  events: repeated(EventSchema),
  crateflow_events: ownEvents,
  secret: text().optional(),
  status: enumeration(STATUSES).optional(),
})
export const DeleteWebhook = message('DeleteWebhook', { webhook_id: text() })
export const TestWebhook = message('TestWebhook', {
  webhook_id: text(),
  event: EventSchema.optional(),
  crateflow_event: text().optional(),
})
