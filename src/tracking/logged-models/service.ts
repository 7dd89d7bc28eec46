// MLflow's rules for logged models: creation, status, params, tags, metric points. Their search is in search.service.ts.

import { doesNotExist, invalidParameter, MlflowError } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { createBatchedReader } from '../../platform/database/group-commit.ts'
import { createTurns } from '../../platform/turns.ts'
import { type Clock, newModelId } from '../../platform/wire/ids.ts'
import { MAX_MODEL_ATTRIBUTE_LENGTH, MAX_MODEL_KEY_LENGTH } from '../../platform/wire/limits.ts'
import { checkLength } from '../../platform/wire/names.ts'
import { pythonDumps, pythonList, pythonRepr } from '../../platform/wire/python.ts'
import { randomName } from '../../platform/wire/random-name.ts'
import { appendToUriPath } from '../../platform/wire/uri.ts'
import { LOGGED_MODEL_STATUSES, type LoggedModel, type LoggedModelStatus } from './schema.ts'
import { createLoggedModelSearch } from './search.service.ts'
import * as store from './store.ts'
import type { LoggedModelRow } from './tables.ts'

const MODEL_VERSIONS_TAG = 'mlflow.modelVersions'

type KeyValueInput = { key?: string | undefined; value?: string | undefined }
type KeyValue = { key: string; value: string }

export interface LoggedModelServiceDeps {
  engine: Engine
  clock: Clock
  /** The experiment when it takes new content. */
  requireActiveExperiment: (
    experimentId: string,
  ) => Promise<{ experimentId: string; artifactLocation: string | null }>
}

export type LoggedModelService = ReturnType<typeof createLoggedModelService>

