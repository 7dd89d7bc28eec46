// Tables of experiments, and of the claims that keep names unique.
import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { idColumn, milliseconds } from '../../platform/database/columns.ts'

/** A row whose `name` is NULL is a creation that never finished; nothing shows it. */
export const experiments = pgTable('experiments', {
  experimentId: idColumn('experiment_id').primaryKey(),
  name: text('name'),
  /** Raised to stop a rename or creation in flight; see database/name-claims.ts. */
  nameFence: milliseconds('name_fence').notNull(),
  artifactLocation: text('artifact_location'),
  lifecycleStage: text('lifecycle_stage').notNull(),
  creationTimeMs: milliseconds('creation_time').notNull(),
  lastUpdateTimeMs: milliseconds('last_update_time').notNull(),
})

export const experimentTags = pgTable(
  'experiment_tags',
  {
    experimentId: idColumn('experiment_id').notNull(),
    key: text('key').notNull(),
    value: text('value').notNull(),
  },
  (table) => [primaryKey({ columns: [table.experimentId, table.key] })],
)

export type ExperimentRow = typeof experiments.$inferSelect
