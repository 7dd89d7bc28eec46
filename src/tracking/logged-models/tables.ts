// Tables of logged models with their params, tags and metrics.
import { doublePrecision, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { idColumn, int64, milliseconds } from '../../platform/database/columns.ts'

export const loggedModels = pgTable('logged_models', {
  modelId: text('model_id').primaryKey(),
  experimentId: idColumn('experiment_id').notNull(),
  name: text('name').notNull(),
  artifactLocation: text('artifact_location').notNull(),
  creationTimestampMs: milliseconds('creation_timestamp_ms').notNull(),
  lastUpdatedTimestampMs: milliseconds('last_updated_timestamp_ms').notNull(),
  /** LOGGED_MODEL_STATUSES in schema.ts. */
  status: integer('status').notNull(),
  lifecycleStage: text('lifecycle_stage').notNull(),
  modelType: text('model_type'),
  sourceRunId: text('source_run_id'),
  statusMessage: text('status_message'),
})

export const loggedModelParams = pgTable(
  'logged_model_params',
  {
    modelId: text('model_id').notNull(),
    key: text('param_key').notNull(),
    value: text('param_value').notNull(),
    experimentId: idColumn('experiment_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.modelId, table.key] })],
)

export const loggedModelTags = pgTable(
  'logged_model_tags',
  {
    modelId: text('model_id').notNull(),
    key: text('tag_key').notNull(),
    value: text('tag_value').notNull(),
    experimentId: idColumn('experiment_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.modelId, table.key] })],
)

/**
 * Every point that is not the same in all respects is kept. Infinities are stored as the largest finite doubles and
 * NaN as 0, as in MLflow; points without a dataset have empty texts there.
 */
export const loggedModelMetrics = pgTable(
  'logged_model_metrics',
  {
    modelId: text('model_id').notNull(),
    name: text('metric_name').notNull(),
    timestamp: int64('metric_timestamp_ms').notNull(),
    step: int64('metric_step').notNull(),
    value: doublePrecision('metric_value').notNull(),
    /** The experiment of the run, which may be another one than the model's. */
    experimentId: idColumn('experiment_id').notNull(),
    runId: text('run_id').notNull(),
    datasetName: text('dataset_name').notNull(),
    datasetDigest: text('dataset_digest').notNull(),
  },
  (table) => [
    primaryKey({
      columns: [
        table.modelId,
        table.name,
        table.timestamp,
        table.step,
        table.value,
        table.runId,
        table.datasetName,
        table.datasetDigest,
      ],
    }),
  ],
)

export type LoggedModelRow = typeof loggedModels.$inferSelect
export type LoggedModelParamRow = typeof loggedModelParams.$inferSelect
export type LoggedModelTagRow = typeof loggedModelTags.$inferSelect
export type LoggedModelMetricRow = typeof loggedModelMetrics.$inferSelect
