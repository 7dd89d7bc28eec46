// MLflow's messages as our rows: what a server answers, or a folder of files says in other words.

import { toRow } from '../../genai/assessments/rows.schema.ts'
import { Assessment } from '../../genai/assessments/schema.ts'
import { ATTRIBUTE, METADATA, TAG } from '../../genai/traces/ids.ts'
import { monthOfTrace } from '../../genai/traces/months.ts'
import { costsOf, NO_COSTS, readObject, tokensOf } from '../../genai/traces/usage.schema.ts'
import { datasetIdOf, hashOf, monthOf } from '../../platform/wire/ids.ts'
import { isJsonObject, type JsonObject, tryParseJson } from '../../platform/wire/int64.ts'
import { pythonDumps } from '../../platform/wire/python.ts'
import { parseDuration, parseTimestamp } from '../../platform/wire/times.ts'
import { hidesFromSearch, IS_PROMPT_TAG } from '../../registry/model-registry/prompt-tag.schema.ts'
import { toStoredTag } from '../../registry/model-registry/tag-values.store.ts'
import { LOGGED_MODEL_STATUSES } from '../../tracking/logged-models/schema.ts'
import type { Row } from '../families.store.ts'
import { indexed, toldTrace } from './told-trace.ts'
import { double, int, intOr, LAST_TRACE_MS, ms, msOr, text, textOr } from './values.ts'

/** A parent with what belongs to it, by table. What may be more than memory holds comes in parts, when it is asked for. */
export interface Entity {
  row: Row
  children: Record<string, Row[] | (() => AsyncIterable<Row[]>)>
}

type Json = Record<string, unknown>
const listOf = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : [])
const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {}

export function experimentOf(json: Json): Entity {
  const experimentId = String(json.experiment_id)
  return {
    row: {
      experimentId,
      name: textOr(json.name, ''),
      nameFence: 0,
      artifactLocation: text(json.artifact_location),
      lifecycleStage: textOr(json.lifecycle_stage, 'active'),
      creationTimeMs: msOr(json.creation_time, 0),
      lastUpdateTimeMs: msOr(json.last_update_time, 0),
    },
    children: {
      experiment_tags: listOf(json.tags).map(({ key, value }) => ({
        experimentId,
        key: textOr(key, ''),
        value: textOr(value, ''),
      })),
    },
  }
}

const idOfDataset = (experimentId: string, { name, digest }: Json) =>
  datasetIdOf(experimentId, textOr(name, ''), textOr(digest, ''))

/** Datasets that runs name as inputs, once each. */
export function datasetsOf(run: Json): Row[] {
  const experimentId = String(objectOf(run.info).experiment_id)
  return listOf(objectOf(run.inputs).dataset_inputs).map(({ dataset: given }) => {
    const dataset = objectOf(given)
    return {
      datasetId: idOfDataset(experimentId, dataset),
      experimentId,
      name: textOr(dataset.name, ''),
      digest: textOr(dataset.digest, ''),
      sourceType: textOr(dataset.source_type, ''),
      source: textOr(dataset.source, ''),
      schema: text(dataset.schema),
      profile: text(dataset.profile),
    }
  })
}

/** A point of a metric; NaN is a 0 with a mark. */
export function pointOf(run: Row, json: Json): Row {
  const value = double(json.value)
  return {
    runId: run.runId,
    key: textOr(json.key, ''),
    value: value ?? 0,
    timestamp: intOr(json.timestamp, 0),
    step: intOr(json.step, 0),
    isNan: value === null,
    experimentId: run.experimentId,
  }
}

export const historyPointOf = (run: Row, json: Json): Row => ({
  ...pointOf(run, json),
  month: monthOf(String(run.runId)),
})

