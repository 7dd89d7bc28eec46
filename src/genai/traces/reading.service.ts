// MLflow's rules for reading traces by their ids.
import { setTimeout as sleep } from 'node:timers/promises'
import { doesNotExist, MlflowError } from '../../errors.ts'
import { limitConcurrency } from '../../platform/concurrency.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { readAhead } from '../../platform/wire/json-list.ts'
import { IN_TABLES, METADATA, TAG } from './ids.ts'
import type { Trace, TraceInfo, TraceInfoV2 } from './schema.ts'
import { toOtlpSpan } from './span-wire.ts'
import { findItems, findSpans, findTraces, type StoredSpan, type TraceItems } from './store.ts'
import type { TraceRow } from './tables.ts'
import { toTraceInfo, toTraceInfoV2 } from './to-wire.ts'
import { readObject } from './usage.schema.ts'

/** What of the JSON of spans is read at once, if one trace has no more; and by how many requests. */
const CHUNK_CHARACTERS = 1024 * 1024
const CHUNKS_AT_ONCE = 4
const MOST_AT_ONCE = 100
/** How long is waited for spans that are still on their way. */
const RETRIES_MS = [1000, 2000]

export type TraceReader = ReturnType<typeof createTraceReader>

interface WholeTrace {
  row: TraceRow
  items: TraceItems
  spans: StoredSpan[]
}

const NO_ITEMS: TraceItems = { tags: new Map(), metadata: new Map(), assessments: [] }

