// MLflow's rules for what is logged to a run: metrics, params, tags, batches, legacy models.
import { setImmediate } from 'node:timers/promises'
import { doesNotExist, invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { monthOf } from '../../platform/wire/ids.ts'
import { type Int64, parseJsonAsSpelled, SpelledNumber } from '../../platform/wire/int64.ts'
import * as limits from '../../platform/wire/limits.ts'
import { missingParameter } from '../../platform/wire/message.ts'
import { checkEntityKey, checkKey, checkLength, lengthOf, truncate } from '../../platform/wire/names.ts'
import { pythonDumps, pythonFloat, pythonRepr } from '../../platform/wire/python.ts'
import type { ModelMetric } from '../logged-models/store.ts'
import type { MetricRow } from '../metrics/tables.ts'
import { checkRunId } from './ids.ts'
import { findParamConflicts, type ParamConflict, type RunWrite, type RunWriter } from './ingest.store.ts'
import { RUN_NAME_TAG, type Runs } from './service.ts'
import * as store from './store.ts'
import type { ParamRow, RunRow } from './tables.ts'

const LOGGED_MODELS_TAG = 'mlflow.log-model.history'

interface MetricInput {
  key?: string | undefined
  value?: number | undefined
  timestamp?: Int64 | undefined
  step?: Int64 | undefined
  model_id?: string | undefined
  dataset_name?: string | undefined
  dataset_digest?: string | undefined
}
/** A checked metric point; its run is known only later. */
type Point = Pick<MetricRow, 'key' | 'value' | 'timestamp' | 'step' | 'isNan'>

type KeyValue = { key?: string | undefined; value?: string | undefined }

export interface LoggingServiceDeps {
  engine: Engine
  write: RunWriter
  runs: Pick<Runs, 'requireActive' | 'update'>
  /** Refuses the points when a model of theirs is missing. @throws BAD_REQUEST */
  requireModelsOf: (points: ModelMetric[]) => Promise<void>
  logModelMetrics: (points: ModelMetric[]) => Promise<void>
}

export type LoggingService = ReturnType<typeof createLoggingService>

export function createLoggingService(deps: LoggingServiceDeps) {
  const { engine, write, runs, requireModelsOf, logModelMetrics } = deps

  async function logMetric(runId: string, metric: MetricInput): Promise<void> {
    const point = readMetric(metric, '')
    const run = await runs.requireActive(runId)
    const linked = modelMetrics(run, [metric], [point])
    await requireModelsOf(linked)
    await write({ ...emptyWrite(run), metrics: toRows(run, [point]) })
    await logModelMetrics(linked)
  }

  async function logParam(runId: string, param: KeyValue): Promise<void> {
    const { key, value } = readParam(param, '')
    const run = await runs.requireActive(runId)
    const [conflict] = await write({ ...emptyWrite(run), params: [{ ...ofRun(run), key, value }] })
    if (!conflict) return
    throw invalidParameter(
      `Changing param values is not allowed. Param with key='${key}' was already logged with value='${conflict.oldValue}' for run ID='${runId}'. Attempted logging new value '${value}'.`,
    )
  }

  async function setTag(runId: string, tag: KeyValue): Promise<void> {
    const { key, value } = readTag(tag, '')
    if (key === RUN_NAME_TAG) {
      await runs.update(runId, { run_name: value })
      return
    }
    const run = await runs.requireActive(runId)
    await write({ ...emptyWrite(run), tags: [{ ...ofRun(run), key, value }] })
  }

  async function deleteTag(runId: string, key: string): Promise<void> {
    await runs.requireActive(runId)
    const isKey = lengthOf(key) <= limits.MAX_ENTITY_KEY_LENGTH
    if (isKey && (await store.deleteTag(engine, runId, key))) return
    throw doesNotExist(`No tag with name: ${key} in run with id ${runId}`)
  }

  /**
   * Checks the whole batch before its first row is written; nothing of a bad batch lands, nor of one whose params
   * have other values already.
   * @see mlflow/store/tracking/sqlalchemy_store.py log_batch
   */
  async function logBatch(
    runId: string,
    batch: { metrics: MetricInput[]; params: KeyValue[]; tags: KeyValue[] },
  ): Promise<void> {
    checkPresent(batch)
    checkRunId(runId)
    // Asked for while the batch is checked.
    const found = runs.requireActive(runId)
    found.catch(() => {})
    await setImmediate()
    const metrics = batch.metrics.map((metric, i) => readMetric(metric, `metrics[${i}]`))
    const params = batch.params.map((param, i) => readParam(param, `params[${i}]`))
    const tags = batch.tags.map((tag, i) => readTag(tag, `tags[${i}]`))
    checkCounts(metrics.length, params.length, tags.length)
    checkDistinct(params)
    const run = await found
    const linked = modelMetrics(run, batch.metrics, metrics)
    const rows: RunWrite = {
      experimentId: run.experimentId,
      runId,
      metrics: toRows(run, metrics),
      params: params.map((param): ParamRow => ({ ...ofRun(run), ...param })),
      tags: tags.filter(({ key }) => key !== RUN_NAME_TAG).map((tag) => ({ ...ofRun(run), ...tag })),
    }
    await requireModelsOf(linked).catch(async (error) => {
      // Of two faults MLflow names the params'.
      throwConflicts(runId, await findParamConflicts(engine, rows))
      throw error
    })
    throwConflicts(runId, await write(rows))
    await logModelMetrics(linked)
    const name = tags.findLast(({ key, value }) => key === RUN_NAME_TAG && value !== '')?.value
    if (name) await runs.update(runId, { run_name: name })
  }

  /**
   * The endpoint of clients before logged models: appends the model to a tag.
   * @see mlflow/server/handlers.py _log_model
   */
  async function logModel(runId: string, modelJson: string): Promise<void> {
    const model = parseModel(modelJson)
    const run = await runs.requireActive(runId)
    const previous = await store.findTag(engine, runId, LOGGED_MODELS_TAG)
    const value = appendModel(previous, model)
    // More than a set-tag may bring, as in MLflow.
    const { maxIndexedBytes = Number.POSITIVE_INFINITY } = engine.dialect
    if (Buffer.byteLength(value) > maxIndexedBytes) {
      throw invalidParameter(
        `The tag '${LOGGED_MODELS_TAG}' exceeds ${maxIndexedBytes} bytes, which is as much as CrateDB keeps in a column with an index.`,
      )
    }
    await write({ ...emptyWrite(run), tags: [{ ...ofRun(run), key: LOGGED_MODELS_TAG, value }] })
  }

  return { logMetric, logParam, setTag, deleteTag, logBatch, logModel }
}

const ofRun = (run: RunRow) => ({ runId: run.runId, experimentId: run.experimentId })

/** Fields are named one by one: to spread a point takes twenty times as long, and batches have a thousand. */
function toRows({ runId, experimentId }: RunRow, points: Point[]): MetricRow[] {
  const month = monthOf(runId)
  return points.map(({ key, value, timestamp, step, isNan }) => ({
    runId,
    key,
    value,
    timestamp,
    step,
    isNan,
    experimentId,
    month,
  }))
}

const emptyWrite = (run: RunRow): RunWrite => ({ ...ofRun(run), metrics: [], params: [], tags: [] })
const inPath = (path: string, name: string) => (path ? `${path}.${name}` : name)

/**
 * A metric as it is stored.
 * @see mlflow/utils/validation.py _validate_metric, mlflow/store/tracking/sqlalchemy_store.py sanitize_metric_value
 */
function readMetric(metric: MetricInput, path: string): Point {
  if (!metric.dataset_name !== !metric.dataset_digest) {
    throw invalidParameter('Both dataset_name and dataset_digest must be provided if one is provided')
  }
  checkLength('dataset_name', limits.MAX_DATASET_NAME_LENGTH, metric.dataset_name ?? '')
  checkLength('dataset_digest', limits.MAX_DATASET_DIGEST_LENGTH, metric.dataset_digest ?? '')
  const key = checkKey(metric.key, inPath(path, 'name'))
  const value = metric.value ?? 0
  const timestamp = metric.timestamp ?? 0
  if (timestamp < 0) {
    throw invalidParameter(
      `Invalid value ${timestamp} for parameter '${inPath(path, 'timestamp')}' supplied: metric '${key}' (value=${pythonFloat(value)}). Timestamp must be a nonnegative long (64-bit integer) `,
    )
  }
  checkLength('Metric name', limits.MAX_ENTITY_KEY_LENGTH, key)
  const isNan = Number.isNaN(value)
  const finite = Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value))
  // `+ 0` makes -0 a plain 0: both are one point.
  return {
    key,
    value: isNan ? 0 : finite + 0,
    timestamp,
    step: metric.step ?? 0,
    isNan,
  }
}