/** @param history points of all metrics, in parts */
export function runOf(json: Json, history: (run: Row) => () => AsyncIterable<Row[]>): Entity {
  const [info, data, inputs] = [objectOf(json.info), objectOf(json.data), objectOf(json.inputs)]
  const experimentId = String(info.experiment_id)
  const runId = String(info.run_id ?? info.run_uuid)
  const row: Row = {
    runId,
    experimentId,
    runName: text(info.run_name) || null,
    userId: text(info.user_id),
    status: textOr(info.status, 'RUNNING'),
    startTime: int(info.start_time),
    endTime: int(info.end_time),
    deletedTimeMs: ms(info.deleted_time),
    lifecycleStage: textOr(info.lifecycle_stage, 'active'),
    artifactUri: text(info.artifact_uri),
  }
  const pairs = (list: unknown) =>
    listOf(list).map(({ key, value }) => ({
      runId,
      key: textOr(key, ''),
      value: textOr(value, ''),
      experimentId,
    }))
  const edge = (position: number, step: unknown) => ({
    step: intOr(step, 0),
    loggedOrder: Number(row.startTime ?? 0) * 1000 + position,
  })
  const datasetInputs = listOf(inputs.dataset_inputs)
  return {
    row,
    children: {
      params: pairs(data.params),
      tags: pairs(data.tags),
      metrics: history(row),
      latest_metrics: listOf(data.metrics).map((point) => pointOf(row, point)),
      inputs_of_runs: datasetInputs.map(({ dataset }, position) => ({
        sourceType: 'DATASET',
        sourceId: idOfDataset(experimentId, objectOf(dataset)),
        destinationType: 'RUN',
        destinationId: runId,
        ...edge(position, 0),
      })),
      input_tags: datasetInputs.flatMap(({ dataset, tags }) =>
        listOf(tags).map(({ key, value }) => ({
          runId,
          datasetId: idOfDataset(experimentId, objectOf(dataset)),
          name: textOr(key, ''),
          value: textOr(value, ''),
        })),
      ),
      models_of_runs: [
        ...listOf(inputs.model_inputs).map(({ model_id }, position) => ({
          sourceType: 'RUN_INPUT',
          sourceId: runId,
          destinationType: 'MODEL_INPUT',
          destinationId: textOr(model_id, ''),
          ...edge(position, 0),
        })),
        ...listOf(objectOf(json.outputs).model_outputs).map(({ model_id, step }, position) => ({
          sourceType: 'RUN_OUTPUT',
          sourceId: runId,
          destinationType: 'MODEL_OUTPUT',
          destinationId: textOr(model_id, ''),
          ...edge(position, step),
        })),
      ],
    },
  }
}

export function loggedModelOf(json: Json, experimentOfRun: (runId: string) => string | undefined): Entity {
  const [info, data] = [objectOf(json.info), objectOf(json.data)]
  const [modelId, experimentId] = [String(info.model_id), String(info.experiment_id)]
  const status = info.status as keyof typeof LOGGED_MODEL_STATUSES
  const pairs = (list: unknown) =>
    listOf(list).map(({ key, value }) => ({
      modelId,
      key: textOr(key, ''),
      value: textOr(value, ''),
      experimentId,
    }))
  return {
    row: {
      modelId,
      experimentId,
      name: textOr(info.name, ''),
      artifactLocation: textOr(info.artifact_uri, ''),
      creationTimestampMs: msOr(info.creation_timestamp_ms, 0),
      lastUpdatedTimestampMs: msOr(info.last_updated_timestamp_ms, 0),
      status: typeof info.status === 'number' ? info.status : (LOGGED_MODEL_STATUSES[status] ?? 0),
      lifecycleStage: textOr(info.lifecycle_stage, 'active'),
      modelType: text(info.model_type) || null,
      sourceRunId: text(info.source_run_id) || null,
      statusMessage: text(info.status_message) || null,
    },
    children: {
      logged_model_params: pairs(data.params),
      logged_model_tags: pairs(info.tags),
      logged_model_metrics: listOf(data.metrics).map((metric) => ({
        modelId,
        name: textOr(metric.key, ''),
        timestamp: intOr(metric.timestamp, 0),
        step: intOr(metric.step, 0),
        value: double(metric.value) ?? 0,
        experimentId: experimentOfRun(String(metric.run_id)) ?? experimentId,
        runId: textOr(metric.run_id, ''),
        datasetName: textOr(metric.dataset_name, ''),
        datasetDigest: textOr(metric.dataset_digest, ''),
      })),
    },
  }
}

