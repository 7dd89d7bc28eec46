// Counts, sums and percentiles over traces, spans and assessments, one statement for each question.
import { and, type Column, eq, isNotNull, type SQL, sql } from 'drizzle-orm'
import { isOwned } from '../../platform/database/children.ts'
import { equalsOneOf } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { compare } from '../../platform/search/to-sql.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import { assessments } from '../assessments/tables.ts'
import { isValid } from './assessments.store.ts'
import type { ViewType } from './metrics.schema.ts'
import { makeReady, meets, traceDuration } from './search.store.ts'
import type { TraceComparison } from './search.ts'
import { spans, traces } from './tables.ts'

export interface TraceMeasurement {
  view: ViewType
  /** One of the names in MEASURES of its view. */
  metric: string
  experimentIds: string[]
  /** What the traces meet. */
  traceFilter: TraceComparison[]
  /** What the spans or assessments are, each by a name in KINDS. */
  kinds: { name: string; value: string }[]
  /** Names in DIMENSIONS of its view, none twice. */
  dimensions: string[]
  /** Length of the intervals to tell apart, in milliseconds; 0 for none. */
  intervalMs: number
  /** First and last millisecond: of traces, of what they hold by that of its trace; of costs of spans by their own start. */
  startMs: Int64 | undefined
  endMs: Int64 | undefined
  /** From 0 to 100. */
  percentiles: number[]
  limit: number
}

/** What was found of one interval and one value of each dimension. Numbers are null where nothing was measured. */
export interface MeasuredGroup {
  /** Start of the interval, in milliseconds. */
  bucketMs: number | null
  dimensions: string[]
  count: number
  sum: number | null
  min: number | null
  max: number | null
  percentiles: (number | null)[]
}

type Measure = 'rows' | { distinct: Column } | { number: Column | SQL }

const number = (column: Column | SQL): Measure => ({ number: column })
const MEASURES: Record<TraceMeasurement['view'], Record<string, Measure>> = {
  TRACES: {
    trace_count: 'rows',
    session_count: { distinct: traces.sessionId },
    latency: number(traceDuration),
    input_tokens: number(traces.inputTokens),
    output_tokens: number(traces.outputTokens),
    total_tokens: number(traces.totalTokens),
    cache_read_input_tokens: number(traces.cacheReadInputTokens),
    cache_creation_input_tokens: number(traces.cacheCreationInputTokens),
  },
  SPANS: {
    span_count: 'rows',
    latency: number(sql`((${spans.endTimeNs} - ${spans.startTimeNs}) / 1000000)`),
    input_cost: number(spans.inputCost),
    output_cost: number(spans.outputCost),
    total_cost: number(spans.totalCost),
  },
  ASSESSMENTS: {
    assessment_count: 'rows',
    assessment_value: number(assessments.aggregateValue),
  },
}

const DIMENSIONS: Record<string, Column | SQL> = {
  trace_name: traces.traceName,
  trace_status: traces.status,
  span_name: spans.name,
  span_type: spans.type,
  span_status: spans.status,
  span_model_name: spans.modelName,
  span_model_provider: spans.modelProvider,
  assessment_name: assessments.name,
  assessment_value: sql`coalesce(${assessments.value}, ${assessments.longValue})`,
}
const KINDS: Record<string, Column> = {
  'span.name': spans.name,
  'span.type': spans.type,
  'span.status': spans.status,
  'assessment.name': assessments.name,
  'assessment.type': assessments.type,
}

const isCost = (metric: string) => metric.endsWith('_cost')

/**
 * The groups in the order of their intervals, then their dimensions; without either the one group of all. Sees every write
 * acknowledged before the call.
 * @see mlflow/store/tracking/utils/sql_trace_metrics_utils.py query_metrics
 */
export async function measureTraces(engine: Engine, query: TraceMeasurement): Promise<MeasuredGroup[]> {
  const { tables, select } = SOURCES[query.view]
  await makeReady(engine, { filter: query.traceFilter }, ...tables)
  const measure = MEASURES[query.view][query.metric] as Measure
  const keys = [...(query.intervalMs === 0 ? [] : ['bucket']), ...query.dimensions.map((_, i) => `key_${i}`)]
  const groups = keys.map((key) => sql.identifier(key))
  const source = select(engine, query, measure)
  const columns = query.percentiles.length > 0 ? ranked(source, groups, query) : aggregated(source, measure)
  const inOrder = sql.join(groups, sql`, `)
  const { rows } = await engine.execute<Record<string, unknown>>(
    sql`SELECT ${list([...groups, columns.select])} FROM (${columns.from}) AS measured
      ${keys.length > 0 ? sql`GROUP BY ${inOrder} ORDER BY ${inOrder}` : sql``} LIMIT ${query.limit}`,
  )
  return rows.map((row) => readGroup(row, query))
}

