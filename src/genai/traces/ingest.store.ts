// The ingest path of traces: spans of concurrent requests go out as one bulk statement per table.
import { type Column, getTableColumns, type SQL, sql } from 'drizzle-orm'
import {
  comesFirst,
  createInsert,
  createUpsert,
  inKeyOrder,
  keepStored,
  takeNew,
  writeAll,
} from '../../platform/database/bulk.ts'
import { excluded } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { createGroupCommit } from '../../platform/database/group-commit.ts'
import { FLUSH_LIMITS, findGenerations, findUsageNodes, groupBy, lastRows } from './store.ts'
import {
  type SpanRow,
  spans,
  type TraceItemRow,
  type TraceRow,
  traceMetadata,
  traces,
  traceTags,
} from './tables.ts'
import { COST_COLUMNS, sumCosts, sumTokens, TOKEN_COLUMNS, type UsageNode } from './usage.schema.ts'

/** Rows of one trace that a request brings. Its month and its experiment are those of the stored trace, if there is one. */
export interface TraceAddition {
  trace: TraceRow
  spans: SpanRow[]
  /** Tags that replace what is there. */
  tags: TraceItemRow[]
  /** Tags and metadata that stay as they are where they are there. */
  firstTags: TraceItemRow[]
  firstMetadata: TraceItemRow[]
  /** Metadata that replaces what is there. */
  metadata: TraceItemRow[]
}

export type TraceWriter = (additions: TraceAddition[]) => Promise<void>

/** What a trace tells all that it holds. */
type PlaceOfTrace = Pick<TraceRow, 'month' | 'experimentId'>

/** What the database says of a trace that was added to. */
interface StoredTrace extends PlaceOfTrace {
  generation: number
  hasUsage: boolean
}

/**
 * Returns the writer of a server. It resolves when the database has acknowledged the rows. The same spans may be written again,
 * and in any order, by any server: the trace ends up the same.
 *
 * The order of writes makes it so: the trace, which tells all its spans their month and experiment; the spans; the trace again, now
 * raised by what the spans tell, which counts its `generation`; at last the sums of tokens and cost, unless the
 * generation has changed. Whoever changed it has seen the spans and writes better sums.
 *
 * A trace that nobody has is inserted as it would be raised, in its first generation and with its sums, then come its spans. If it is of its
 * first generation then, nobody else has added to it, and whoever does later sees the spans; else all is done again.
 */
