// MLflow's rules for tags of traces and for their deletion.
import { doesNotExist, invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import { checkKey, checkLength, truncate } from '../../platform/wire/names.ts'
import { indexed, MAX_NAME_LENGTH, MAX_TAG_KEY_LENGTH, MAX_TAG_VALUE_LENGTH } from './derived.ts'
import type { Experiments } from './experiments.ts'
import { TAG } from './ids.ts'
import type { TraceReader } from './reading.service.ts'
import * as store from './store.ts'

export interface TraceServiceDeps {
  engine: Engine
  reader: TraceReader
  experiments: Pick<Experiments, 'parseId'>
  /** Called before traces go, so that nothing refers to them any more. */
  forgetTraces: (traceIds: readonly string[]) => Promise<void>
}

export type TraceService = ReturnType<typeof createTraceService>

/** What the server alone says of a trace. */
const IMMUTABLE = new Set<string>([TAG.spansLocation, TAG.archiveLocation, TAG.archivalFailure])
/** Traces that are deleted at once. */
const DELETION_CHUNK = 500

const immutable = (key: string, done: 'set' | 'deleted') =>
  invalidParameter(`Tag '${key}' is immutable and cannot be ${done} on a trace.`)

export function createTraceService({ engine, reader, experiments, forgetTraces }: TraceServiceDeps) {
  /** Answers how many went. A repeated call finds what is left over from a crash. */
  async function deleteRows(rows: Parameters<typeof store.deleteTraces>[1]): Promise<number> {
    if (rows.length === 0) return 0
    await forgetTraces(rows.map(({ traceId }) => traceId))
    return (await store.deleteTraces(engine, rows)).traces
  }

  /**
   * Sets a tag; its value is cut to 8000 characters.
   * @throws INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST
   * @see SqlAlchemyStore.set_trace_tag
   */
  async function setTag(traceId: string, key: string, value: string): Promise<void> {
    if (IMMUTABLE.has(key)) throw immutable(key, 'set')
    checkLength('key', MAX_TAG_KEY_LENGTH, checkKey(key, 'key'))
    const cut = truncate(value, MAX_TAG_VALUE_LENGTH)
    if (key === TAG.traceName) checkLength('Trace name', MAX_NAME_LENGTH, cut)
    const { experimentId } = await reader.requireTrace(traceId)
    if (key !== TAG.traceName)
      await store.upsertTag(engine, { traceId, key, value: indexed(cut), experimentId })
    else if (!(await store.setName(engine, traceId, indexed(cut)))) await reader.requireTrace(traceId)
  }

  /** @throws RESOURCE_DOES_NOT_EXIST @see SqlAlchemyStore.delete_trace_tag */
  async function deleteTag(traceId: string, key: string): Promise<void> {
    if (IMMUTABLE.has(key) && key !== TAG.archivalFailure) throw immutable(key, 'deleted')
    if (key === TAG.traceName) {
      const { traceName } = await reader.requireTrace(traceId)
      if (traceName !== null && (await store.setName(engine, traceId, null))) return
    } else if (await store.deleteTag(engine, traceId, key)) return
    throw doesNotExist(`No trace tag with key '${key}' for trace with ID '${traceId}'`)
  }

  /**
   * Deletes traces of an experiment with all that they hold: those of the ids, or those that are as old as a time (ms) or
   * older, the oldest first. Answers how many.
   * @throws INVALID_PARAMETER_VALUE
   * @see mlflow/store/tracking/abstract_store.py delete_traces
   */
  async function deleteTraces(input: {
    experiment_id: string
    max_timestamp_millis?: Int64 | undefined
    max_traces?: number | undefined
    request_ids: string[]
  }): Promise<number> {
    const { max_timestamp_millis: maxMs, max_traces: maxTraces, request_ids: ids } = input
    checkDeletion(maxMs, maxTraces, ids)
    const experimentId = experiments.parseId(input.experiment_id)
    if (maxMs === undefined) return deleteByIds(experimentId, [...new Set(ids)])
    let deleted = 0
    for (;;) {
      const limit = Math.min(DELETION_CHUNK, (maxTraces ?? Number.POSITIVE_INFINITY) - deleted)
      const rows = limit > 0 ? await store.findOldTraces(engine, experimentId, maxMs, limit) : []
      if (rows.length === 0) return deleted
      deleted += await deleteRows(rows)
    }
  }

  async function deleteByIds(experimentId: string, ids: string[]): Promise<number> {
    const found = await store.findTraces(engine, ids)
    const rows = found.filter((row) => row.experimentId === experimentId)
    let deleted = 0
    for (let start = 0; start < rows.length; start += DELETION_CHUNK) {
      deleted += await deleteRows(rows.slice(start, start + DELETION_CHUNK))
    }
    return deleted
  }

  return { setTag, deleteTag, deleteTraces }
}

function checkDeletion(maxMs: Int64 | undefined, maxTraces: number | undefined, ids: string[]): void {
  if (maxMs === undefined && ids.length === 0) {
    throw invalidParameter('Either `max_timestamp_millis` or `trace_ids` must be specified.')
  }
  if (maxMs !== undefined && ids.length > 0) {
    throw invalidParameter('Only one of `max_timestamp_millis` and `trace_ids` can be specified.')
  }
  if (ids.length > 0 && maxTraces !== undefined) {
    throw invalidParameter("`max_traces` can't be specified if `trace_ids` is specified.")
  }
  if (maxTraces !== undefined && maxTraces <= 0) {
    throw invalidParameter(`\`max_traces\` must be a positive integer, received ${maxTraces}.`)
  }
}
