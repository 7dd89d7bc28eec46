// MLflow's rules for webhooks: names, events, secrets, and trying them out. Events reach them by outbox.service.ts.
import { randomUUID } from 'node:crypto'
import { doesNotExist, invalidParameter } from '../../errors.ts'
import { OWN_EVENTS, type OwnEventName } from '../../events.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { checkLength } from '../../platform/wire/names.ts'
import { offsetPage } from '../../platform/wire/page-token.ts'
import { pythonRepr } from '../../platform/wire/python.ts'
import { EXAMPLES, OWN_EXAMPLES, type WebhookEventName } from './examples.ts'
import type { Webhook, WebhookEventInput, WebhookTestResult } from './schema.ts'
import type { SecretBox } from './secrets.ts'
import type { Sender } from './sender.ts'
import * as store from './store.ts'
import type { WebhookRow } from './tables.ts'
import type { Targets } from './targets.ts'

/** Widths of MLflow's columns, in characters; that of the secret is what fits when it is encrypted. */
const MAX_URL_LENGTH = 500
const MAX_DESCRIPTION_LENGTH = 1000
const MAX_SECRET_LENGTH = 687

const DEFAULT_PAGE_SIZE = 100
const MAX_PAGE_SIZE = 1000

export interface WebhookServiceDeps {
  engine: Engine
  clock: Clock
  targets: Targets
  secrets: SecretBox
  send: Sender
}

interface WebhookInput {
  name?: string | undefined
  url?: string | undefined
  events: WebhookEventInput[]
  crateflow_events?: string[] | undefined
  description?: string | undefined
  secret?: string | undefined
  status?: string | undefined
}

export type WebhookService = ReturnType<typeof createWebhookService>

export function createWebhookService({ engine, clock, targets, secrets, send }: WebhookServiceDeps) {
  /** @see mlflow/store/model_registry/sqlalchemy_store.py create_webhook */
  async function create(input: WebhookInput & { name: string; url: string }): Promise<Webhook> {
    const events = [...readEvents(input.events), ...readOwnEvents(input.crateflow_events)].sort()
    checkName(input.name)
    await targets.check(checkLength('url', MAX_URL_LENGTH, input.url))
    if (events.length === 0) {
      throw invalidParameter('Webhook events must be a non-empty list of WebhookEvent objects: [].')
    }
    const nowMs = clock.now()
    const row: WebhookRow = {
      webhookId: randomUUID(),
      name: input.name,
      description: readDescription(input.description) || null,
      url: input.url,
      events: events.join(','),
      status: input.status ?? 'ACTIVE',
      secret: sealSecret(input.secret),
      creationTimestampMs: nowMs,
      lastUpdatedTimestampMs: nowMs,
    }
    await store.insertWebhook(engine, row)
    return toWire(row)
  }

  const sealSecret = (secret: string | undefined) =>
    secret ? secrets.encrypt(checkLength('secret', MAX_SECRET_LENGTH, secret)) : null

  async function require(webhookId: string): Promise<WebhookRow> {
    const row = await store.findWebhook(engine, webhookId)
    if (!row) throw notFound(webhookId)
    return row
  }

  /** Changes what is given; an empty description or secret is taken away, other empty fields stay as they are. */
  async function update(webhookId: string, input: WebhookInput): Promise<Webhook> {
    const [stock, own] = [readEvents(input.events), readOwnEvents(input.crateflow_events)]
    const before = eventsOf(await require(webhookId))
    const events = [
      ...(stock.length > 0 ? stock : before.filter((name) => !isOwnEvent(name))),
      ...(input.crateflow_events ? own : before.filter(isOwnEvent)),
    ].sort()
    if (events.length === 0)
      throw invalidParameter('Webhook events must be a non-empty list of WebhookEvent objects: [].')
    if (input.name) checkName(input.name)
    if (input.url) await targets.check(checkLength('url', MAX_URL_LENGTH, input.url))
    const row = await store.updateWebhook(engine, webhookId, {
      ...(input.name && { name: input.name }),
      ...(input.url && { url: input.url }),
      ...((stock.length > 0 || input.crateflow_events) && { events: events.join(',') }),
      ...(input.description !== undefined && { description: readDescription(input.description) || null }),
      ...(input.secret !== undefined && { secret: sealSecret(input.secret) }),
      ...(input.status && { status: input.status }),
      lastUpdatedTimestampMs: clock.now(),
    })
    if (!row) throw notFound(webhookId)
    return toWire(row)
  }

  async function list(input: {
    max_results?: number | undefined
    page_token?: string | undefined
    include_crateflow_events?: boolean | undefined
  }): Promise<{ webhooks: Webhook[]; nextPageToken: string | undefined }> {
    const pageSize = input.max_results || DEFAULT_PAGE_SIZE
    if (pageSize < 1 || pageSize > MAX_PAGE_SIZE) {
      throw invalidParameter(`max_results must be between 1 and ${MAX_PAGE_SIZE}.`)
    }
    const page = offsetPage(input.page_token, pageSize)
    const { rows, nextPageToken } = page.cut(
      await store.listWebhooks(engine, { ...page.bounds, onlyStock: !input.include_crateflow_events }),
    )
    return { webhooks: rows.map(toWire), nextPageToken }
  }

  /** Sends an example of the event, or of the webhook's first one, once, and tells what came back. */
  async function test(
    webhookId: string,
    event: WebhookEventInput | undefined,
    ownEvent: string | undefined,
  ): Promise<WebhookTestResult> {
    const name = (event && readEvent(event)) ?? readOwnEvents(ownEvent ? [ownEvent] : [])[0]
    const webhook = await require(webhookId)
    const tested = name ?? (eventsOf(webhook)[0] as WebhookEventName)
    const outgoing = {
      deliveryId: randomUUID(),
      event: tested,
      payload: { ...EXAMPLES, ...OWN_EXAMPLES }[tested],
      raisedAtMs: clock.now(),
    }
    try {
      const { status, body } = await send(webhook, outgoing)
      return { success: status < 300, response_status: status, response_body: body }
    } catch (error) {
      return { success: false, error_message: `Failed to test webhook: ${(error as Error).message}` }
    }
  }

  return {
    create,
    get: async (webhookId: string) => toWire(await require(webhookId)),
    update,
    delete: async (webhookId: string) => {
      if (!(await store.deleteWebhook(engine, webhookId))) throw notFound(webhookId)
    },
    list,
    test,
  }
}

