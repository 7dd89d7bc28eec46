// What moves between stores: the tables in the order in which they are written, and whose their rows are.
//
// A family is a table of parents and the tables of what belongs to them. Children are written before their parent: a parent
// that is there was whole once. Families that others refer to come first.
import { type Column, getTableColumns, isNotNull, ne, type SQL, sql } from 'drizzle-orm'
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'
import { assessments } from '../genai/assessments/tables.ts'
import {
  evaluationDatasetExperiments,
  evaluationDatasetRecords,
  evaluationDatasets,
  evaluationDatasetTags,
} from '../genai/evaluation-datasets/tables.ts'
import { issues } from '../genai/issues/tables.ts'
import { labelSchemas } from '../genai/label-schemas/tables.ts'
import { reviewQueueItems, reviewQueues } from '../genai/review-queues/tables.ts'
import { scorers, scorerVersions } from '../genai/scorers/tables.ts'
import { spans, traceLinks, traceMetadata, traces, traceTags } from '../genai/traces/tables.ts'
import {
  modelVersions,
  modelVersionTags,
  registeredModelAliases,
  registeredModels,
  registeredModelTags,
  registryAudit,
} from '../registry/model-registry/tables.ts'
import { webhooks } from '../registry/webhooks/tables.ts'
import { datasets, inputs, inputTags } from '../tracking/datasets/tables.ts'
import { metricBuckets } from '../tracking/downsampling/tables.ts'
import { experiments, experimentTags } from '../tracking/experiments/tables.ts'
import {
  loggedModelMetrics,
  loggedModelParams,
  loggedModels,
  loggedModelTags,
} from '../tracking/logged-models/tables.ts'
import { latestMetrics, metrics } from '../tracking/metrics/tables.ts'
import { params, runs, tags } from '../tracking/runs/tables.ts'

/** A row by the properties of its table. */
export type Row = Record<string, unknown>

export interface MovedTable {
  /** As reports and archives call it. */
  name: string
  table: PgTable
  /** The property that holds the id of the parent, of a parent its own. */
  of: string
  /** Which rows of the table are meant. */
  where?: SQL
  /** Properties that each store keeps to itself: told when a row is new, neither compared nor changed later. */
  own: readonly string[]
  /** The rows of one parent may be more than memory holds: properties that put them into an order, nearly a total one. */
  order?: readonly string[]
}

export interface Family {
  name: FamilyName
  parent: MovedTable
  children: readonly MovedTable[]
}

interface Options {
  name?: string
  where?: SQL
  own?: string[]
  order?: string[]
}

/** The property of a table's column. */
export function propertyOf(table: PgTable, column: Column): string {
  const found = Object.entries(getTableColumns(table)).find(([, own]) => own === column)
  if (!found) throw new Error(`${getTableConfig(table).name} has no column ${column.name}`)
  return found[0]
}

const moved = (table: PgTable, of: Column, { name, own = [], ...options }: Options = {}): MovedTable => ({
  name: name ?? getTableConfig(table).name,
  table,
  of: propertyOf(table, of),
  own,
  ...options,
})

/** What holds for metric points of runs: NaN is a 0 with a mark, which no engine has to sort by. */
export const POINT_ORDER = ['key', 'timestamp', 'step', 'value']