/** @see mlflow/utils/validation.py _validate_param */
function readParam(param: KeyValue, path: string): { key: string; value: string } {
  return {
    key: checkEntityKey(param.key, inPath(path, 'key'), 'Param key'),
    value: truncate(param.value ?? '', limits.MAX_PARAM_VALUE_LENGTH),
  }
}

/** @see mlflow/utils/validation.py _validate_tag */
function readTag(tag: KeyValue, path: string): { key: string; value: string } {
  return {
    key: checkEntityKey(tag.key, inPath(path, 'key'), inPath(path, 'key')),
    value: truncate(tag.value ?? '', limits.MAX_TAG_VALUE_LENGTH),
  }
}

/** @see mlflow/server/handlers.py _log_batch */
function checkPresent(batch: { metrics: MetricInput[]; params: KeyValue[]; tags: KeyValue[] }): void {
  batch.metrics.forEach((metric, i) => {
    for (const field of ['key', 'value', 'timestamp'] as const) {
      if (metric[field] === undefined || (metric[field] as unknown) === '')
        throw missingParameter(`metrics[${i}].${field}`)
    }
  })
  batch.params.forEach((param, i) => {
    if (!param.key) throw missingParameter(`params[${i}].key`)
  })
  batch.tags.forEach((tag, i) => {
    if (!tag.key) throw missingParameter(`tags[${i}].key`)
  })
}

