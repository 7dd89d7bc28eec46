// The table of issues that were found in traces.
import { pgTable, text } from 'drizzle-orm/pg-core'
import { idColumn, milliseconds } from '../../platform/database/columns.ts'

export const issues = pgTable('issues', {
  issueId: text('issue_id').primaryKey(),
  experimentId: idColumn('experiment_id').notNull(),
  name: text('name').notNull(),
  description: text('description').notNull(),
  /** pending, rejected or resolved. */
  status: text('status').notNull(),
  /** not_an_issue, low, medium or high. */
  severity: text('severity'),
  /** JSON list of texts, NULL for none. */
  rootCauses: text('root_causes'),
  sourceRunId: text('source_run_id'),
  /** JSON list of texts, NULL for none. */
  categories: text('categories'),
  createdTimestampMs: milliseconds('created_timestamp').notNull(),
  lastUpdatedTimestampMs: milliseconds('last_updated_timestamp').notNull(),
  createdBy: text('created_by'),
})

export type IssueRow = typeof issues.$inferSelect
