// Statements over traces: reading them with their spans, tags, metadata and assessments, single tags, links, deletion.
import { and, asc, eq, getTableColumns, lte, type SQL, sql } from 'drizzle-orm'
import { inKeyOrder, keepStored, takeNew, upsertRows } from '../../platform/database/bulk.ts'
import { ownedBy } from '../../platform/database/children.ts'
import { equalsAny } from '../../platform/database/columns.ts'
import { deleteOwned } from '../../platform/database/deletion.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import { type AssessmentRow, assessments } from '../assessments/tables.ts'
import {
  spans,
  type TraceItemRow,
  type TraceLinkRow,
  type TraceRow,
  traceLinks,
  traceMetadata,
  traces,
  traceTags,
} from './tables.ts'
import type { UsageNode } from './usage.schema.ts'

/** Keys of a read by primary key, of several such reads, and of one that is none. */
const KEYS_AT_ONCE = 100
const MOST_BY_KEY = 500
const IDS_AT_ONCE = 10_000

type OfTrace = Pick<TraceRow, 'traceId' | 'month'>

export function groupBy<Row>(rows: readonly Row[], key: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const group = groups.get(key(row))
    if (group) group.push(row)
    else groups.set(key(row), [row])
  }
  return groups
}

/** What goes out with one flush, and what waits for it: rows, or kilobytes of spans, since one span may have megabytes. */
export const FLUSH_LIMITS = { maxFlush: 20_000, maxQueued: 200_000 }

/** The last row of each key of a trace, in the order of keys that writers share. */
export const lastRows = <Row extends { traceId: string }>(
  rows: readonly Row[],
  key: (row: Row) => string,
): Row[] => inKeyOrder(new Map(rows.map((row) => [`${row.traceId}\0${key(row)}`, row])))

/** Traces by their ids, as reads by primary key, some at a time. */
async function readByKey<Row>(
  { dialect }: Engine,
  traceIds: readonly string[],
  read: (isOne: SQL) => Promise<Row[]>,
): Promise<Row[]> {
  const found: Promise<Row[]>[] = []
  for (let start = 0; start < traceIds.length; start += KEYS_AT_ONCE) {
    found.push(read(dialect.anyKey(traces.traceId, traceIds.slice(start, start + KEYS_AT_ONCE))))
  }
  return (await Promise.all(found)).flat()
}

/**
 * Traces by their ids, in no order; what is not there is left out. Sees every acknowledged write. Many are looked for by one
 * statement, since each of those by key takes a connection.
 */
export async function findTraces(engine: Engine, traceIds: readonly string[]): Promise<TraceRow[]> {
  const find = async (isOne: SQL) => engine.db.select().from(traces).where(isOne)
  if (traceIds.length <= MOST_BY_KEY) return readByKey(engine, traceIds, find)
  await engine.refresh(traces)
  const found: TraceRow[] = []
  for (let start = 0; start < traceIds.length; start += IDS_AT_ONCE) {
    for (const row of await find(equalsAny(traces.traceId, traceIds.slice(start, start + IDS_AT_ONCE)))) {
      found.push(row)
    }
  }
  return found
}

/** How often traces were added to, by their ids; what is not there is left out. Sees every acknowledged write. */
export async function findGenerations(
  engine: Engine,
  traceIds: readonly string[],
): Promise<Map<string, number>> {
  const { traceId, generation } = traces
  const rows = await readByKey(engine, traceIds, async (isOne) =>
    engine.db.select({ traceId, generation }).from(traces).where(isOne),
  )
  return new Map(rows.map((row) => [row.traceId, row.generation]))
}

export interface TraceItems {
  tags: Map<string, string>
  metadata: Map<string, string>
  /** In no order. */
  assessments: AssessmentRow[]
}

/** Tags, metadata and assessments of traces, by trace. */
export async function findItems(
  engine: Engine,
  traceIds: readonly string[],
): Promise<Map<string, TraceItems>> {
  const items = new Map<string, TraceItems>(
    traceIds.map((id) => [id, { tags: new Map(), metadata: new Map(), assessments: [] }]),
  )
  if (items.size === 0) return items
  await engine.refresh(traceTags, traceMetadata, assessments)
  const ids = [...items.keys()]
  const pairsOf = (table: typeof traceTags) => {
    const { from, where } = ownedBy(engine.dialect, { table, of: table.traceId }, ids)
    const { traceId, key, value } = table
    return engine.db.select({ traceId, key, value }).from(from).where(where)
  }
  const assessed = ownedBy(engine.dialect, { table: assessments, of: assessments.traceId }, ids)
  const [tagRows, metadataRows, assessmentRows] = await Promise.all([
    pairsOf(traceTags),
    pairsOf(traceMetadata as unknown as typeof traceTags),
    engine.db.select(getTableColumns(assessments)).from(assessed.from).where(assessed.where),
  ])
  for (const { traceId, key, value } of tagRows) items.get(traceId)?.tags.set(key, value)
  for (const { traceId, key, value } of metadataRows) items.get(traceId)?.metadata.set(key, value)
  for (const row of assessmentRows) items.get(row.traceId)?.assessments.push(row)
  return items
}

/** Naming the month beside the trace lets CrateDB read one partition only. */
function spansOf({ dialect }: Engine, of: readonly OfTrace[]) {
  const ids = of.map(({ traceId }) => traceId)
  const { from, where } = ownedBy(dialect, { table: spans, of: spans.traceId }, ids)
  return { from, where: and(where, equalsAny(spans.month, [...new Set(of.map(({ month }) => month))])) }
}

