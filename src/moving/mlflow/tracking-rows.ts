// Experiments, runs, datasets and logged models of stock MLflow as our rows.
import { datasetIdOf, monthOf } from '../../platform/wire/ids.ts'
import type { Row } from '../families.store.ts'
import type { ChildMap, FamilyMap } from './maps.ts'
import { bool, double, int, intOr, ms, msOr, type Raw, text, textOr } from './values.ts'

export const experiments: FamilyMap = {
  parent: {
    tables: { t: 'experiments' },
    id: 't.experiment_id',
    experiment: 't.experiment_id',
    columns: {
      id: 't.experiment_id',
      name: 't.name',
      location: 't.artifact_location',
      stage: 't.lifecycle_stage',
      created: 't.creation_time',
      updated: 't.last_update_time',
    },
    row: ({ id, name, location, stage, created, updated }) => ({
      experimentId: String(id),
      name: textOr(name, ''),
      nameFence: 0,
      artifactLocation: text(location),
      lifecycleStage: textOr(stage, 'active'),
      creationTimeMs: msOr(created, 0),
      lastUpdateTimeMs: msOr(updated, 0),
    }),
  },
  children: {
    experiment_tags: {
      tables: { t: 'experiment_tags' },
      owner: 't.experiment_id',
      columns: { owner: 't.experiment_id', key: 't.key', value: 't.value' },
      row: ({ key, value }, { experimentId }) => ({ experimentId, key: text(key), value: textOr(value, '') }),
    },
  },
}

const idOfDataset = (raw: Raw) =>
  datasetIdOf(String(raw.experiment), textOr(raw.name, ''), textOr(raw.digest, ''))

export const datasets: FamilyMap = {
  parent: {
    tables: { t: 'datasets' },
    id: 't.dataset_uuid',
    experiment: 't.experiment_id',
    columns: {
      id: 't.dataset_uuid',
      experiment: 't.experiment_id',
      name: 't.name',
      digest: 't.digest',
      type: 't.dataset_source_type',
      source: 't.dataset_source',
      schema: 't.dataset_schema',
      profile: 't.dataset_profile',
    },
    row: (raw) => ({
      datasetId: idOfDataset(raw),
      experimentId: String(raw.experiment),
      name: textOr(raw.name, ''),
      digest: textOr(raw.digest, ''),
      sourceType: textOr(raw.type, ''),
      source: textOr(raw.source, ''),
      schema: text(raw.schema),
      profile: text(raw.profile),
    }),
  },
  children: {},
}

/** A key and its value of a run. */
const pairs = (table: string): ChildMap => ({
  tables: { t: table },
  owner: 't.run_uuid',
  columns: { owner: 't.run_uuid', key: 't.key', value: 't.value' },
  row: ({ key, value }, { runId, experimentId }) => ({
    runId,
    key: textOr(key, ''),
    value: textOr(value, ''),
    experimentId,
  }),
})

const POINT = {
  owner: 't.run_uuid',
  key: 't.key',
  value: 't.value',
  timestamp: 't.timestamp',
  step: 't.step',
  isNan: 't.is_nan',
}

/** NaN is a 0 with a mark here and there. */
const pointOf = (raw: Raw, { runId, experimentId }: Row): Row => {
  const value = double(raw.value)
  const isNan = bool(raw.isNan) || value === null
  return {
    runId,
    key: textOr(raw.key, ''),
    value: isNan ? 0 : value,
    timestamp: intOr(raw.timestamp, 0),
    step: intOr(raw.step, 0),
    isNan,
    experimentId,
  }
}

/** Edges are answered in the order in which they were logged; stock MLflow keeps none. */
const edge = (
  raw: Raw,
  parent: Row,
  types: { sourceType: string; sourceId: string; destinationType: string },
): Row => ({
  ...types,
  destinationId: textOr(raw.destination, ''),
  step: intOr(raw.step, 0),
  loggedOrder: Number(parent.startTime ?? 0) * 1000,
})

const OF_DATASETS = {
  tables: { t: 'inputs', d: 'datasets' },
  joins: 'JOIN "datasets" d ON d."dataset_uuid" = t."source_id"',
  where: `t."source_type" = 'DATASET' AND t."destination_type" = 'RUN'`,
}
const DATASET = { experiment: 'd.experiment_id', name: 'd.name', digest: 'd.digest' }

