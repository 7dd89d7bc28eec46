// MLflow's rules for datasets and models that runs read and write.

import { invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { type Clock, datasetIdOf } from '../../platform/wire/ids.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import * as limits from '../../platform/wire/limits.ts'
import { checkLength } from '../../platform/wire/names.ts'
import { parseExperimentId } from '../experiments/ids.ts'
import { checkRunId } from '../runs/ids.ts'
import type { DatasetSummary } from './schema.ts'
import { findDatasetSummaries, findLoggedDatasets, insertInputs } from './store.ts'
import type { DatasetRow, InputRow, InputTagRow } from './tables.ts'

const MAX_EXPERIMENTS_PER_SEARCH = 20
const MAX_SUMMARIES = 1000
/** Dataset inputs that are looked up in one statement. */
const LOOKUP_CHUNK = 64

interface DatasetInputMessage {
  tags: { key?: string | undefined; value?: string | undefined }[]
  dataset?:
    | Partial<Record<'name' | 'digest' | 'source_type' | 'source' | 'schema' | 'profile', string>>
    | undefined
}

interface RunOfInputs {
  runId: string
  experimentId: string
}

export interface DatasetServiceDeps {
  engine: Engine
  clock: Clock
  /** The run's row when it may be written to. */
  requireActiveRun: (runId: string) => Promise<RunOfInputs>
}

export type DatasetService = ReturnType<typeof createDatasetService>

export function createDatasetService({ engine, clock, requireActiveRun }: DatasetServiceDeps) {
  /** Order numbers of edges logged by one request: milliseconds × 1000 + position. */
  function ordering() {
    const base = clock.now() * 1000
    return (position: number) => base + Math.min(position, 999)
  }

  /**
   * Checks the inputs and makes their rows; two inputs with one name and digest are one, the first.
   * @throws INVALID_PARAMETER_VALUE
   */
  function readInputs(run: RunOfInputs, messages: DatasetInputMessage[]) {
    const order = ordering()
    const distinct = new Map<string, { dataset: DatasetRow; tags: InputTagRow[]; edge: InputRow }>()
    for (const message of messages) {
      const dataset = readDataset(run.experimentId, message.dataset ?? {})
      const tags = message.tags.map((tag) => ({
        runId: run.runId,
        datasetId: dataset.datasetId,
        name: checkLength('key', limits.MAX_INPUT_TAG_KEY_LENGTH, tag.key ?? ''),
        value: checkLength('value', limits.MAX_INPUT_TAG_VALUE_LENGTH, tag.value ?? ''),
      }))
      if (distinct.has(dataset.datasetId)) continue
      const edge = {
        sourceType: 'DATASET',
        sourceId: dataset.datasetId,
        destinationType: 'RUN',
        destinationId: run.runId,
        step: 0,
        loggedOrder: order(distinct.size),
      }
      distinct.set(dataset.datasetId, { dataset, tags, edge })
    }
    return distinct
  }

  /** Logs dataset inputs and model inputs. An input that is there already keeps its tags, as in MLflow. */
  async function logInputs(
    runId: string,
    messages: DatasetInputMessage[],
    models: { model_id?: string | undefined }[],
  ): Promise<void> {
    checkRunId(runId)
    const run = await requireActiveRun(runId)
    const distinct = readInputs(run, messages)
    const ids = [...distinct.keys()]
    for (let start = 0; start < ids.length; start += LOOKUP_CHUNK) {
      const chunk = ids.slice(start, start + LOOKUP_CHUNK)
      for (const id of await findLoggedDatasets(engine, runId, chunk)) distinct.delete(id)
    }
    const fresh = [...distinct.values()]
    await insertInputs(engine, {
      datasets: fresh.map(({ dataset }) => dataset),
      tags: distinctBy(
        fresh.flatMap(({ tags }) => tags),
        (tag) => `${tag.datasetId}\0${tag.name}`,
      ),
      edges: [...fresh.map(({ edge }) => edge), ...modelEdges(run, 'RUN_INPUT', 'MODEL_INPUT', models)],
    })
  }

  async function logOutputs(
    runId: string,
    models: { model_id?: string | undefined; step?: Int64 | undefined }[],
  ): Promise<void> {
    const run = await requireActiveRun(runId)
    const edges = modelEdges(run, 'RUN_OUTPUT', 'MODEL_OUTPUT', models)
    await insertInputs(engine, { datasets: [], tags: [], edges })
  }

  function modelEdges(
    run: RunOfInputs,
    sourceType: string,
    destinationType: string,
    models: { model_id?: string | undefined; step?: Int64 | undefined }[],
  ): InputRow[] {
    const order = ordering()
    const edges = models.map((model, position) => ({
      sourceType,
      sourceId: run.runId,
      destinationType,
      destinationId: checkLength('model_id', limits.MAX_MODEL_ATTRIBUTE_LENGTH, model.model_id ?? ''),
      step: model.step ?? 0,
      loggedOrder: order(position),
    }))
    return distinctBy(edges, (edge) => edge.destinationId)
  }

  /** @see mlflow/server/handlers.py search_datasets_impl */
  async function search(experimentIds: string[]): Promise<DatasetSummary[]> {
    if (experimentIds.length === 0) {
      throw invalidParameter('SearchDatasets request must specify at least one experiment_id.')
    }
    if (experimentIds.length > MAX_EXPERIMENTS_PER_SEARCH) {
      throw invalidParameter(
        `SearchDatasets request cannot specify more than ${MAX_EXPERIMENTS_PER_SEARCH} experiment_ids. Received ${experimentIds.length} experiment_ids.`,
      )
    }
    return findDatasetSummaries(engine, experimentIds.map(parseExperimentId), MAX_SUMMARIES)
  }

  return { logInputs, logOutputs, search }
}

/** @see mlflow/utils/validation.py _validate_dataset */
function readDataset(experimentId: string, dataset: NonNullable<DatasetInputMessage['dataset']>): DatasetRow {
  const name = checkLength('name', limits.MAX_DATASET_NAME_LENGTH, dataset.name ?? '')
  const digest = checkLength('digest', limits.MAX_DATASET_DIGEST_LENGTH, dataset.digest ?? '')
  const source = checkLength('source', limits.MAX_DATASET_SOURCE_LENGTH, dataset.source ?? '')
  const schema = dataset.schema ?? null
  const profile = dataset.profile ?? null
  if (schema !== null) checkLength('schema', limits.MAX_DATASET_SCHEMA_LENGTH, schema)
  if (profile !== null) checkLength('profile', limits.MAX_DATASET_PROFILE_LENGTH, profile)
  const sourceType = checkLength('source_type', limits.MAX_DATASET_NAME_LENGTH, dataset.source_type ?? '')
  const datasetId = datasetIdOf(experimentId, name, digest)
  return { datasetId, experimentId, name, digest, sourceType, source, schema, profile }
}

function distinctBy<T>(items: T[], key: (item: T) => string): T[] {
  const first = new Map<string, T>()
  for (const item of items) if (!first.has(key(item))) first.set(key(item), item)
  return [...first.values()]
}