/** @see mlflow/utils/validation.py _validate_batch_log_limits */
function checkCounts(metrics: number, params: number, tags: number): void {
  const check = (name: string, limit: number, count: number) => {
    if (count <= limit) return
    throw invalidParameter(
      `A batch logging request can contain at most ${limit} ${name}. Got ${count} ${name}. Please split up ${name} across multiple requests and try again.`,
    )
  }
  check('metrics', limits.MAX_METRICS_PER_BATCH, metrics)
  check('params', limits.MAX_PARAMS_TAGS_PER_BATCH, params)
  check('tags', limits.MAX_PARAMS_TAGS_PER_BATCH, tags)
  check('metrics, params, and tags', limits.MAX_ENTITIES_PER_BATCH, metrics + params + tags)
}

function checkDistinct(params: { key: string }[]): void {
  const keys = new Set<string>()
  const repeated = params
    .filter(({ key }) => keys.size === keys.add(key).size)
    .map(({ key }) => pythonRepr(key))
  if (repeated.length === 0) return
  throw invalidParameter(
    `Duplicate parameter keys have been submitted: [${repeated.join(', ')}]. Please ensure the request contains only one param value per param key.`,
  )
}

function throwConflicts(runId: string, conflicts: ParamConflict[]): void {
  if (conflicts.length === 0) return
  const list = conflicts.map(
    ({ key, oldValue, newValue }) =>
      `{'key': ${pythonRepr(key)}, 'old_value': ${pythonRepr(oldValue)}, 'new_value': ${pythonRepr(newValue)}}`,
  )
  throw invalidParameter(
    `Changing param values is not allowed. Params were already logged='[${list.join(', ')}]' for run ID='${runId}'.`,
  )
}

function modelMetrics(run: RunRow, inputs: MetricInput[], points: Point[]): ModelMetric[] {
  return inputs.flatMap((input, i) => {
    const point = points[i] as Point
    if (!input.model_id) return []
    return {
      ...ofRun(run),
      modelId: input.model_id,
      name: point.key,
      value: point.value,
      timestamp: point.timestamp,
      step: point.step,
      datasetName: input.dataset_name || null,
      datasetDigest: input.dataset_digest || null,
    }
  })
}

const MODEL_FIELDS = ['artifact_path', 'flavors', 'utc_time_created', 'run_id'] as const

function parseModel(modelJson: string): Record<string, unknown> {
  let model: Record<string, unknown>
  try {
    model = parseJsonAsSpelled(modelJson) as Record<string, unknown>
  } catch {
    throw invalidParameter(`Malformed model info. \n ${modelJson} \n is not a valid JSON.`)
  }
  const missing = MODEL_FIELDS.filter(
    (field) => model === null || typeof model !== 'object' || !(field in model),
  )
  if (missing.length > 0) {
    throw invalidParameter(`Model json is missing mandatory fields: {${missing.map(pythonRepr).join(', ')}}`)
  }
  const { run_id, artifact_path, utc_time_created, model_uuid = null, flavors } = model
  return { run_id, artifact_path, utc_time_created, model_uuid, flavors: withoutConfigs(flavors) }
}

/** Fails on a tag that a client has set to something else, and on a model that is nested too deep to be written. */
function appendModel(previous: string | undefined, model: Record<string, unknown>): string {
  try {
    return pythonDumps([...(previous ? (parseJsonAsSpelled(previous) as unknown[]) : []), model])
  } catch {
    throw invalidParameter(`The model cannot be appended to the list in the tag '${LOGGED_MODELS_TAG}'.`)
  }
}

/** @see mlflow/models/model.py Model.get_tags_dict */
const withoutConfigs = (flavors: unknown): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(flavors ?? {}).map(([flavor, settings]) => {
      if (settings === null || typeof settings !== 'object' || settings instanceof SpelledNumber)
        return [flavor, settings]
      const { config: _config, ...rest } = settings as Record<string, unknown>
      return [flavor, rest]
    }),
  )