export const runs: FamilyMap = {
  parent: {
    tables: { t: 'runs' },
    id: 't.run_uuid',
    experiment: 't.experiment_id',
    columns: {
      id: 't.run_uuid',
      experiment: 't.experiment_id',
      name: 't.name',
      user: 't.user_id',
      status: 't.status',
      start: 't.start_time',
      end: 't.end_time',
      deleted: 't.deleted_time',
      stage: 't.lifecycle_stage',
      uri: 't.artifact_uri',
    },
    row: (raw) => ({
      runId: textOr(raw.id, ''),
      experimentId: String(raw.experiment),
      runName: text(raw.name) || null,
      userId: text(raw.user),
      status: textOr(raw.status, 'RUNNING'),
      startTime: int(raw.start),
      endTime: int(raw.end),
      deletedTimeMs: ms(raw.deleted),
      lifecycleStage: textOr(raw.stage, 'active'),
      artifactUri: text(raw.uri),
    }),
  },
  children: {
    params: pairs('params'),
    tags: pairs('tags'),
    metrics: {
      tables: { t: 'metrics' },
      owner: 't.run_uuid',
      columns: POINT,
      row: (raw, parent) => ({ ...pointOf(raw, parent), month: monthOf(String(parent.runId)) }),
    },
    latest_metrics: { tables: { t: 'latest_metrics' }, owner: 't.run_uuid', columns: POINT, row: pointOf },
    inputs_of_runs: {
      ...OF_DATASETS,
      owner: 't.destination_id',
      columns: { owner: 't.destination_id', destination: 't.destination_id', step: 't.step', ...DATASET },
      row: (raw, parent) =>
        edge(raw, parent, { sourceType: 'DATASET', sourceId: idOfDataset(raw), destinationType: 'RUN' }),
    },
    models_of_runs: {
      tables: { t: 'inputs' },
      owner: 't.source_id',
      where: `t."source_type" IN ('RUN_INPUT', 'RUN_OUTPUT')`,
      columns: {
        owner: 't.source_id',
        sourceType: 't.source_type',
        destinationType: 't.destination_type',
        destination: 't.destination_id',
        step: 't.step',
      },
      row: (raw, parent) =>
        edge(raw, parent, {
          sourceType: textOr(raw.sourceType, ''),
          sourceId: String(parent.runId),
          destinationType: textOr(raw.destinationType, ''),
        }),
    },
    input_tags: {
      tables: { ...OF_DATASETS.tables, g: 'input_tags' },
      joins: `${OF_DATASETS.joins} JOIN "input_tags" g ON g."input_uuid" = t."input_uuid"`,
      where: OF_DATASETS.where,
      owner: 't.destination_id',
      columns: { owner: 't.destination_id', ...DATASET, tag: 'g.name', value: 'g.value' },
      row: (raw, { runId }) => ({
        runId,
        datasetId: idOfDataset(raw),
        name: textOr(raw.tag, ''),
        value: textOr(raw.value, ''),
      }),
    },
  },
}

const ofModel = { owner: 't.model_id', key: 't.param_key', value: 't.param_value' }

export const loggedModels: FamilyMap = {
  parent: {
    tables: { t: 'logged_models' },
    id: 't.model_id',
    experiment: 't.experiment_id',
    columns: {
      id: 't.model_id',
      experiment: 't.experiment_id',
      name: 't.name',
      location: 't.artifact_location',
      created: 't.creation_timestamp_ms',
      updated: 't.last_updated_timestamp_ms',
      status: 't.status',
      stage: 't.lifecycle_stage',
      type: 't.model_type',
      run: 't.source_run_id',
      message: 't.status_message',
    },
    row: (raw) => ({
      modelId: textOr(raw.id, ''),
      experimentId: String(raw.experiment),
      name: textOr(raw.name, ''),
      artifactLocation: textOr(raw.location, ''),
      creationTimestampMs: msOr(raw.created, 0),
      lastUpdatedTimestampMs: msOr(raw.updated, 0),
      status: msOr(raw.status, 0),
      lifecycleStage: textOr(raw.stage, 'active'),
      modelType: text(raw.type),
      sourceRunId: text(raw.run),
      statusMessage: text(raw.message),
    }),
  },
  children: {
    logged_model_params: {
      tables: { t: 'logged_model_params' },
      owner: 't.model_id',
      columns: ofModel,
      row: ({ key, value }, { modelId, experimentId }) => ({
        modelId,
        key: textOr(key, ''),
        value: textOr(value, ''),
        experimentId,
      }),
    },
    logged_model_tags: {
      tables: { t: 'logged_model_tags' },
      owner: 't.model_id',
      columns: { owner: 't.model_id', key: 't.tag_key', value: 't.tag_value' },
      row: ({ key, value }, { modelId, experimentId }) => ({
        modelId,
        key: textOr(key, ''),
        value: textOr(value, ''),
        experimentId,
      }),
    },
    logged_model_metrics: {
      tables: { t: 'logged_model_metrics' },
      owner: 't.model_id',
      columns: {
        owner: 't.model_id',
        name: 't.metric_name',
        timestamp: 't.metric_timestamp_ms',
        step: 't.metric_step',
        value: 't.metric_value',
        experiment: 't.experiment_id',
        run: 't.run_id',
        dataset: 't.dataset_name',
        digest: 't.dataset_digest',
      },
      row: (raw, { modelId }) => ({
        modelId,
        name: textOr(raw.name, ''),
        timestamp: intOr(raw.timestamp, 0),
        step: intOr(raw.step, 0),
        value: double(raw.value) ?? 0,
        experimentId: String(raw.experiment),
        runId: textOr(raw.run, ''),
        datasetName: textOr(raw.dataset, ''),
        datasetDigest: textOr(raw.digest, ''),
      }),
    },
  },
}