export function createLoggedModelService({ engine, clock, requireActiveExperiment }: LoggedModelServiceDeps) {
  // Ingest asks for the model's row with every point: what arrives together is read together.
  const readModel = createBatchedReader((ids) => store.findLoggedModels(engine, ids), 64)
  const writeMetrics = store.createModelMetricWriter(engine)
  const inTurn = createTurns<void>()

  /** @see mlflow/store/tracking/sqlalchemy_store.py create_logged_model */
  async function create(input: {
    experiment_id: string
    name?: string | undefined
    model_type?: string | undefined
    source_run_id?: string | undefined
    params: KeyValueInput[]
    tags: KeyValueInput[]
  }): Promise<LoggedModel> {
    const name = checkName(input.name || randomName())
    const params = readPairs('Param key', input.params)
    const tags = readPairs('Tag key', input.tags)
    checkDistinct('param', params)
    checkDistinct('tag', tags)
    const { experimentId, artifactLocation } = await requireActiveExperiment(input.experiment_id)
    const modelId = newModelId()
    const nowMs = clock.now()
    const model: LoggedModelRow = {
      modelId,
      experimentId,
      name,
      artifactLocation: appendToUriPath(artifactLocation ?? '', 'models', modelId, 'artifacts'),
      creationTimestampMs: nowMs,
      lastUpdatedTimestampMs: nowMs,
      status: LOGGED_MODEL_STATUSES.LOGGED_MODEL_PENDING,
      lifecycleStage: 'active',
      modelType: checkLength('model_type', MAX_MODEL_ATTRIBUTE_LENGTH, input.model_type ?? ''),
      sourceRunId: checkLength('source_run_id', MAX_MODEL_ATTRIBUTE_LENGTH, input.source_run_id ?? ''),
      statusMessage: null,
    }
    const ofModel = (pairs: KeyValue[]) =>
      pairs.map((pair) => ({ ...pair, modelId, experimentId })).sort((a, b) => (a.key < b.key ? -1 : 1))
    const children = { params: ofModel(params), tags: ofModel(tags) }
    await store.insertLoggedModel(engine, model, children)
    return toWire(model, { ...children, metrics: [] })
  }

  /** The row, whatever its lifecycle stage; sees every acknowledged write. */
  async function requireModel(modelId: string): Promise<LoggedModelRow> {
    const row = await readModel(modelId)
    if (!row) throw notFound(modelId)
    return row
  }

  /** The row of a model that is not deleted. */
  async function requireActive(modelId: string): Promise<LoggedModelRow> {
    const row = await requireModel(modelId)
    if (row.lifecycleStage === 'deleted') throw notFound(modelId)
    return row
  }

  async function withContents(rows: LoggedModelRow[]): Promise<LoggedModel[]> {
    const ids = rows.map((row) => row.modelId)
    const contents = await store.findLoggedModelContents(engine, ids)
    return rows.map((row) => toWire(row, contents.get(row.modelId) as store.LoggedModelContents))
  }

  async function get(modelId: string, { allowDeleted }: { allowDeleted: boolean }): Promise<LoggedModel> {
    const row = allowDeleted ? await requireModel(modelId) : await requireActive(modelId)
    return (await withContents([row]))[0] as LoggedModel
  }

  /** Sets the status. Deleted models take it too, as in MLflow. */
  async function finalize(modelId: string, status: LoggedModelStatus): Promise<LoggedModel> {
    const row = await store.updateLoggedModel(engine, modelId, {
      status: LOGGED_MODEL_STATUSES[status],
      lastUpdatedTimestampMs: clock.now(),
    })
    if (!row) throw notFound(modelId)
    return (await withContents([row]))[0] as LoggedModel
  }

  async function deleteModel(modelId: string): Promise<void> {
    const changes = { lifecycleStage: 'deleted', lastUpdatedTimestampMs: clock.now() }
    if (!(await store.updateLoggedModel(engine, modelId, changes))) throw notFound(modelId)
  }

  /** A key that comes twice keeps its last value. */
  async function setTags(modelId: string, tags: KeyValueInput[]): Promise<void> {
    const pairs = new Map(readPairs('Tag key', tags).map(({ key, value }) => [key, value]))
    const { experimentId } = await requireModel(modelId)
    const rows = [...pairs].map(([key, value]) => ({ modelId, experimentId, key, value }))
    await store.upsertLoggedModelTags(engine, rows)
  }

  async function deleteTag(modelId: string, key: string): Promise<void> {
    await requireModel(modelId)
    if (await store.deleteLoggedModelTag(engine, modelId, key)) return
    throw doesNotExist(`No tag with key ${pythonRepr(key)} found for model with ID ${pythonRepr(modelId)}.`)
  }

  /**
   * Logs params; all are checked before the first is written. Unlike MLflow, a param may be logged again with the
   * value it has, so that a client's retry succeeds.
   * @throws BAD_REQUEST for a key that has another value or comes twice
   */
  async function logParams(modelId: string, params: KeyValueInput[]): Promise<void> {
    const pairs = readPairs('Param key', params)
    checkDistinct('param', pairs)
    const { experimentId } = await requireModel(modelId)
    const keys = pairs.map(({ key }) => key)
    const rows = pairs.map((pair) => ({ ...pair, modelId, experimentId }))
    await inTurn(modelId, async () => {
      refuseChanges(modelId, pairs, await store.findLoggedModelParams(engine, modelId, keys))
      // Another server may have been faster.
      refuseChanges(modelId, pairs, await store.insertLoggedModelParams(engine, rows))
    })
  }

  /**
   * The points of a run that are linked to models, deleted or not, ask for these.
   * @throws BAD_REQUEST for an unknown model, the code of MLflow's violated foreign key
   * @see mlflow/store/tracking/sqlalchemy_store.py _log_model_metrics
   */
  async function requireModelsOf(points: store.ModelMetric[]): Promise<void> {
    if (points.length === 0) return
    const modelIds = [...new Set(points.map(({ modelId }) => modelId))]
    const models = await Promise.all(modelIds.map(readModel))
    const missing = models.indexOf(undefined)
    if (missing >= 0) throw new MlflowError('BAD_REQUEST', notFound(modelIds[missing] as string).message)
  }

  /** Links points of a run to models that are known to be there. */
  async function logMetrics(points: store.ModelMetric[]): Promise<void> {
    if (points.length > 0) await writeMetrics(points)
  }

  /**
   * Notes in the model's tag that a version was registered from it.
   * @see mlflow/store/tracking/abstract_store.py set_model_versions_tags
   */
  async function linkVersion(modelId: string, link: { name: string; version: number }): Promise<void> {
    const { experimentId } = await requireActive(modelId)
    await store.changeLoggedModelTag(engine, { modelId, experimentId, key: MODEL_VERSIONS_TAG }, (value) => {
      const links = readLinks(value)
      const isThere = links.some(({ name, version }) => name === link.name && version === link.version)
      // Clients compare it with what Python writes.
      return pythonDumps(isThere ? links : [...links, link])
    })
  }

  return {
    create,
    get,
    finalize,
    delete: deleteModel,
    setTags,
    deleteTag,
    logParams,
    requireModelsOf,
    logMetrics,
    search: createLoggedModelSearch(engine, withContents),
    requireActive,
    linkVersion,
    /** Where the artifacts of a model lie that is not deleted. */
    artifactLocation: async (modelId: string) => (await requireActive(modelId)).artifactLocation,
  }
}

