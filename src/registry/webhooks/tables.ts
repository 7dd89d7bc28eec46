// Tables of webhooks and of the deliveries that are due.
import { pgTable, text } from 'drizzle-orm/pg-core'
import { milliseconds } from '../../platform/database/columns.ts'

/** One row is all there is of a webhook, so that every change of it is atomic. */
export const webhooks = pgTable('webhooks', {
  webhookId: text('webhook_id').primaryKey(),
  name: text('name').notNull(),
  description: text('description'),
  url: text('url').notNull(),
  /** Names as `entity.action`, sorted, separated by commas. */
  events: text('events').notNull(),
  /** ACTIVE or DISABLED. */
  status: text('status').notNull(),
  /** Encrypted, see secrets.ts. NULL for none. */
  secret: text('secret'),
  creationTimestampMs: milliseconds('creation_timestamp').notNull(),
  lastUpdatedTimestampMs: milliseconds('last_updated_timestamp').notNull(),
})

/** An event on its way to one webhook. The row goes away with the delivery's end, be it success or not. */
export const webhookDeliveries = pgTable('webhook_deliveries', {
  deliveryId: text('delivery_id').primaryKey(),
  webhookId: text('webhook_id').notNull(),
  event: text('event').notNull(),
  /** JSON. */
  payload: text('payload').notNull(),
  raisedAtMs: milliseconds('raised_at_ms').notNull(),
  /** From when on it may be claimed: the time of the next attempt, or the end of the claim that holds it. */
  nextAtMs: milliseconds('next_at_ms').notNull(),
  /** Attempts that failed. */
  failures: milliseconds('failures').notNull(),
  /** Changes with every change of the row: who knows the last one may make the next. */
  claim: text('claim').notNull(),
})

export type WebhookRow = typeof webhooks.$inferSelect
export type DeliveryRow = typeof webhookDeliveries.$inferSelect