export interface StoredSpan {
  traceId: string
  parentSpanId: string | null
  content: string
}

/** The spans of traces, by trace: those without a parent first, then by start. */
export async function findSpans(engine: Engine, of: readonly OfTrace[]): Promise<Map<string, StoredSpan[]>> {
  if (of.length === 0) return new Map()
  await engine.refresh(spans)
  const { from, where } = spansOf(engine, of)
  const { traceId, spanId, parentSpanId, content, startTimeNs } = getTableColumns(spans)
  const rows = await engine.db
    .select({ traceId, parentSpanId, content })
    .from(from)
    .where(where)
    .orderBy(sql`CASE WHEN ${parentSpanId} IS NULL THEN 0 ELSE 1 END`, startTimeNs, spanId)
  return groupBy(rows, (row) => row.traceId)
}

/** What the spans of traces tell of tokens and cost, by trace. */
export async function findUsageNodes(
  engine: Engine,
  of: readonly OfTrace[],
): Promise<Map<string, UsageNode[]>> {
  if (of.length === 0) return new Map()
  await engine.refresh(spans)
  const { from, where } = spansOf(engine, of)
  const { traceId, spanId, parentSpanId, usage, cost } = spans
  const rows = await engine.db.select({ traceId, spanId, parentSpanId, usage, cost }).from(from).where(where)
  return groupBy(rows, (row) => row.traceId)
}

export async function upsertTag(engine: Engine, row: TraceItemRow): Promise<void> {
  await upsertRows(engine, traceTags, [row], { onConflict: takeNew(traceTags.value) })
}

/** Links traces; what is linked already stays as it is. */
export async function insertLinks(engine: Engine, rows: readonly TraceLinkRow[]): Promise<void> {
  const distinct = new Map(rows.map((row) => [`${row.traceId}\0${row.kind}\0${row.target}`, row]))
  await upsertRows(engine, traceLinks, inKeyOrder(distinct), {
    onConflict: keepStored(traceLinks.creationTimeMs),
  })
}

/** Whether the tag was there. */
export async function deleteTag(engine: Engine, traceId: string, key: string): Promise<boolean> {
  const { rowCount } = await engine.execute(
    sql`DELETE FROM trace_tags WHERE ${and(eq(traceTags.traceId, traceId), eq(traceTags.key, key))}`,
  )
  return rowCount > 0
}

/** Names the trace, or takes its name with null. Answers whether the trace is there. */
export async function setName(engine: Engine, traceId: string, name: string | null): Promise<boolean> {
  const { rowCount } = await engine.execute(
    sql`UPDATE traces SET trace_name = ${name} WHERE ${eq(traces.traceId, traceId)}`,
  )
  return rowCount > 0
}

/** The oldest traces of an experiment that began at `maxMs` or before. */
export async function findOldTraces(
  engine: Engine,
  experimentId: string,
  maxMs: Int64,
  limit: number,
): Promise<OfTrace[]> {
  await engine.refresh(traces)
  const { traceId, month, timestampMs } = traces
  return engine.db
    .select({ traceId, month })
    .from(traces)
    .where(and(eq(traces.experimentId, experimentId), lte(timestampMs, sql`${maxMs}::bigint`)))
    .orderBy(asc(timestampMs), asc(traceId))
    .limit(limit)
}

/** Some traces of the experiments, in no order. Passes the refresh gate. */
export async function findTracesOf(
  engine: Engine,
  experimentIds: readonly string[],
  limit: number,
): Promise<OfTrace[]> {
  await engine.refresh(traces)
  const { traceId, month } = traces
  const isOwn = equalsAny(traces.experimentId, experimentIds)
  return engine.db.select({ traceId, month }).from(traces).where(isOwn).limit(limit)
}

/**
 * Deletes traces with what they hold. The rows of traces go last, so that a repeated call finds what is left over from a
 * crash. Answers how many traces went, and how many rows in all.
 * @throws TEMPORARILY_UNAVAILABLE when rows stay
 */
export async function deleteTraces(
  engine: Engine,
  of: readonly OfTrace[],
): Promise<{ traces: number; rows: number }> {
  const ids = of.map(({ traceId }) => traceId)
  const months = [...new Set(of.map(({ month }) => month))]
  const held = await deleteOwned(
    engine,
    [
      { table: spans, of: spans.traceId, where: equalsAny(spans.month, months) },
      { table: traceTags, of: traceTags.traceId },
      { table: traceMetadata, of: traceMetadata.traceId },
      { table: assessments, of: assessments.traceId },
      { table: traceLinks, of: traceLinks.traceId },
    ],
    ids,
  )
  const deleted = await deleteOwned(engine, [{ table: traces, of: traces.traceId }], ids)
  return { traces: deleted, rows: held + deleted }
}

/** Deletes what descriptions of traces left in an experiment that were never finished: they have no row. @returns how many rows went */
export const removeTraceRemains = (engine: Engine, experimentId: string): Promise<number> =>
  deleteOwned(
    engine,
    [traceTags, traceMetadata, assessments].map((table) => ({ table, of: table.experimentId })),
    [experimentId],
  )

/** Takes links to runs from traces. Repeatable. @returns how many went */
export const unlinkRuns = (engine: Engine, runIds: readonly string[]): Promise<number> =>
  deleteOwned(
    engine,
    [{ table: traceLinks, of: traceLinks.target, where: eq(traceLinks.kind, 'RUN') }],
    runIds,
  )