const list = (parts: (SQL | ReturnType<typeof sql.identifier>)[]): SQL => sql.join(parts, sql`, `)

function readGroup(row: Record<string, unknown>, query: TraceMeasurement): MeasuredGroup {
  const read = (key: string) => (row[key] === null || row[key] === undefined ? null : Number(row[key]))
  const count = Number(row.n)
  return {
    bucketMs: read('bucket'),
    dimensions: query.dimensions.map((_, i) => String(row[`key_${i}`])),
    count,
    sum: wholeSum(read('total')),
    min: read('lowest'),
    max: read('highest'),
    percentiles: query.percentiles.map((percentile, i) =>
      interpolate((percentile / 100) * (count - 1), read(`low_${i}`), read(`high_${i}`)),
    ),
  }
}

/** The value at a place between two neighbours in their order. @see mlflow/store/db/utils.py PercentileAggregate */
function interpolate(place: number, low: number | null, high: number | null): number | null {
  return low === null || high === null ? null : low + (place - Math.floor(place)) * (high - low)
}

/** Sums are taken in a unit that much smaller, exactly so in binary: PostgreSQL refuses those beyond the largest number. */
const SUM_UNIT = 2 ** -64
/** Products that fall below the smallest number are refused as well; what is that small adds nothing. */
const inSumUnit = sql`CASE WHEN abs(value) > ${1e-200}::double precision THEN value * ${SUM_UNIT}::double precision ELSE 0 END`
const wholeSum = (sum: number | null) => (sum === null ? null : sum / SUM_UNIT)

/** Aggregates of the rows of a source. */
function aggregated(source: SQL, measure: Measure) {
  if (measure === 'rows') return { from: source, select: sql`count(*) AS n` }
  if ('distinct' in measure) return { from: source, select: sql`count(DISTINCT value) AS n` }
  const sums = sql`sum(${inSumUnit}) AS total, min(value) AS lowest, max(value) AS highest`
  return { from: source, select: sql`count(*) AS n, ${sums}` }
}

/**
 * The same with the two neighbours of each percentile. Equal values are counted before they are put in order, since there are
 * far fewer of them than rows: milliseconds and tokens repeat. CrateDB's own percentiles are estimates.
 */
function ranked(source: SQL, groups: ReturnType<typeof sql.identifier>[], { percentiles }: TraceMeasurement) {
  const by = list([...groups, sql`value`])
  const counted = sql`SELECT ${by}, count(*)::double precision AS n, sum(${inSumUnit}) AS subtotal FROM (${source}) AS source GROUP BY ${by}`
  const partition = groups.length > 0 ? sql`PARTITION BY ${list(groups)}` : sql``
  const from = sql`SELECT ${by}, n, subtotal, sum(n) OVER (${partition} ORDER BY value) AS upto, sum(n) OVER (${partition}) AS size
    FROM (${counted}) AS counted`
  const neighbours = percentiles.flatMap((percentile, i) => {
    const place = sql`floor(${percentile / 100}::double precision * (size - 1))`
    const first = (where: SQL, name: string) =>
      sql`min(CASE WHEN upto > ${where} THEN value END) AS ${sql.identifier(name)}`
    return [first(place, `low_${i}`), first(sql`least(${place} + 1, size - 1)`, `high_${i}`)]
  })
  const sums = sql`sum(n) AS n, sum(subtotal) AS total, min(value) AS lowest, max(value) AS highest`
  return { from, select: list([sums, ...neighbours]) }
}

/** What to select from a table: the interval and dimensions under the names of their groups, and the measured value. */
function columnsOf(query: TraceMeasurement, measure: Measure, timeMs: SQL): SQL {
  const interval = sql`${query.intervalMs}::double precision`
  const bucket = query.intervalMs === 0 ? [] : [sql`floor(${timeMs} / ${interval}) * ${interval} AS bucket`]
  const keys = query.dimensions.map((name, i) => sql`${DIMENSIONS[name]} AS ${sql.identifier(`key_${i}`)}`)
  const value =
    measure === 'rows'
      ? sql`1 AS value`
      : 'distinct' in measure
        ? sql`${measure.distinct} AS value`
        : sql`(${measure.number})::double precision AS value`
  return list([...bucket, ...keys, value])
}

