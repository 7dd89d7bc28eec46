// Statements over review queues. Their items are in items.store.ts.
import { and, asc, desc, eq, isNotNull, sql } from 'drizzle-orm'
import { hasChild } from '../../platform/database/children.ts'
import { changesIf, isInList } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { NameOwner } from '../../platform/database/name-claims.ts'
import { type ReviewQueueRow, reviewQueueItems, reviewQueues as table } from './tables.ts'

export type NamedQueueRow = ReviewQueueRow & { name: string }

const isNamed = (row: ReviewQueueRow | undefined): row is NamedQueueRow => row != null && row.name !== null

/** What nobody else of the experiment may be named: case does not matter. */
export const nameKeyOf = (experimentId: string, name: string): string =>
  `${experimentId}/${name.toLowerCase()}`

const keyOf = (row: NamedQueueRow) => nameKeyOf(row.experimentId, row.name)

/** The queue by primary key. */
export async function findQueue(engine: Engine, queueId: string): Promise<NamedQueueRow | undefined> {
  const [row] = await engine.db.select().from(table).where(eq(table.queueId, queueId))
  return isNamed(row) ? row : undefined
}

/** @returns whether the row was inserted: false when the id was fenced off */
export async function insertQueue(engine: Engine, row: ReviewQueueRow): Promise<boolean> {
  const inserted = await engine.db
    .insert(table)
    .values(row)
    .onConflictDoNothing()
    .returning({ queueId: table.queueId })
  if (inserted.length === 1) return true
  // CrateDB repeats an insert whose node dies, and then meets the row that it has made itself.
  return row.name !== null && (await findQueue(engine, row.queueId))?.name === row.name
}

export interface QueueChanges {
  name: string
  createdBy: string | null
  users: string[]
  schemaIds: string[]
}

/**
 * Changes the queue while its fence is the given one, and raises the fence: of changes that began at the same time
 * one holds.
 * @returns the row afterwards, changed or not; undefined when there is none
 */
export async function changeQueue(
  engine: Engine,
  { queueId, fence, nowMs, ...changes }: QueueChanges & { queueId: string; fence: number; nowMs: number },
): Promise<NamedQueueRow | undefined> {
  const [row] = await engine.db
    .update(table)
    .set(changesIf(table, sql`fence = ${fence}`, { ...changes, lastUpdateTimeMs: nowMs, fence: fence + 1 }))
    .where(eq(table.queueId, queueId))
    .returning()
  return isNamed(row) ? row : undefined
}

/** Stops changes in flight. @returns the row afterwards; undefined when there is none */
export async function raiseFence(engine: Engine, queueId: string): Promise<NamedQueueRow | undefined> {
  const [row] = await engine.db
    .update(table)
    .set({ fence: sql`fence + 1` })
    .where(eq(table.queueId, queueId))
    .returning()
  return isNamed(row) ? row : undefined
}

export async function deleteQueue(engine: Engine, queueId: string): Promise<void> {
  await engine.execute(sql`DELETE FROM ${table} WHERE queue_id = ${queueId}`)
}

export interface QueueList {
  experimentId: string
  /** Only queues of this user, or with this item. */
  user: string | undefined
  itemId: string | undefined
  offset: number
  limit: number
}

/** A page of queues of an experiment, the newest first. Passes the refresh gate. */
export async function listQueues(
  engine: Engine,
  { experimentId, user, itemId, offset, limit }: QueueList,
): Promise<NamedQueueRow[]> {
  await engine.refresh(table, ...(itemId === undefined ? [] : [reviewQueueItems]))
  const holdsItem =
    itemId === undefined
      ? undefined
      : hasChild(engine.dialect, table.queueId, {
          table: reviewQueueItems,
          of: reviewQueueItems.queueId,
          where: eq(reviewQueueItems.itemId, itemId),
        })
  const rows = await engine.db
    .select()
    .from(table)
    .where(
      and(
        eq(table.experimentId, experimentId),
        isNotNull(table.name),
        user === undefined ? undefined : isInList(user, table.users),
        holdsItem,
      ),
    )
    .orderBy(desc(table.creationTimeMs), asc(table.queueId))
    .limit(limit)
    .offset(offset)
  return rows.filter(isNamed)
}

/** The scope of their names in the claims. */
export const QUEUE_NAMES = 'review_queue'

/** How review queues take part in the claiming of names. */
export const queueNames = (engine: Engine): NameOwner => {
  const keyOfRow = (row: NamedQueueRow | undefined) => row && keyOf(row)
  return {
    scope: QUEUE_NAMES,
    nameOf: async (queueId) => keyOfRow(await findQueue(engine, queueId)),
    raiseFence: async (queueId) => {
      const abandoned = {
        queueId,
        experimentId: '0',
        name: null,
        fence: 1,
        queueType: 'custom' as const,
        createdBy: null,
        creationTimeMs: 0,
        lastUpdateTimeMs: 0,
        users: [],
        schemaIds: [],
      }
      if (await insertQueue(engine, abandoned)) return undefined
      return keyOfRow(await raiseFence(engine, queueId))
    },
  }
}
