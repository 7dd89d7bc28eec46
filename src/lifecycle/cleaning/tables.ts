// The table of what was deleted for good.
import { pgTable, text } from 'drizzle-orm/pg-core'
import { idColumn, milliseconds } from '../../platform/database/columns.ts'

export const deletions = pgTable('deletions', {
  /** Of a run, a logged model or an experiment it follows from the thing, so that a deletion that goes on after a crash is one row. */
  deletionId: text('deletion_id').primaryKey(),
  /** When the deletion began. */
  deletedAtMs: milliseconds('deleted_at_ms').notNull(),
  /** DELETION_KINDS in schema.ts. */
  kind: text('kind').notNull(),
  /** Of a metric or a param, the run's. */
  entityId: text('entity_id').notNull(),
  /** Of a metric or a param, its key. */
  name: text('name'),
  experimentId: idColumn('experiment_id').notNull(),
  /** Rows of all tables. Those of an experiment leave out its runs and logged models, which have rows of their own here. */
  rowCount: milliseconds('row_count').notNull(),
  fileCount: milliseconds('file_count').notNull(),
  userId: text('user_id'),
  /** DELETION_CAUSES in schema.ts. */
  cause: text('cause').notNull(),
})

export type DeletionRow = typeof deletions.$inferSelect