export function createTraceWriter(engine: Engine): TraceWriter {
  const insertNew = createInsert(engine, traces)
  const isNew = comesFirst<string>((traceId) => traceId)
  const insertTraces = createUpsert(engine, traces, {
    onConflict: keepStored(traces.month),
    returning: [traces.traceId, traces.month, traces.experimentId],
  })
  const raiseTraces = createUpsert(engine, traces, {
    onConflict: raise,
    returning: [traces.traceId, traces.generation, traces.hasUsage],
  })
  const setSums = createUpsert(engine, traces, { onConflict: takeSums })
  const upsertSpans = createUpsert(engine, spans, { onConflict: takeSpan })
  const upsertTags = createUpsert(engine, traceTags, { onConflict: takeNew(traceTags.value) })
  const insertTags = createUpsert(engine, traceTags, { onConflict: keepStored(traceTags.value) })
  const upsertMetadata = createUpsert(engine, traceMetadata, { onConflict: takeNew(traceMetadata.value) })
  const insertMetadata = createUpsert(engine, traceMetadata, { onConflict: keepStored(traceMetadata.value) })

  async function flush(additions: TraceAddition[]): Promise<void> {
    const byTrace = groupBy(additions, ({ trace }) => trace.traceId)
    const fresh: TraceAddition[] = []
    const known: TraceAddition[] = []
    for (const [traceId, own] of byTrace) (isNew(traceId) ? fresh : known).push(...own)
    const [left] = await Promise.all([create(fresh), addTo(known)])
    await addTo(left)
  }

  /** Writes traces that are probably new; answers what belongs to traces that others have, too. */
  async function create(additions: TraceAddition[]): Promise<TraceAddition[]> {
    if (additions.length === 0) return []
    const merged = mergeTraces(additions.map(({ trace }) => trace))
    const { spanRows, items } = rowsOf(additions, merged)
    const nodes: Map<string, UsageNode[]> = groupBy(spanRows, ({ traceId }) => traceId)
    const rows = inKeyOrder(merged).map((row) => {
      const own = (row.hasUsage && nodes.get(row.traceId)) || []
      return { ...row, ...sumTokens(own), ...sumCosts(own), generation: FIRST_GENERATION }
    })
    if (!(await insertNew(rows))) return additions
    await writeAll(engine, [
      upsertSpans(spanRows),
      insertTags(items(({ firstTags }) => firstTags)),
      insertMetadata(items(({ firstMetadata }) => firstMetadata)),
      upsertTags(items(({ tags }) => tags)),
      upsertMetadata(items(({ metadata }) => metadata)),
    ])
    const generations = await findGenerations(engine, [...merged.keys()])
    return additions.filter(({ trace }) => generations.get(trace.traceId) !== FIRST_GENERATION)
  }

  /** Writes spans of traces that may be there. */
  async function addTo(additions: TraceAddition[]): Promise<void> {
    if (additions.length === 0) return
    const rows = inKeyOrder(mergeTraces(additions.map(({ trace }) => trace)))
    const stored = new Map<string, StoredTrace>()
    const [owners = []] = await writeAll(engine, [insertTraces(rows)])
    for (const row of owners) {
      const [month, experimentId] = [String(row.month), String(row.experiment_id)]
      stored.set(String(row.trace_id), { month, experimentId, generation: 0, hasUsage: false })
    }
    const placedRows = rows.map((row) => placed(row, stored))
    const { spanRows, items } = rowsOf(additions, stored)
    await writeAll(engine, [
      upsertSpans(spanRows),
      insertTags(items(({ firstTags }) => firstTags)),
      insertMetadata(items(({ firstMetadata }) => firstMetadata)),
    ])
    const [raised = []] = await writeAll(engine, [
      raiseTraces(placedRows),
      upsertTags(items(({ tags }) => tags)),
      upsertMetadata(items(({ metadata }) => metadata)),
    ])
    for (const row of raised) {
      const trace = stored.get(String(row.trace_id)) as StoredTrace
      trace.generation = Number(row.generation)
      trace.hasUsage = Boolean(row.has_usage)
    }
    await sumUp(placedRows, spanRows, stored)
  }

  /** Of a trace that nobody else has added to, all spans are known. */
  async function sumUp(
    rows: TraceRow[],
    spanRows: SpanRow[],
    stored: Map<string, StoredTrace>,
  ): Promise<void> {
    const due = rows.filter(({ traceId }) => stored.get(traceId)?.hasUsage)
    if (due.length === 0) return
    const older = due.filter(({ traceId }) => (stored.get(traceId)?.generation ?? 0) > 1)
    const known: Map<string, UsageNode[]> = groupBy(spanRows, ({ traceId }) => traceId)
    for (const [traceId, nodes] of await findUsageNodes(engine, older)) known.set(traceId, nodes)
    const sums = due.map((row) => {
      const nodes = known.get(row.traceId) ?? []
      const generation = stored.get(row.traceId)?.generation ?? 0
      return { ...row, ...sumTokens(nodes), ...sumCosts(nodes), generation }
    })
    await writeAll(engine, [setSums(sums)])
  }

  const submit = createGroupCommit<TraceAddition[], void>({
    queue: 'traces',
    weigh: (additions) => additions.reduce((sum, addition) => sum + weightOf(addition), 1),
    ...FLUSH_LIMITS,
    flush: async (items) => {
      await flush(items.flat())
      return items.map(() => undefined)
    },
  })
  return (additions) => submit(additions)
}

/** The generation of a trace that one write has added to. */
const FIRST_GENERATION = 1

const placed = <Row extends { traceId: string }>(
  row: Row,
  places: ReadonlyMap<string, PlaceOfTrace>,
): Row => {
  const { experimentId, month } = places.get(row.traceId) as PlaceOfTrace
  return { ...row, experimentId, ...('month' in row && { month }) }
}

/** The last rows of what traces hold, in the experiment and the month of their trace. */
const rowsOf = (additions: TraceAddition[], places: ReadonlyMap<string, PlaceOfTrace>) => ({
  spanRows: lastRows(
    additions.flatMap((one) => one.spans).map((row) => placed(row, places)),
    ({ spanId }) => spanId,
  ),
  items: (pick: (addition: TraceAddition) => TraceItemRow[]): TraceItemRow[] =>
    lastRows(
      additions.flatMap(pick).map((row) => placed(row, places)),
      ({ key }) => key,
    ),
})