/** Models have names for keys there; the uid follows from the name and the time, so that a second move finds the first one's. */
export const modelUidOf = (name: string, creationTimeMs: number): string =>
  hashOf(JSON.stringify(['registered_model', name, creationTimeMs]))

export const versionUidOf = (modelUid: unknown, version: number): string =>
  hashOf(JSON.stringify([modelUid, version]))

/** A model that was logged with a run is named by the version's source. */
export const loggedModelIn = (source: string): string | null =>
  /^models:\/(m-[0-9a-f]{32})$/.exec(source)?.[1] ?? null

const isPromptBy = (tags: unknown) =>
  hidesFromSearch(text(listOf(tags).find(({ key }) => key === IS_PROMPT_TAG)?.value) ?? undefined)

const storedTags = (tags: unknown) =>
  listOf(tags).map(({ key, value }) => toStoredTag({ key: textOr(key, ''), value: textOr(value, '') }))

/** @param versions all of the model's, as messages */
export function registeredModelOf(json: Json, versions: readonly Json[]): Entity {
  const name = textOr(json.name, '')
  const creationTimeMs = msOr(json.creation_timestamp, 0)
  const modelUid = modelUidOf(name, creationTimeMs)
  const numbers = versions.map(({ version }) => Number(version))
  return {
    row: {
      modelUid,
      name,
      nameFence: 0,
      creationTimeMs,
      lastUpdatedTimeMs: msOr(json.last_updated_timestamp, creationTimeMs),
      renamedTimeMs: 0,
      description: text(json.description),
      isPrompt: isPromptBy(json.tags),
      lastVersion: Math.max(0, ...numbers),
    },
    children: {
      registered_model_tags: storedTags(json.tags).map((tag) => ({ modelUid, ...tag })),
      registered_model_aliases: listOf(json.aliases).map(({ alias, version }) => ({
        modelUid,
        alias: textOr(alias, ''),
        version: ms(version),
        eventId: '',
      })),
      model_version_tags: versions.flatMap(({ version, tags }) =>
        storedTags(tags).map((tag) => ({
          versionUid: versionUidOf(modelUid, Number(version)),
          ...tag,
          modelUid,
        })),
      ),
      model_versions: versions.map((version) => versionOf(modelUid, version)),
    },
  }
}

function versionOf(modelUid: string, json: Json): Row {
  const [version, source] = [Number(json.version), textOr(json.source, '')]
  return {
    modelUid,
    version,
    versionUid: versionUidOf(modelUid, version),
    creationTimeMs: msOr(json.creation_timestamp, 0),
    lastUpdatedTimeMs: msOr(json.last_updated_timestamp, 0),
    description: text(json.description),
    userId: text(json.user_id),
    currentStage: textOr(json.current_stage, 'None'),
    eventId: '',
    source,
    storageLocation: text(json.storage_location) || source,
    runId: text(json.run_id),
    runLink: text(json.run_link),
    modelId: text(json.model_id) || loggedModelIn(source),
    status: textOr(json.status, 'READY'),
    statusMessage: text(json.status_message),
    isPrompt: isPromptBy(json.tags),
  }
}

export const webhookOf = (json: Json): Entity => ({
  row: {
    webhookId: textOr(json.webhook_id, ''),
    name: textOr(json.name, ''),
    description: text(json.description) || null,
    url: textOr(json.url, ''),
    events: listOf(json.events)
      .map(({ entity, action }) => `${entity}.${action}`.toLowerCase())
      .sort()
      .join(','),
    status: textOr(json.status, 'ACTIVE'),
    secret: null,
    creationTimestampMs: msOr(json.creation_timestamp, 0),
    lastUpdatedTimestampMs: msOr(json.last_updated_timestamp, 0),
  },
  children: {},
})