/** Rows without a value or without one of the dimensions count nowhere. */
const isMeasured = ({ dimensions }: TraceMeasurement, measure: Measure): SQL | undefined =>
  and(
    ...dimensions.map((name) => isNotNull(DIMENSIONS[name] as SQL)),
    measure === 'rows'
      ? undefined
      : isNotNull('distinct' in measure ? measure.distinct : (measure.number as SQL)),
  )

function isBetween({ dialect }: Engine, { startMs, endMs }: TraceMeasurement): SQL | undefined {
  return and(
    startMs === undefined
      ? undefined
      : compare(traces.timestampMs, { comparator: '>=', value: startMs }, dialect),
    endMs === undefined
      ? undefined
      : compare(traces.timestampMs, { comparator: '<=', value: endMs }, dialect),
  )
}

function measuredTraces(engine: Engine, query: TraceMeasurement, measure: Measure): SQL {
  const { experimentIds, traceFilter: filter } = query
  const columns = columnsOf(query, measure, sql`${traces.timestampMs}::double precision`)
  return sql`SELECT ${columns} FROM ${traces} WHERE ${and(
    meets(engine, { experimentIds, filter }),
    isBetween(engine, query),
    isMeasured(query, measure),
  )}`
}

/** Spans are looked for by their traces only where something is asked of those. */
function measuredSpans(engine: Engine, query: TraceMeasurement, measure: Measure): SQL {
  const { experimentIds, traceFilter: filter, metric } = query
  const isByOwnTime = isCost(metric)
  const isTime = isByOwnTime ? undefined : isBetween(engine, query)
  const owners = sql`SELECT ${traces.traceId} FROM ${traces} WHERE ${and(meets(engine, { experimentIds, filter }), isTime)}`
  const isOfAll = filter.length === 0 && !isTime
  const timeMs = sql`(${spans.startTimeNs}::double precision / 1000000)`
  return sql`SELECT ${columnsOf(query, measure, timeMs)} FROM ${spans} WHERE ${and(
    equalsOneOf(spans.experimentId, experimentIds),
    isOfAll ? undefined : isOwned(spans.traceId, owners),
    isByOwnTime ? startsBetween(engine, query) : undefined,
    isOfKinds(query),
    isMeasured(query, measure),
  )}`
}

/** Assessments that others override count nowhere. Their time is that of their trace. */
function measuredAssessments(engine: Engine, query: TraceMeasurement, measure: Measure): SQL {
  const { experimentIds, traceFilter: filter } = query
  const columns = columnsOf(query, measure, sql`${traces.timestampMs}::double precision`)
  return sql`SELECT ${columns} FROM ${assessments} JOIN ${traces} ON ${eq(traces.traceId, assessments.traceId)} WHERE ${and(
    equalsOneOf(assessments.experimentId, experimentIds),
    meets(engine, { experimentIds, filter }),
    isBetween(engine, query),
    isOfKinds(query),
    isMeasured(query, measure),
    isValid(engine.dialect, experimentIds),
  )}`
}

const isOfKinds = ({ kinds }: TraceMeasurement): SQL | undefined =>
  and(...kinds.map(({ name, value }) => eq(KINDS[name] as Column, value)))

const SOURCES = {
  TRACES: { tables: [], select: measuredTraces },
  SPANS: { tables: [spans], select: measuredSpans },
  ASSESSMENTS: { tables: [assessments], select: measuredAssessments },
}

const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)
const inRange = (ns: bigint): bigint => (ns > MAX_INT64 ? MAX_INT64 : ns < MIN_INT64 ? MIN_INT64 : ns)

/** By the nanosecond; those of the last millisecond count. No span starts at the ends of the range. */
function startsBetween({ dialect }: Engine, { startMs, endMs }: TraceMeasurement): SQL | undefined {
  const at = (comparator: '>=' | '<', ms: bigint) =>
    compare(spans.startTimeNs, { comparator, value: inRange(ms * 1_000_000n) }, dialect)
  return and(
    startMs === undefined ? undefined : at('>=', BigInt(startMs)),
    endMs === undefined ? undefined : at('<', BigInt(endMs) + 1n),
  )
}