const notFound = (webhookId: string) => doesNotExist(`Webhook with ID ${webhookId} not found.`)

/** @see mlflow/utils/validation.py _validate_webhook_name */
function checkName(name: string): void {
  if (/^(?=.{1,63}$)[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i.test(name)) return
  throw invalidParameter(
    `Webhook name ${pythonRepr(name)} is invalid. It must start and end with a letter or digit, be less than 63 characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-).`,
  )
}

const readDescription = (description = '') => checkLength('description', MAX_DESCRIPTION_LENGTH, description)

/** Names of events in a fixed order, each once. */
const readEvents = (events: WebhookEventInput[]): WebhookEventName[] => [
  ...new Set(events.map(readEvent).sort()),
]

/** @see mlflow/entities/webhook.py WebhookEvent */
function readEvent({ entity, action }: WebhookEventInput): WebhookEventName {
  if (!entity || !action) throw invalidParameter('A webhook event must name its entity and its action.')
  const name = `${entity}.${action}`.toLowerCase()
  if (name in EXAMPLES) return name as WebhookEventName
  const valid = Object.keys(EXAMPLES)
    .filter((known) => known.startsWith(`${entity.toLowerCase()}.`))
    .map((known) => `'${known.split('.')[1]}'`)
  throw invalidParameter(
    `Invalid action '${action.toLowerCase()}' for entity '${entity.toLowerCase()}'. Valid actions are: [${valid.sort().join(', ')}]`,
  )
}

const isOwnEvent = (name: string): name is OwnEventName => OWN_EVENTS.some((own) => own === name)

/** This server's own events, each once. @throws INVALID_PARAMETER_VALUE */
function readOwnEvents(names: readonly string[] = []): OwnEventName[] {
  const unknown = names.find((name) => !isOwnEvent(name))
  if (unknown === undefined) return [...new Set(names.filter(isOwnEvent))]
  throw invalidParameter(
    `Invalid event ${pythonRepr(unknown)} in 'crateflow_events'. Valid events are: [${OWN_EVENTS.map((name) => `'${name}'`).join(', ')}]`,
  )
}

/** Names of the events that the webhook wants. */
export const eventsOf = ({ events }: Pick<WebhookRow, 'events'>): string[] => events.split(',')

/** The secret is in no answer. */
const toWire = (row: WebhookRow): Webhook => ({
  webhook_id: row.webhookId,
  name: row.name,
  ...(row.description && { description: row.description }),
  url: row.url,
  events: eventsOf(row)
    .filter((name) => !isOwnEvent(name))
    .map((name) => {
      const [entity = '', action = ''] = name.toUpperCase().split('.')
      return { entity, action }
    }),
  ...(eventsOf(row).some(isOwnEvent) && { crateflow_events: eventsOf(row).filter(isOwnEvent) }),
  status: row.status as Webhook['status'],
  creation_timestamp: row.creationTimestampMs,
  last_updated_timestamp: row.lastUpdatedTimestampMs,
})
