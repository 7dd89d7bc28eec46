// Tables of evaluation datasets, their records and tags, and the experiments that they belong to.
import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { milliseconds } from '../../platform/database/columns.ts'

/** The row comes last when a dataset is made and goes first when it is deleted; nothing shows what has no row. */
export const evaluationDatasets = pgTable('evaluation_datasets', {
  datasetId: text('dataset_id').primaryKey(),
  name: text('name').notNull(),
  /** JSON: the types of the fields that records have had. NULL until the first records. */
  schema: text('schema'),
  /** NULL until the first records. */
  numRecords: milliseconds('num_records'),
  digest: text('digest').notNull(),
  createdTimeMs: milliseconds('created_time').notNull(),
  lastUpdateTimeMs: milliseconds('last_update_time').notNull(),
  createdBy: text('created_by'),
  lastUpdatedBy: text('last_updated_by'),
  /** Changes with the schema and the number of records: who knows the last one may make the next. */
  writeId: text('write_id').notNull(),
})

export const evaluationDatasetTags = pgTable(
  'evaluation_dataset_tags',
  { datasetId: text('dataset_id').notNull(), key: text('key').notNull(), value: text('value') },
  (table) => [primaryKey({ columns: [table.datasetId, table.key] })],
)

/** Experiments need not exist: whoever makes a dataset names them as he likes. */
export const evaluationDatasetExperiments = pgTable(
  'evaluation_dataset_experiments',
  {
    datasetId: text('dataset_id').notNull(),
    experimentId: text('experiment_id').notNull(),
    createdTimeMs: milliseconds('created_time').notNull(),
  },
  (table) => [primaryKey({ columns: [table.datasetId, table.experimentId] })],
)

/** Records. Their parts are JSON as Python writes it. */
export const evaluationDatasetRecords = pgTable(
  'evaluation_dataset_records',
  {
    datasetId: text('dataset_id').notNull(),
    /** Made of the dataset's id and the inputs, so that a dataset has no inputs twice. */
    datasetRecordId: text('dataset_record_id').notNull(),
    /** `created_time:dataset_record_id`, the order of the records and their page token; see records.ts. */
    place: text('place').notNull(),
    inputs: text('inputs').notNull(),
    outputs: text('outputs'),
    expectations: text('expectations'),
    tags: text('tags').notNull(),
    source: text('source'),
    createdTimeMs: milliseconds('created_time').notNull(),
    lastUpdateTimeMs: milliseconds('last_update_time').notNull(),
    createdBy: text('created_by'),
    lastUpdatedBy: text('last_updated_by'),
    /** Counts the changes of the row; one that was not made to the latest of them does not hold. */
    revision: milliseconds('revision').notNull(),
    /** Tells whose change held. */
    writeId: text('write_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.datasetId, table.datasetRecordId] })],
)

export type EvaluationDatasetRow = typeof evaluationDatasets.$inferSelect
export type DatasetTagRow = typeof evaluationDatasetTags.$inferSelect
export type DatasetExperimentRow = typeof evaluationDatasetExperiments.$inferSelect
export type DatasetRecordRow = typeof evaluationDatasetRecords.$inferSelect