const weightOf = ({ spans: rows, tags }: TraceAddition) =>
  rows.reduce((sum, { content }) => sum + 1 + Math.ceil(content.length / 1024), 1 + tags.length)

/** One row for each trace, raised as the stored one would be by one row after the other. */
function mergeTraces(rows: TraceRow[]): Map<string, TraceRow> {
  const merged = new Map<string, TraceRow>()
  for (const row of rows) {
    const other = merged.get(row.traceId)
    merged.set(row.traceId, other ? raisedBy(other, row) : row)
  }
  return merged
}

const IS_OPEN = new Set(['IN_PROGRESS', 'STATE_UNSPECIFIED'])

/** As `raise`, in memory. */
function raisedBy(stored: TraceRow, added: TraceRow): TraceRow {
  return {
    ...stored,
    timestampMs: Math.min(stored.timestampMs, added.timestampMs),
    endMs: added.endMs === null ? stored.endMs : Math.max(stored.endMs ?? added.endMs, added.endMs),
    status: IS_OPEN.has(stored.status) ? added.status : stored.status,
    requestPreview: stored.requestPreview ?? added.requestPreview,
    responsePreview: stored.responsePreview ?? added.responsePreview,
    traceName: added.traceName ?? stored.traceName,
    sessionId: stored.sessionId ?? added.sessionId,
    hasUsage: stored.hasUsage || added.hasUsage,
  }
}

const assign = (column: Column, value: SQL): SQL => sql`${sql.identifier(column.name)} = ${value}`

/** What spans change in the stored row of their trace: in any order, and any number of times, to the same end. */
function raise({ dialect }: Engine): SQL {
  const old = (column: Column) => dialect.stored(column)
  const first = (column: Column) => assign(column, sql`coalesce(${old(column)}, ${excluded(column)})`)
  const { timestampMs, endMs, status, isFinal, traceName, hasUsage, generation } = traces
  const isKept = sql`${old(isFinal)} OR ${excluded(endMs)} IS NULL OR ${old(endMs)} >= ${excluded(endMs)}`
  const isOpened = sql`${old(status)} IN ('IN_PROGRESS', 'STATE_UNSPECIFIED') AND ${excluded(status)} <> 'IN_PROGRESS'`
  const isEarlier = sql`${old(isFinal)} = false AND ${excluded(timestampMs)} < ${old(timestampMs)}`
  const choose = (column: Column, when: SQL) =>
    sql`CASE WHEN ${when} THEN ${excluded(column)} ELSE ${old(column)} END`
  return sql.join(
    [
      assign(timestampMs, choose(timestampMs, isEarlier)),
      assign(endMs, sql`CASE WHEN ${isKept} THEN ${old(endMs)} ELSE ${excluded(endMs)} END`),
      assign(status, choose(status, isOpened)),
      first(traces.requestPreview),
      first(traces.responsePreview),
      first(traces.sessionId),
      assign(traceName, sql`coalesce(${excluded(traceName)}, ${old(traceName)})`),
      assign(hasUsage, sql`(${old(hasUsage)} OR ${excluded(hasUsage)})`),
      assign(generation, sql`${old(generation)} + 1`),
    ],
    sql`, `,
  )
}

/** Sums of the same generation, unless the client gave its own. */
function takeSums({ dialect }: Engine): SQL {
  const isNewest = sql`${dialect.stored(traces.generation)} = ${excluded(traces.generation)}`
  const choose = (column: Column, isGiven: Column) => {
    const isTaken = sql`${isNewest} AND ${dialect.stored(isGiven)} = false`
    // A sum that is no integer any more is left as it was.
    const value = sql`coalesce(${excluded(column)}, ${dialect.stored(column)})`
    return assign(column, sql`CASE WHEN ${isTaken} THEN ${value} ELSE ${dialect.stored(column)} END`)
  }
  const tokens = Object.values(TOKEN_COLUMNS).map((name) => choose(traces[name], traces.hasGivenTokens))
  const costs = Object.values(COST_COLUMNS).map((name) => choose(traces[name], traces.hasGivenCost))
  return sql.join([...tokens, ...costs], sql`, `)
}

function takeSpan(): SQL {
  const { traceId: _trace, spanId: _span, month: _month, ...rest } = getTableColumns(spans)
  return sql.join(
    Object.values(rest).map((column) => assign(column, excluded(column))),
    sql`, `,
  )
}
