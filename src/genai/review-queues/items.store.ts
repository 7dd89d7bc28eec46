// Statements over the items of review queues.
import { and, asc, desc, eq, sql } from 'drizzle-orm'
import { createUpsert, keepStored, writeAll } from '../../platform/database/bulk.ts'
import { changesIf, equalsAny } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { type ItemStatus, type ReviewQueueItemRow, reviewQueueItems as table } from './tables.ts'

/** Items that are removed by one statement. */
const CHUNK = 64

const isItem = (queueId: string, itemId: string) => and(eq(table.queueId, queueId), eq(table.itemId, itemId))

/** Inserts what is not there yet. @returns the rows as they are stored afterwards, by item id */
export async function addItems(
  engine: Engine,
  rows: readonly ReviewQueueItemRow[],
): Promise<Map<string, ReviewQueueItemRow>> {
  const write = createUpsert(engine, table, {
    onConflict: keepStored(table.status),
    returning: [
      table.itemId,
      table.status,
      table.completedBy,
      table.completedTimeMs,
      table.creationTimeMs,
      table.lastUpdateTimeMs,
    ],
  })
  const [stored = []] = await writeAll(engine, [write(rows)])
  const given = new Map(rows.map((row) => [row.itemId, row]))
  return new Map(
    stored.map((row) => {
      const itemId = String(row.item_id)
      return [
        itemId,
        {
          ...(given.get(itemId) as ReviewQueueItemRow),
          status: row.status as ItemStatus,
          completedBy: row.completed_by as string | null,
          completedTimeMs: row.completed_time_ms === null ? null : Number(row.completed_time_ms),
          creationTimeMs: Number(row.creation_time_ms),
          lastUpdateTimeMs: Number(row.last_update_time_ms),
        },
      ]
    }),
  )
}

/** Removes those of the items that are there, by primary key. */
export async function removeItems(
  engine: Engine,
  queueId: string,
  itemIds: readonly string[],
): Promise<void> {
  for (let start = 0; start < itemIds.length; start += CHUNK) {
    const isOne = engine.dialect.anyKey(table.itemId, itemIds.slice(start, start + CHUNK))
    await engine.execute(sql`DELETE FROM ${table} WHERE ${and(eq(table.queueId, queueId), isOne)}`)
  }
}

/** Removes the traces from all queues. Passes the refresh gate. */
export async function removeTraces(engine: Engine, traceIds: readonly string[]): Promise<void> {
  await engine.refresh(table)
  await engine.execute(sql`DELETE FROM ${table} WHERE ${equalsAny(table.itemId, [...traceIds])}`)
}

/** Removes all items of a queue. Passes the refresh gate. */
export async function removeAllItems(engine: Engine, queueId: string): Promise<void> {
  await engine.refresh(table)
  await engine.execute(sql`DELETE FROM ${table} WHERE ${eq(table.queueId, queueId)}`)
}

/** Whether there is any item in the queue. Passes the refresh gate. */
export async function hasItems(engine: Engine, queueId: string): Promise<boolean> {
  await engine.refresh(table)
  const rows = await engine.db
    .select({ itemId: table.itemId })
    .from(table)
    .where(eq(table.queueId, queueId))
    .limit(1)
  return rows.length > 0
}

/** A page of items, those that were added last first. Passes the refresh gate. */
export async function listItems(
  engine: Engine,
  page: { queueId: string; status: ItemStatus | undefined; offset: number; limit: number },
): Promise<ReviewQueueItemRow[]> {
  await engine.refresh(table)
  return engine.db
    .select()
    .from(table)
    .where(
      and(
        eq(table.queueId, page.queueId),
        page.status === undefined ? undefined : eq(table.status, page.status),
      ),
    )
    .orderBy(desc(table.creationTimeMs), asc(table.itemId))
    .limit(page.limit)
    .offset(page.offset)
}

/**
 * Sets the status, who did it and when. One that has the status already stays as it is, so that of several users who
 * end a review at once the first is kept.
 * @returns the row afterwards; undefined when there is none
 */
export async function setItemStatus(
  engine: Engine,
  {
    queueId,
    itemId,
    ...change
  }: { queueId: string; itemId: string; status: ItemStatus; completedBy: string | null; nowMs: number },
): Promise<ReviewQueueItemRow | undefined> {
  const { status, completedBy, nowMs } = change
  const completedTimeMs = completedBy === null ? null : nowMs
  const changes = { status, completedBy, completedTimeMs, lastUpdateTimeMs: nowMs }
  const [row] = await engine.db
    .update(table)
    .set(changesIf(table, sql`status <> ${status}`, changes))
    .where(isItem(queueId, itemId))
    .returning()
  return row
}