/** Metadata that the row of a trace holds. */
const IN_ROW = new Set<string>([METADATA.session, METADATA.tokenUsage, METADATA.cost])

/** @param spans the trace's spans as messages; numbers as they are spelled */
export function traceOf(json: Json, spans: readonly JsonObject[]): Entity {
  const location = objectOf(objectOf(json.trace_location).mlflow_experiment)
  const [traceId, experimentId] = [textOr(json.trace_id, ''), String(location.experiment_id)]
  const [metadata, tags] = [objectOf(json.trace_metadata), objectOf(json.tags)]
  const timestampMs = parseTimestamp(textOr(json.request_time, '')) ?? 0
  const month = monthOfTrace(timestampMs, LAST_TRACE_MS)
  const items = (entries: Json, isLeftOut: (key: string) => boolean) =>
    Object.entries(entries)
      .filter(([key]) => !isLeftOut(key))
      .map(([key, value]) => ({ traceId, key, value: indexed(textOr(value, '')), experimentId }))
  return {
    row: toldTrace({
      traceId,
      experimentId,
      timestampMs,
      durationMs: parseDuration(textOr(json.execution_duration, '')),
      status: textOr(json.state, 'STATE_UNSPECIFIED'),
      clientRequestId: text(json.client_request_id),
      requestPreview: text(json.request_preview),
      responsePreview: text(json.response_preview),
      name: text(tags[TAG.traceName]),
      session: text(metadata[METADATA.session]),
      tokens: tokensOf(readObject(text(metadata[METADATA.tokenUsage])) ?? {}),
      costs: costsOf(readObject(text(metadata[METADATA.cost])) ?? {}),
    }),
    children: {
      trace_tags: items(tags, (key) => key === TAG.traceName),
      trace_metadata: items(metadata, (key) => IN_ROW.has(key)),
      spans: spans.map((span) => spanOf({ traceId, experimentId, month }, span)),
      assessments: listOf(json.assessments).map((one) => {
        const row = toRow(Assessment.parse(one), { traceId, experimentId }, NO_TIME)
        return { ...row, place: row.createdTimestampMs * 1000 }
      }),
    },
  }
}

/** Servers tell when an assessment was made. */
const NO_TIME = { nowMs: 0 }

const hexOf = (base64: unknown): string => Buffer.from(String(base64), 'base64').toString('hex')

function spanOf(trace: { traceId: string; experimentId: string; month: string }, span: JsonObject): Row {
  const attributes = isJsonObject(span.attributes) ? span.attributes : {}
  const told = (key: string) =>
    typeof attributes[key] === 'string' ? (attributes[key] as string) : undefined
  const plain = (key: string): string | null => {
    const value = tryParseJson(told(key) ?? '')
    return typeof value === 'string' && value !== '' ? indexed(value) : null
  }
  const object = (key: string) => (readObject(told(key)) ? (told(key) ?? null) : null)
  const number = (value: unknown) => (value === null || value === undefined ? null : int(spelled(value)))
  const cost = object(ATTRIBUTE.cost)
  const status = isJsonObject(span.status) ? span.status.code : undefined
  return {
    ...trace,
    spanId: hexOf(span.span_id),
    parentSpanId: span.parent_span_id ? hexOf(span.parent_span_id) : null,
    name: indexed(textOr(span.name, '')),
    type: plain(ATTRIBUTE.spanType),
    status: textOr(status, 'UNSET').replace('STATUS_CODE_', ''),
    startTimeNs: number(span.start_time_unix_nano) ?? 0,
    endTimeNs: number(span.end_time_unix_nano),
    content: pythonDumps(span),
    usage: object(ATTRIBUTE.usage),
    cost,
    ...(cost === null ? NO_COSTS : costsOf(readObject(cost) ?? {})),
    modelName: plain(ATTRIBUTE.model),
    modelProvider: plain(ATTRIBUTE.modelProvider),
  }
}

/** A number's digits, however it was read. */
const spelled = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'text' in value ? value.text : value
