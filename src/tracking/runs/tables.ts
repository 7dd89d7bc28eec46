// Tables of runs with their params and tags. Params and tags carry the experiment, so that a search reads one slice.
import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { idColumn, int64, milliseconds } from '../../platform/database/columns.ts'

export const runs = pgTable('runs', {
  runId: text('run_id').primaryKey(),
  experimentId: idColumn('experiment_id').notNull(),
  runName: text('run_name'),
  userId: text('user_id'),
  /** RUNNING, SCHEDULED, FINISHED, FAILED or KILLED. */
  status: text('status').notNull(),
  startTime: int64('start_time'),
  endTime: int64('end_time'),
  deletedTimeMs: milliseconds('deleted_time'),
  lifecycleStage: text('lifecycle_stage').notNull(),
  artifactUri: text('artifact_uri'),
})

const ofRun = {
  runId: text('run_id').notNull(),
  key: text('key').notNull(),
  value: text('value').notNull(),
  experimentId: idColumn('experiment_id').notNull(),
}

export const params = pgTable('params', ofRun, (table) => [primaryKey({ columns: [table.runId, table.key] })])

export const tags = pgTable('tags', ofRun, (table) => [primaryKey({ columns: [table.runId, table.key] })])

export type RunRow = typeof runs.$inferSelect
export type ParamRow = typeof params.$inferSelect
export type TagRow = typeof tags.$inferSelect