/** The versions in the tag; none when it holds something else. */
function readLinks(value: string | undefined): { name?: unknown; version?: unknown }[] {
  try {
    const links: unknown = JSON.parse(value || '[]')
    return Array.isArray(links) ? links.filter((link) => link !== null && typeof link === 'object') : []
  } catch {
    return []
  }
}

const notFound = (modelId: string) => doesNotExist(`Logged model with ID '${modelId}' not found.`)

/** @see mlflow/utils/validation.py _validate_logged_model_name */
function checkName(name: string): string {
  if (/[/:.%"']/.test(name)) {
    throw invalidParameter(
      `Invalid model name (${pythonRepr(name)}) provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'")`,
    )
  }
  return checkLength('name', MAX_MODEL_ATTRIBUTE_LENGTH, name)
}

/** Absent keys and values are empty texts. */
const readPairs = (label: string, pairs: KeyValueInput[]): KeyValue[] =>
  pairs.map(({ key = '', value = '' }) => ({ key: checkLength(label, MAX_MODEL_KEY_LENGTH, key), value }))

/** MLflow answers BAD_REQUEST with the text of its database's violated primary key. */
function checkDistinct(noun: 'param' | 'tag', pairs: KeyValue[]): void {
  const keys = new Set<string>()
  const repeated = pairs.filter(({ key }) => keys.size === keys.add(key).size).map(({ key }) => key)
  if (repeated.length === 0) return
  throw new MlflowError(
    'BAD_REQUEST',
    `Duplicate ${noun} keys have been submitted: ${pythonList(repeated)}. Please ensure the request contains only one value per ${noun} key.`,
  )
}

function refuseChanges(modelId: string, pairs: KeyValue[], stored: Map<string, string>): void {
  for (const { key, value } of pairs) {
    const oldValue = stored.get(key)
    if (oldValue === undefined || oldValue === value) continue
    throw new MlflowError(
      'BAD_REQUEST',
      `Changing param values is not allowed. Param with key='${key}' was already logged with value='${oldValue}' for logged model ID='${modelId}'. Attempted logging new value '${value}'.`,
    )
  }
}

const statusName = (status: number): LoggedModelStatus =>
  (Object.keys(LOGGED_MODEL_STATUSES) as LoggedModelStatus[]).find(
    (name) => LOGGED_MODEL_STATUSES[name] === status,
  ) ?? 'LOGGED_MODEL_STATUS_UNSPECIFIED'

/** Empty lists are left out, as protobuf's JSON does. */
function toWire(row: LoggedModelRow, { params, tags, metrics }: store.LoggedModelContents): LoggedModel {
  const pairs = (rows: KeyValue[]) => rows.map(({ key, value }) => ({ key, value }))
  return {
    info: {
      model_id: row.modelId,
      experiment_id: row.experimentId,
      name: row.name,
      creation_timestamp_ms: row.creationTimestampMs,
      last_updated_timestamp_ms: row.lastUpdatedTimestampMs,
      artifact_uri: row.artifactLocation,
      status: statusName(row.status),
      ...(row.modelType !== null && { model_type: row.modelType }),
      ...(row.sourceRunId !== null && { source_run_id: row.sourceRunId }),
      ...(row.statusMessage !== null && { status_message: row.statusMessage }),
      ...(tags.length > 0 && { tags: pairs(tags) }),
    },
    data: {
      ...(params.length > 0 && { params: pairs(params) }),
      ...(metrics.length > 0 && { metrics: metrics.map(metricToWire) }),
    },
  }
}

const metricToWire = (row: store.LoggedModelContents['metrics'][number]) => ({
  key: row.name,
  value: row.value,
  timestamp: row.timestamp,
  step: row.step,
  ...(row.datasetName && { dataset_name: row.datasetName }),
  ...(row.datasetDigest && { dataset_digest: row.datasetDigest }),
  model_id: row.modelId,
  run_id: row.runId,
})