export const FAMILIES = [
  {
    name: 'experiments',
    parent: moved(experiments, experiments.experimentId, {
      own: ['nameFence'],
      where: isNotNull(experiments.name),
    }),
    children: [moved(experimentTags, experimentTags.experimentId)],
  },
  { name: 'datasets', parent: moved(datasets, datasets.datasetId), children: [] },
  {
    name: 'runs',
    parent: moved(runs, runs.runId),
    children: [
      moved(params, params.runId),
      moved(tags, tags.runId),
      moved(metrics, metrics.runId, { order: POINT_ORDER }),
      moved(latestMetrics, latestMetrics.runId),
      moved(metricBuckets, metricBuckets.runId, {
        own: ['version'],
        order: ['key', 'firstTimestamp', 'bucketSize'],
      }),
      moved(inputTags, inputTags.runId),
      moved(inputs, inputs.destinationId, {
        name: 'inputs_of_runs',
        where: sql`destination_type = 'RUN'`,
        own: ['loggedOrder'],
      }),
      moved(inputs, inputs.sourceId, {
        name: 'models_of_runs',
        where: sql`source_type <> 'DATASET'`,
        own: ['loggedOrder'],
      }),
    ],
  },
  {
    name: 'logged_models',
    parent: moved(loggedModels, loggedModels.modelId),
    children: [
      moved(loggedModelParams, loggedModelParams.modelId),
      moved(loggedModelTags, loggedModelTags.modelId),
      moved(loggedModelMetrics, loggedModelMetrics.modelId),
    ],
  },
  {
    name: 'registered_models',
    parent: moved(registeredModels, registeredModels.modelUid, {
      own: ['nameFence', 'renamedTimeMs'],
      where: isNotNull(registeredModels.name),
    }),
    children: [
      moved(registeredModelTags, registeredModelTags.modelUid),
      moved(registryAudit, registryAudit.modelUid),
      moved(registeredModelAliases, registeredModelAliases.modelUid, { own: ['eventId'] }),
      moved(modelVersionTags, modelVersionTags.modelUid),
      moved(modelVersions, modelVersions.modelUid, { own: ['eventId'] }),
    ],
  },
  { name: 'webhooks', parent: moved(webhooks, webhooks.webhookId, { own: ['secret'] }), children: [] },
  {
    name: 'traces',
    parent: moved(traces, traces.traceId, {
      own: ['isFinal', 'hasGivenTokens', 'hasGivenCost', 'hasUsage', 'generation'],
    }),
    children: [
      moved(traceTags, traceTags.traceId),
      moved(traceMetadata, traceMetadata.traceId),
      moved(spans, spans.traceId, { order: ['spanId'] }),
      moved(assessments, assessments.traceId, { own: ['place', 'revision'] }),
      moved(traceLinks, traceLinks.traceId),
    ],
  },
  {
    name: 'evaluation_datasets',
    parent: moved(evaluationDatasets, evaluationDatasets.datasetId, { own: ['writeId'] }),
    children: [
      moved(evaluationDatasetTags, evaluationDatasetTags.datasetId),
      moved(evaluationDatasetExperiments, evaluationDatasetExperiments.datasetId),
      moved(evaluationDatasetRecords, evaluationDatasetRecords.datasetId, {
        own: ['revision', 'writeId'],
        order: ['datasetRecordId'],
      }),
    ],
  },
  {
    name: 'label_schemas',
    parent: moved(labelSchemas, labelSchemas.schemaId, {
      own: ['nameFence'],
      where: isNotNull(labelSchemas.name),
    }),
    children: [],
  },
  {
    name: 'review_queues',
    parent: moved(reviewQueues, reviewQueues.queueId, {
      own: ['fence'],
      where: isNotNull(reviewQueues.name),
    }),
    children: [moved(reviewQueueItems, reviewQueueItems.queueId, { order: ['itemId'] })],
  },
  {
    name: 'scorers',
    parent: moved(scorers, scorers.scorerId, { where: ne(scorers.scorerId, '') }),
    children: [moved(scorerVersions, scorerVersions.scorerId)],
  },
  { name: 'issues', parent: moved(issues, issues.issueId), children: [] },
] as const satisfies readonly (Omit<Family, 'name'> & { name: string })[]

export type FamilyName = (typeof FAMILIES)[number]['name']

/** The tables of a family, in the order of their writing. */
export const tablesOf = ({ parent, children }: Family): MovedTable[] => [...children, parent]

/** Properties of a table that both sides of a move have in common. */
export const comparedOf = ({ table, own }: MovedTable): string[] =>
  Object.keys(getTableColumns(table)).filter((property) => !own.includes(property))
