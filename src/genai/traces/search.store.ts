// The search over traces: a page is looked for among the first traces of the order, then among more of them.
import { and, Column, eq, getTableColumns, is, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { hasChild, isOwned, type Owners, ownedBy } from '../../platform/database/children.ts'
import { equalsOneOf } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { hasParts, lookForTextIndex } from '../../platform/database/text-index.ts'
import { checkPlace, orderOf, type Place, placesOf, type SortKey } from '../../platform/search/keyset.ts'
import { shortestPattern } from '../../platform/search/like.ts'
import { trimBackticks } from '../../platform/search/quotes.ts'
import { createWalk, isInOrder, MAX_SIZE, type Part, type Some } from '../../platform/search/stretch.store.ts'
import { compare, withoutIndex } from '../../platform/search/to-sql.ts'
import { assessments } from '../assessments/tables.ts'
import { assessmentCondition } from './assessments.store.ts'
import { METADATA, TAG } from './ids.ts'
import { isOnAssessments, type TraceComparison, type TraceOrderBy } from './search.ts'
import {
  spans,
  type TraceLinkRow,
  type TraceRow,
  traceLinks,
  traceMetadata,
  traces,
  traceTags,
} from './tables.ts'
import {
  COST_COLUMNS,
  type Costs,
  costsJson,
  costsOf,
  readObject,
  TOKEN_COLUMNS,
  type Tokens,
  tokensJson,
  tokensOf,
} from './usage.schema.ts'

export interface TraceSearch {
  /** Ids of the experiments to search; at least one. */
  experimentIds: string[]
  filter: TraceComparison[]
  orderBy: TraceOrderBy[]
  /** Rows to skip; counted from the first one, or from behind a row when its place is given. */
  offset: number
  after?: readonly unknown[] | undefined
  limit: number
}

/** Traces among which a page is looked for first: their spans are read in a tenth of a second. */
const FIRST_STRETCH = 1000
const MAX_STRETCHES = 3

/** A trace and its place in the order of the search. */
export type FoundTrace = TraceRow & { place: Place }

/** Milliseconds from the start of a trace to its end, null while it goes on. */
export const traceDuration = sql`(${traces.endMs} - ${traces.timestampMs})`
const ATTRIBUTES: Record<string, Column | SQL> = {
  request_id: traces.traceId,
  experiment_id: traces.experimentId,
  timestamp_ms: traces.timestampMs,
  execution_time_ms: traceDuration,
  end_time_ms: sql`coalesce(${traces.endMs}, ${traces.timestampMs})`,
  status: traces.status,
  client_request_id: traces.clientRequestId,
}
const CHILDREN = { tag: traceTags, metadata: traceMetadata }

/** Tags and metadata that are columns of the trace. */
function columnOf({ type, key }: { type: string; key: string }): Column | undefined {
  if (type === 'tag' && key === TAG.traceName) return traces.traceName
  return type === 'metadata' && key === METADATA.session ? traces.sessionId : undefined
}

/**
 * A page of the traces that meet all comparisons, by the sort keys, then newest first, then trace id. Those on spans must hold
 * for one and the same span. Sees every write acknowledged before the call. Where spans, tags, metadata or assessments have a say,
 * the page is looked for among the first traces of the order, then among those that follow, then among all; or at once among those that an
 * index over contents leaves, where they are few.
 * @throws INVALID_PARAMETER_VALUE when `after` is no place in this order
 * @see SqlAlchemyStore.search_traces
 */
export async function searchTraceRows(engine: Engine, search: TraceSearch): Promise<FoundTrace[]> {
  const { keys } = sortKeys(engine, search)
  const after = search.after && checkPlace(keys, search.after)
  const tables = searchedTables(search)
  await makeReady(engine, search)
  const [first] = keys
  if (tables.length === 0 || search.offset > 0 || !is(first?.value, Column)) {
    return selectTraces(engine, search, { after })
  }
  const key = {
    ...first,
    column: first.value,
    id: traces.traceId,
    isOwn: true,
    where: equalsOneOf(traces.experimentId, search.experimentIds),
  }
  const { limit } = search
  const look = (part: Part, missing: number) => selectTraces(engine, { ...search, limit: missing }, part)
  const { found, looked, isFull, lookFurther, lookAtRest } = createWalk(engine, { key, limit, after, look })
  const { looksUp } = engine.dialect
  // A stretch is found in a moment where rows are looked up, and takes longer than the count elsewhere.
  let few = looksUp ? undefined : await findFew(engine, search)
  for (let round = 0; round < MAX_STRETCHES && !isFull(); round++) {
    // A word that is in most spans of a small experiment fills the page from the first stretch.
    if (few && (round > 0 || few.spans <= FIRST_STRETCH)) break
    if (!(await lookFurther(nextSize(limit, found.length, looked())))) break
    if (looksUp && round === 0 && !isFull()) few = await findFew(engine, search)
  }
  if (!isFull()) await lookAtRest(few)
  return found
}

/**
 * The traces that an index over contents leaves, where they are so few that it takes less time to hold them against all conditions at once than to find
 * three stretches.
 */
async function findFew(engine: Engine, search: TraceSearch): Promise<(Some & { spans: number }) | undefined> {
  const { textIndexing } = engine.dialect
  const parts = search.filter.flatMap((one) => narrowed(engine, one) ?? [])
  if (!textIndexing || parts.length === 0) return undefined
  const most = textIndexing.fewRows
  const where = and(equalsOneOf(spans.experimentId, search.experimentIds), ...parts)
  const ids = sql`SELECT ${spans.traceId} FROM ${spans} WHERE ${where}`
  const counted = await engine.rows(sql`SELECT count(*) FROM (${ids} LIMIT ${most + 1}) AS found`)
  const count = Number(counted[0]?.[0])
  return count <= most ? { ids, spans: count } : undefined
}

/** As many traces as should fill the page when conditions go on to hold as often. */
function nextSize(limit: number, found: number, looked: number): number {
  if (looked === 0) return Math.max(FIRST_STRETCH, 4 * limit)
  return Math.min(MAX_SIZE, Math.ceil((1.5 * (limit - found) * looked) / Math.max(found, 0.1)))
}

async function selectTraces(engine: Engine, search: TraceSearch, part: Part): Promise<FoundTrace[]> {
  const { within } = part
  const { looksUp } = engine.dialect
  const { joins, keys } = sortKeys(engine, search)
  const shown = Object.fromEntries(
    keys.flatMap(({ value }, position) => (is(value, Column) ? [] : [[`value_${position}`, value] as const])),
  )
  let query = engine.db
    .select({ ...getTableColumns(traces), ...shown })
    .from(looksUp && within && !within.isOne ? lookedUp(within.ids) : traces)
    .where(and(within?.isOne, meets(engine, { ...search, within }), isInOrder(keys, part)))
    .$dynamic()
  for (const join of joins) {
    query = looksUp
      ? query.leftJoinLateral(join, sql`true`)
      : query.leftJoin(join, eq(traces.traceId, join.traceId))
  }
  const rows = await query
    .orderBy(...orderOf(keys))
    .limit(search.limit)
    .offset(search.offset)
  const placeOf = placesOf(traces, keys)
  return rows.map((row) => ({ ...row, place: placeOf(row) }))
}

/** Traces by ids that may come twice. PostgreSQL, left to choose, would go through all traces in their order instead. */
const lookedUp = (ids: Owners) =>
  ownedBy(
    { looksUp: true },
    { table: traces, of: traces.traceId },
    sql`SELECT DISTINCT * FROM (${ids}) AS found`,
  ).from

/** What traces are linked to that a comparison asks for. */
function linkOf({ type, key, comparator }: TraceComparison): TraceLinkRow['kind'] | undefined {
  if (comparator !== '=') return undefined
  if (type === 'tag' && key === TAG.linkedPrompts) return 'PROMPT_VERSION'
  return type === 'metadata' && key === METADATA.sourceRun ? 'RUN' : undefined
}

/** Which traces a filter is about. */
export interface FilteredTraces extends Pick<TraceSearch, 'experimentIds' | 'filter'> {
  /** Only these are looked at. */
  within?: Some | undefined
}

/** Holds for the traces of the experiments that meet all comparisons. What it looks at must be refreshed before. */
export const meets = (engine: Engine, search: FilteredTraces): SQL | undefined =>
  and(
    equalsOneOf(traces.experimentId, search.experimentIds),
    ...search.filter.filter(({ type }) => type !== 'span').map((one) => condition(engine, one, search)),
    spanCondition(engine, search),
  )

/** Lets a search see every write acknowledged before, in `traces`, what its filter looks at, and the other tables. */
export async function makeReady(
  engine: Engine,
  search: Pick<TraceSearch, 'filter'> & { orderBy?: TraceOrderBy[] },
  ...others: PgTable[]
): Promise<void> {
  const tables = searchedTables(search)
  await Promise.all([
    engine.refresh(traces, ...others, ...tables),
    tables.includes(spans) && lookForTextIndex(engine, spans.content),
  ])
}

/** The tables beside `traces` that a search looks at. */
function searchedTables({
  filter,
  orderBy = [],
}: Pick<TraceSearch, 'filter'> & { orderBy?: TraceOrderBy[] }): PgTable[] {
  const links = filter.some((one) => linkOf(one)) ? [traceLinks] : []
  const tables = [...filter, ...orderBy].flatMap((one): PgTable[] => {
    if (one.type === 'span') return [spans]
    if (isOnAssessments(one)) return [assessments]
    return one.type === 'attribute' || columnOf(one) ? [] : [CHILDREN[one.type]]
  })
  return [...new Set([...tables, ...links])]
}

function condition({ dialect }: Engine, comparison: TraceComparison, search: FilteredTraces): SQL {
  if (isOnAssessments(comparison)) return assessmentCondition(dialect, comparison, search.experimentIds)
  const { type, key, comparator } = comparison
  if (type === 'span') throw new Error('Conditions on spans go together')
  if (type === 'attribute') return compare(ATTRIBUTES[key] as Column | SQL, comparison, dialect)
  const column = columnOf(comparison)
  if (column) return compare(column, comparison, dialect)
  if (type === 'metadata' && (key === METADATA.tokenUsage || key === METADATA.cost)) {
    return usageCondition(key, comparison)
  }
  const table = CHILDREN[type]
  const isAny = comparator === 'IS NULL' || comparator === 'IS NOT NULL'
  const has = hasChild(dialect, traces.traceId, {
    table,
    of: table.traceId,
    where: and(eq(table.key, key), isAny ? undefined : compare(table.value, comparison, dialect)),
    slice: search.within
      ? isOwned(table.traceId, search.within.ids)
      : equalsOneOf(table.experimentId, search.experimentIds),
  })
  const kind = linkOf(comparison)
  if (kind) {
    const isLinked = hasChild(dialect, traces.traceId, {
      table: traceLinks,
      of: traceLinks.traceId,
      where: and(eq(traceLinks.kind, kind), eq(traceLinks.target, String(comparison.value))),
    })
    // Of runs, clients tell by metadata too.
    return kind === 'RUN' ? sql`(${has} OR ${isLinked})` : isLinked
  }
  return comparator === 'IS NULL' ? sql`NOT ${has}` : has
}

/**
 * Of tokens and cost, which are columns: whether they are told, or told in the very words that clients read.
 * @see mlflow/store/tracking/utils/trace_analytics.py get_trace_analytics_metadata_filter
 */
function usageCondition(key: string, { comparator, value }: TraceComparison): SQL {
  const object = readObject(typeof value === 'string' ? value : null) ?? {}
  const isTokens = key === METADATA.tokenUsage
  const wanted: Record<string, unknown> = isTokens ? tokensOf(object) : costsOf(object)
  const columns = Object.values(isTokens ? TOKEN_COLUMNS : COST_COLUMNS)
  const isSome = sql`(${sql.join(
    columns.map((name) => sql`${traces[name]} IS NOT NULL`),
    sql` OR `,
  )})`
  if (comparator === 'IS NOT NULL') return isSome
  if (comparator === 'IS NULL') return sql`NOT ${isSome}`
  const isSame = sql`(${sql.join(
    columns.map((name) => {
      const told = wanted[name]
      return told === null || told === undefined
        ? sql`${traces[name]} IS NULL`
        : sql`coalesce(${traces[name]} = ${String(told)}::${sql.raw(traces[name].getSQLType())}, false)`
    }),
    sql` AND `,
  )})`
  const spelled = isTokens ? tokensJson(wanted as Tokens) : costsJson(wanted as Costs)
  const isMet = value === spelled ? sql`(${isSome} AND ${isSame})` : sql`(${isSome} AND NOT ${isSome})`
  return comparator === '=' ? isMet : sql`(${isSome} AND NOT ${isMet})`
}

const SPAN_COLUMNS: Record<string, Column> = {
  name: spans.name,
  type: spans.type,
  status: spans.status,
}

function spanCondition(engine: Engine, { filter, experimentIds, within }: FilteredTraces): SQL | undefined {
  const { dialect } = engine
  // Those of all traces are read faster in their own order than looked up.
  const looksUp = dialect.looksUp && within !== undefined
  const conditions = filter.flatMap((comparison) => {
    if (comparison.type !== 'span') return []
    const column = SPAN_COLUMNS[comparison.key]
    if (column) return [compare(column, comparison, dialect)]
    const content = dialect.textIndexing?.comparesParts ? withoutIndex(spans.content) : spans.content
    const parts = looksUp ? undefined : narrowed(engine, comparison)
    return [parts, compare(content, inContent(comparison), dialect)]
  })
  if (conditions.length === 0) return undefined
  return hasChild({ looksUp }, traces.traceId, {
    table: spans,
    of: spans.traceId,
    // An index over contents would seem to fit, too, and be read for each trace.
    key: looksUp ? sql`true` : undefined,
    where: and(...conditions),
    slice: within ? isOwned(spans.traceId, within.ids) : equalsOneOf(spans.experimentId, experimentIds),
  })
}

/** The comparison as one of contents. Attributes are looked for in the JSON, as in stock: the name in quotes, the pattern anywhere behind it. */
function inContent(comparison: TraceComparison): TraceComparison {
  const { key, comparator, value } = comparison
  if (key === 'content') return comparison
  const name = trimBackticks(key.slice('attributes.'.length))
  const pattern = comparator === 'RLIKE' ? attributeRegex(name, String(value)) : `%"${name}"${value}%`
  return { ...comparison, value: pattern } as TraceComparison
}

/** What an index over contents, where there is one, leaves of the spans that a comparison is about. */
function narrowed(engine: Engine, comparison: TraceComparison): SQL | undefined {
  const { type, key, comparator } = comparison
  if (type !== 'span' || SPAN_COLUMNS[key]) return undefined
  const isPattern = comparator === 'LIKE' || comparator === 'ILIKE'
  if (!isPattern) return undefined
  const pattern = shortestPattern(String(inContent(comparison).value))
  return hasParts(engine, spans.content, { pattern, mindsCase: comparator === 'LIKE' })
}

/** A regular expression for the value of an attribute that is a text, which is a JSON text within a JSON text. */
function attributeRegex(name: string, regex: string): string {
  const [isFromStart, isToEnd] = [regex.startsWith('^'), regex.endsWith('$')]
  const inner = regex.slice(isFromStart ? 1 : 0, isToEnd ? -1 : undefined)
  return String.raw`"${name}": "\\"${isFromStart ? '' : '.*'}${inner}${isToEnd ? String.raw`\\"` : ''}`
}

/** What ORDER BY needs; a key of tags or metadata is joined as a table of its own, named by its position. */
function sortKeys(engine: Engine, { orderBy, experimentIds }: TraceSearch) {
  const keys: SortKey[] = []
  const joins = orderBy.flatMap(({ type, key, ascending }, position) => {
    const column = type === 'attribute' ? ATTRIBUTES[key] : columnOf({ type, key })
    if (column) keys.push(keyOf(column, ascending))
    if (column || type === 'attribute') return []
    const join = sortValues(engine, CHILDREN[type], { position, key, experimentIds })
    keys.push({ kind: 'text', value: sql`${join.value}`, ascending })
    return [join]
  })
  const isSortedBy = (key: string) => orderBy.some((one) => one.type === 'attribute' && one.key === key)
  if (!isSortedBy('timestamp_ms')) keys.push(keyOf(traces.timestampMs, false))
  if (!isSortedBy('request_id')) keys.push(keyOf(traces.traceId, true))
  return { joins, keys }
}

const NUMBERS = new Set<Column | SQL>([traceDuration, ATTRIBUTES.end_time_ms as SQL])
const REQUIRED = new Set<Column | SQL>([
  traces.timestampMs,
  traces.traceId,
  traces.status,
  traces.experimentId,
])

const keyOf = (value: Column | SQL, ascending: boolean): SortKey => ({
  kind: NUMBERS.has(value) || (is(value, Column) && value.getSQLType() === 'bigint') ? 'int64' : 'text',
  value,
  ascending,
  required: REQUIRED.has(value),
})

function sortValues(
  { db, dialect }: Engine,
  table: (typeof CHILDREN)[keyof typeof CHILDREN],
  { position, key, experimentIds }: { position: number; key: string; experimentIds: string[] },
) {
  const columns = { traceId: table.traceId, value: sql`${table.value}`.as(`value_${position}`) }
  const values = db.select(columns).from(table)
  const isKey = eq(table.key, key)
  const found = dialect.looksUp
    ? // LIMIT keeps PostgreSQL from joining: see database/children.ts.
      values.where(and(eq(table.traceId, traces.traceId), isKey)).limit(1)
    : values.where(and(isKey, equalsOneOf(table.experimentId, experimentIds)))
  return found.as(`sort_${position}`)
}
