// Statements over webhooks.
import { asc, desc, eq, notLike, sql } from 'drizzle-orm'
import { keepStored, upsertRows } from '../../platform/database/bulk.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { webhooks as table, type WebhookRow } from './tables.ts'

/** Inserts a webhook under an id of its own. @throws TEMPORARILY_UNAVAILABLE when the row did not land */
export async function insertWebhook(engine: Engine, row: WebhookRow): Promise<void> {
  await upsertRows(engine, table, [row], { onConflict: keepStored(table.name) })
}

/** The webhook by primary key. */
export async function findWebhook(engine: Engine, webhookId: string): Promise<WebhookRow | undefined> {
  const [row] = await engine.db.select().from(table).where(eq(table.webhookId, webhookId))
  return row
}

/** A page of webhooks, the newest first, every acknowledged one among them; only those that want an event of MLflow's, if asked for. */
export async function listWebhooks(
  engine: Engine,
  page: { offset: number; limit: number; onlyStock: boolean },
): Promise<WebhookRow[]> {
  await engine.refresh(table)
  return (
    engine.db
      .select()
      .from(table)
      // Names are sorted: with an event of MLflow's, that comes first.
      .where(page.onlyStock ? notLike(table.events, 'retention.%') : undefined)
      .orderBy(desc(table.creationTimestampMs), asc(table.webhookId))
      .limit(page.limit)
      .offset(page.offset)
  )
}

/** Ids and events of all active webhooks, every acknowledged one among them. Two short statements. */
export async function findSubscriptions(engine: Engine): Promise<Pick<WebhookRow, 'webhookId' | 'events'>[]> {
  await engine.refresh(table)
  return engine.db
    .select({ webhookId: table.webhookId, events: table.events })
    .from(table)
    .where(eq(table.status, 'ACTIVE'))
}

/** Changes columns of a webhook. @returns its row afterwards, undefined when there is none */
export async function updateWebhook(
  engine: Engine,
  webhookId: string,
  changes: Partial<Omit<WebhookRow, 'webhookId'>>,
): Promise<WebhookRow | undefined> {
  const [row] = await engine.db.update(table).set(changes).where(eq(table.webhookId, webhookId)).returning()
  return row
}

/** @returns whether there was such a webhook */
export async function deleteWebhook(engine: Engine, webhookId: string): Promise<boolean> {
  const { rowCount } = await engine.execute(sql`DELETE FROM ${table} WHERE webhook_id = ${webhookId}`)
  return rowCount > 0
}
