// Statements over deliveries that are due. A delivery is worked on by whoever holds its claim, until that ends.
import { and, asc, eq, lte, not, sql } from 'drizzle-orm'
import { keepStored, upsertRows } from '../../platform/database/bulk.ts'
import { changesIf, equalsAny } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { type DeliveryRow, webhookDeliveries as table } from './tables.ts'

/** A delivery as it was last seen: the next change of it needs that claim. */
export type SeenDelivery = Pick<DeliveryRow, 'deliveryId' | 'claim'>

/** Keeps deliveries under ids of their own. @throws TEMPORARILY_UNAVAILABLE when not all rows landed */
export async function insertDeliveries(engine: Engine, rows: readonly DeliveryRow[]): Promise<void> {
  await upsertRows(engine, table, rows, { onConflict: keepStored(table.webhookId) })
}

/**
 * Deliveries that may be claimed, the ones due for longest first. One statement without a refresh: it may miss
 * the newest rows and show rows that others have claimed meanwhile, which the claim itself settles.
 */
export async function findDueDeliveries(
  engine: Engine,
  due: { nowMs: number; withoutWebhooks: readonly string[]; limit: number },
): Promise<(SeenDelivery & Pick<DeliveryRow, 'webhookId'>)[]> {
  const isOther =
    due.withoutWebhooks.length > 0 ? not(equalsAny(table.webhookId, due.withoutWebhooks)) : undefined
  return engine.db
    .select({ deliveryId: table.deliveryId, webhookId: table.webhookId, claim: table.claim })
    .from(table)
    .where(and(lte(table.nextAtMs, due.nowMs), isOther))
    .orderBy(asc(table.nextAtMs))
    .limit(due.limit)
}

/** Makes deliveries that were acknowledged before the call visible to findDueDeliveries. */
export const refreshDeliveries = (engine: Engine): Promise<void> => engine.refresh(table)

/**
 * Changes the delivery if nobody has done so since it was seen.
 * @returns its row afterwards; undefined when it is gone or somebody was faster
 */
export async function changeDelivery(
  engine: Engine,
  seen: SeenDelivery,
  next: { claim: string; nextAtMs: number; failures?: number },
): Promise<DeliveryRow | undefined> {
  const [row] = await engine.db
    .update(table)
    .set(changesIf(table, sql`claim = ${seen.claim}`, next))
    .where(eq(table.deliveryId, seen.deliveryId))
    .returning()
  return row?.claim === next.claim ? row : undefined
}

/** Ends a delivery. */
export async function deleteDelivery(engine: Engine, deliveryId: string): Promise<void> {
  await engine.db.delete(table).where(eq(table.deliveryId, deliveryId))
}
