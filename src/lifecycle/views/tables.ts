// The table of materialized views: what they are made of, and what became of their last refreshes.
import { pgTable, text } from 'drizzle-orm/pg-core'
import { milliseconds } from '../../platform/database/columns.ts'

export const materializedViews = pgTable('materialized_views', {
  /** Follows from the name, which is therefore unique. */
  viewId: text('view_id').primaryKey(),
  /** As `schema.table`. */
  name: text('name').notNull(),
  /** ViewDefinition in schema.ts, as JSON. */
  definition: text('definition').notNull(),
  createdAtMs: milliseconds('created_at_ms').notNull(),
  userId: text('user_id'),
  /** From when its schedule counts on: the last scheduled start, or its making. */
  scheduledFromMs: milliseconds('scheduled_from_ms').notNull(),
  /** How often it was refreshed; 0 until its table is there. */
  version: milliseconds('version').notNull(),
  /** When its last refresh began that succeeded, how long that took, how many rows there were then. */
  refreshedAtMs: milliseconds('refreshed_at_ms'),
  durationMs: milliseconds('duration_ms'),
  rowCount: milliseconds('row_count'),
  /** The greatest value of its incremental column that was seen, as a text. */
  greatest: text('greatest'),
  /** Which rows are shown, where the database keeps several generations of them: CrateDB's views read it here. */
  generation: milliseconds('generation'),
  /** When its last refresh began that failed, and why it did. */
  failedAtMs: milliseconds('failed_at_ms'),
  message: text('message'),
})

export type ViewRow = typeof materializedViews.$inferSelect
