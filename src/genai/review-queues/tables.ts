// Tables of review queues and of the items in them.
import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { idColumn, milliseconds, textList } from '../../platform/database/columns.ts'

export type QueueType = 'user' | 'custom'
export type ItemStatus = 'pending' | 'complete' | 'declined'

/**
 * One row is all there is of a queue but its items, so that every change of it is atomic. A row whose `name` is NULL
 * is a creation that never finished; nothing shows it.
 */
export const reviewQueues = pgTable('review_queues', {
  queueId: text('queue_id').primaryKey(),
  experimentId: idColumn('experiment_id').notNull(),
  name: text('name'),
  /** Raised by every change, and when items have been added; see database/name-claims.ts. */
  fence: milliseconds('fence').notNull(),
  queueType: text('queue_type').$type<QueueType>().notNull(),
  createdBy: text('created_by'),
  creationTimeMs: milliseconds('creation_time_ms').notNull(),
  lastUpdateTimeMs: milliseconds('last_update_time_ms').notNull(),
  /** In lower case, sorted. */
  users: textList('users').notNull(),
  /** Sorted. A schema may be gone since. */
  schemaIds: textList('schema_ids').notNull(),
})

/** Items of a queue that is gone belong to nothing. */
export const reviewQueueItems = pgTable(
  'review_queue_items',
  {
    queueId: text('queue_id').notNull(),
    itemId: text('item_id').notNull(),
    /** trace. */
    itemType: text('item_type').notNull(),
    status: text('status').$type<ItemStatus>().notNull(),
    completedBy: text('completed_by'),
    completedTimeMs: milliseconds('completed_time_ms'),
    creationTimeMs: milliseconds('creation_time_ms').notNull(),
    lastUpdateTimeMs: milliseconds('last_update_time_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.queueId, table.itemId] })],
)

export type ReviewQueueRow = typeof reviewQueues.$inferSelect
export type ReviewQueueItemRow = typeof reviewQueueItems.$inferSelect
