// Tables of datasets logged to runs, and of the edges between runs, datasets and logged models.
import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { idColumn, int64, milliseconds } from '../../platform/database/columns.ts'

export const datasets = pgTable('datasets', {
  /** Derived from experiment, name and digest, hence the same dataset gets the same id from every server. */
  datasetId: text('dataset_id').primaryKey(),
  experimentId: idColumn('experiment_id').notNull(),
  name: text('name').notNull(),
  digest: text('digest').notNull(),
  sourceType: text('dataset_source_type').notNull(),
  source: text('dataset_source').notNull(),
  schema: text('dataset_schema'),
  profile: text('dataset_profile'),
})

/** DATASET → RUN, RUN_INPUT → MODEL_INPUT and RUN_OUTPUT → MODEL_OUTPUT, as MLflow's SQL store has them. */
export const inputs = pgTable(
  'inputs',
  {
    sourceType: text('source_type').notNull(),
    sourceId: text('source_id').notNull(),
    destinationType: text('destination_type').notNull(),
    destinationId: text('destination_id').notNull(),
    step: int64('step').notNull(),
    /** Milliseconds × 1000 + position in its request: the order in which edges were logged. */
    loggedOrder: milliseconds('logged_order').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.sourceType, table.sourceId, table.destinationType, table.destinationId] }),
  ],
)

export const inputTags = pgTable(
  'input_tags',
  {
    runId: text('run_id').notNull(),
    datasetId: text('dataset_id').notNull(),
    name: text('name').notNull(),
    value: text('value').notNull(),
  },
  (table) => [primaryKey({ columns: [table.runId, table.datasetId, table.name] })],
)

export type DatasetRow = typeof datasets.$inferSelect
export type InputRow = typeof inputs.$inferSelect
export type InputTagRow = typeof inputTags.$inferSelect