export function createTraceReader(engine: Engine) {
  const inTurn = limitConcurrency(CHUNKS_AT_ONCE)

  async function requireTrace(
    traceId: string,
    text = `Trace with ID '${traceId}' not found.`,
  ): Promise<TraceRow> {
    const [row] = await findTraces(engine, [traceId])
    if (row) return row
    throw doesNotExist(text)
  }

  const itemsOf = async (traceId: string) => (await findItems(engine, [traceId])).get(traceId) ?? NO_ITEMS

  async function getInfo(traceId: string): Promise<TraceInfo> {
    return toTraceInfo(await requireTrace(traceId), await itemsOf(traceId))
  }

  async function getInfoV2(traceId: string): Promise<TraceInfoV2> {
    return toTraceInfoV2(await requireTrace(traceId), await itemsOf(traceId))
  }

  async function readWhole(rows: TraceRow[]): Promise<WholeTrace[]> {
    const ids = rows.map(({ traceId }) => traceId)
    const [items, spans] = await Promise.all([findItems(engine, ids), findSpans(engine, rows)])
    return rows.map((row) => ({
      row,
      items: items.get(row.traceId) ?? NO_ITEMS,
      spans: spans.get(row.traceId) ?? [],
    }))
  }

  /** @see SqlAlchemyStore.get_trace */
  async function readTrace(traceId: string, allowPartial: boolean): Promise<WholeTrace> {
    for (const waitMs of [...RETRIES_MS, undefined]) {
      const row = await requireTrace(traceId, `Trace with ID ${traceId} is not found.`)
      const [trace] = await readWhole([row])
      if (trace && !isInTables(trace)) throw doesNotExist('Trace data not stored in tracking store')
      if (trace && (allowPartial || isWhole(trace))) return trace
      if (waitMs !== undefined) await sleep(waitMs)
    }
    throw doesNotExist(`Trace with ID ${traceId} is not fully exported yet, please try again later.`)
  }

  async function get(traceId: string, allowPartial: boolean): Promise<Trace> {
    return toTrace(await readTrace(traceId, allowPartial))
  }

  /**
   * The spans of a trace as stock keeps them in a file, `{"spans": […]}`; undefined when its client has put that file to its artifacts.
   * @see mlflow/server/handlers.py _fetch_trace_data_from_store
   */
  async function spansJson(traceId: string): Promise<string | undefined> {
    const row = await requireTrace(traceId, `Trace with ID ${traceId} is not found.`)
    const [trace] = await readWhole([row])
    if (!trace || !isInTables(trace)) return undefined
    return `{"spans":[${trace.spans.map(({ content }) => content).join(',')}]}`
  }

  /**
   * The artifact root of a trace.
   * @throws RESOURCE_DOES_NOT_EXIST; INVALID_STATE when it has none
   * @see mlflow/tracing/utils/artifact_utils.py get_artifact_uri_for_trace
   */
  async function artifactRoot(traceId: string): Promise<string> {
    await requireTrace(traceId)
    const rootUri = (await itemsOf(traceId)).tags.get(TAG.artifactLocation)
    if (rootUri !== undefined) return rootUri
    throw new MlflowError('INVALID_STATE', `Trace data is corrupted for request_id=${traceId}`)
  }

  /** The traces of these ids, in their order, which is that of an id's last place; none twice. */
  async function findInOrder(traceIds: string[], experimentIds: string[] | undefined): Promise<TraceRow[]> {
    const places = new Map(traceIds.map((id, index) => [id, index]))
    const among = experimentIds && new Set(experimentIds)
    const rows = await findTraces(engine, [...places.keys()])
    return rows
      .filter(({ experimentId }) => !among || among.has(experimentId))
      .sort((a, b) => (places.get(a.traceId) ?? 0) - (places.get(b.traceId) ?? 0))
  }

  /** Traces whose spans are all there, in chunks, so that memory does not grow with them. @see SqlAlchemyStore.batch_get_traces */
  async function batchGet(
    traceIds: string[],
    experimentIds: string[] | undefined,
  ): Promise<AsyncGenerator<Trace[]>> {
    return readAhead(inChunks(await findInOrder(traceIds, experimentIds)))
  }

  /** As many traces at a time as should have `CHUNK_CHARACTERS`, by what those before had. */
  async function* inChunks(rows: TraceRow[]): AsyncGenerator<Trace[]> {
    let count = 1
    for (let from = 0; from < rows.length; ) {
      const chunk = rows.slice(from, from + count)
      from += chunk.length
      let characters = 1
      yield await inTurn(async () => {
        const traces = await readWhole(chunk)
        for (const { spans } of traces) for (const { content } of spans) characters += content.length
        return traces.filter((trace) => isInTables(trace) && isWhole(trace)).map(toTrace)
      })
      const fitting = Math.floor((chunk.length * CHUNK_CHARACTERS) / characters)
      count = Math.max(1, Math.min(fitting, 4 * chunk.length, MOST_AT_ONCE))
    }
  }

  /** @see SqlAlchemyStore.batch_get_trace_infos */
  async function batchGetInfos(
    traceIds: string[],
    experimentIds: string[] | undefined,
  ): Promise<TraceInfo[]> {
    return withItems(await findInOrder(traceIds, experimentIds))
  }

  /** The experiments of those of the traces that are there, by trace. */
  async function experimentsOf(traceIds: readonly string[]): Promise<Map<string, string>> {
    const rows = await findTraces(engine, [...new Set(traceIds)])
    return new Map(rows.map(({ traceId, experimentId }) => [traceId, experimentId]))
  }

  async function mapWithItems<Info>(
    rows: TraceRow[],
    toInfo: (row: TraceRow, items: TraceItems) => Info,
  ): Promise<Info[]> {
    const items = await findItems(
      engine,
      rows.map(({ traceId }) => traceId),
    )
    return rows.map((row) => toInfo(row, items.get(row.traceId) ?? NO_ITEMS))
  }
  const withItems = (rows: TraceRow[]) => mapWithItems(rows, toTraceInfo)
  const withItemsV2 = (rows: TraceRow[]) => mapWithItems(rows, toTraceInfoV2)

  return {
    experimentsOf,
    requireTrace,
    getInfo,
    getInfoV2,
    get,
    spansJson,
    artifactRoot,
    batchGet,
    batchGetInfos,
    withItems,
    withItemsV2,
  }
}

const isInTables = ({ items }: WholeTrace) => items.tags.get(TAG.spansLocation) === IN_TABLES

/** Whether there are spans, as many as the client said. */
function isWhole({ items, spans }: WholeTrace): boolean {
  const expected = Number(readObject(items.metadata.get(METADATA.sizeStats))?.num_spans) || 1
  return spans.length >= expected
}

const toTrace = ({ row, items, spans }: WholeTrace): Trace => ({
  trace_info: toTraceInfo(row, items),
  ...(spans.length > 0 && { spans: spans.map(({ content }) => toOtlpSpan(content)) }),
})
