// Rows of traces as MLflow's messages.
import { truncate } from '../../platform/wire/names.ts'
import { durationJson, timestampJson } from '../../platform/wire/times.ts'
import { toWire as assessmentsToWire } from '../assessments/rows.schema.ts'
import { METADATA, TAG } from './ids.ts'
import type { TraceInfo, TraceInfoV2 } from './schema.ts'
import type { TraceItems } from './store.ts'
import type { TraceRow } from './tables.ts'
import { costsJson, tokensJson } from './usage.schema.ts'

/** Characters that answers have at most of keys and of values. @see mlflow/tracing/constant.py MAX_CHARS_IN_TRACE_INFO_* */
const MAX_KEY = 250
const MAX_METADATA = 250
const MAX_TAG = 4096

const cut = (items: Map<string, string>, length: number): Record<string, string> =>
  Object.fromEntries([...items].map(([key, value]) => [truncate(key, MAX_KEY), truncate(value, length)]))

/** Columns of a trace that clients know as metadata. @see compatibility_metadata_from_columns */
function columnMetadata(row: TraceRow): [key: string, value: string][] {
  const [tokens, costs] = [tokensJson(row), costsJson(row)]
  return [
    ...(row.sessionId === null ? [] : [[METADATA.session, row.sessionId] as [string, string]]),
    ...(tokens ? [[METADATA.tokenUsage, tokens] as [string, string]] : []),
    ...(costs ? [[METADATA.cost, costs] as [string, string]] : []),
  ]
}

const metadataOf = (row: TraceRow, { metadata }: TraceItems) =>
  cut(new Map([...metadata, ...columnMetadata(row)]), MAX_METADATA)

const tagsOf = (row: TraceRow, { tags }: TraceItems) =>
  cut(row.traceName === null ? tags : new Map([...tags, [TAG.traceName, row.traceName]]), MAX_TAG)

/** Milliseconds; null while the trace goes on. */
export const durationOf = ({ timestampMs, endMs }: TraceRow): number | null =>
  endMs === null ? null : endMs - timestampMs

const isFilled = (map: Record<string, string>) => Object.keys(map).length > 0

export function toTraceInfo(row: TraceRow, items: TraceItems): TraceInfo {
  const [metadata, tags, duration] = [metadataOf(row, items), tagsOf(row, items), durationOf(row)]
  return {
    trace_id: row.traceId,
    ...(row.clientRequestId !== null && { client_request_id: row.clientRequestId }),
    trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: row.experimentId } },
    ...(row.requestPreview !== null && { request_preview: row.requestPreview }),
    ...(row.responsePreview !== null && { response_preview: row.responsePreview }),
    request_time: timestampJson(row.timestampMs),
    ...(duration !== null && { execution_duration: durationJson(duration) }),
    state: row.status as TraceInfo['state'],
    ...(isFilled(metadata) && { trace_metadata: metadata }),
    ...(isFilled(tags) && { tags }),
    ...(items.assessments.length > 0 && { assessments: assessmentsToWire(items.assessments) }),
  }
}

const pairs = (map: Record<string, string>) => Object.entries(map).map(([key, value]) => ({ key, value }))

/** The form that clients before MLflow 3 know. */
export function toTraceInfoV2(row: TraceRow, items: TraceItems): TraceInfoV2 {
  const [metadata, tags] = [pairs(metadataOf(row, items)), pairs(tagsOf(row, items))]
  return {
    request_id: row.traceId,
    experiment_id: row.experimentId,
    timestamp_ms: row.timestampMs,
    execution_time_ms: durationOf(row) ?? 0,
    status:
      row.status === 'STATE_UNSPECIFIED' ? 'TRACE_STATUS_UNSPECIFIED' : (row.status as TraceInfoV2['status']),
    ...(metadata.length > 0 && { request_metadata: metadata }),
    ...(tags.length > 0 && { tags }),
  }
}
