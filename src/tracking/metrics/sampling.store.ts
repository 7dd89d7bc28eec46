// Evenly sampled histories: by rank, or, of a long history with a point at every step, by step.
import { and, eq, type SQL, sql } from 'drizzle-orm'
import { equalsAny } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { monthOf } from '../../platform/wire/ids.ts'
import { metricBuckets } from '../downsampling/tables.ts'
import { fieldsToMetric, type PointFields } from './schema.ts'
import { type MetricOfRun, ofRun, ofRuns, POINT } from './store.ts'
import { latestMetrics, metrics } from './tables.ts'

export interface Sample {
  runIds: string[]
  key: string
  /** Points per run at most. */
  maxResults: number
  steps: { from: number; to: number } | undefined
}

type Row = [...PointFields, runId: string]
type Samples = Map<string, MetricOfRun[]>

/**
 * Evenly sampled points of each run by (step, timestamp, value, is_nan): the first of each of `maxResults` equal
 * buckets and the last point of all. Rows that are not returned never leave the database.
 *
 * To rank a million points takes seconds. Of a history that seems to have one point at every step from its first to
 * its last one (or at every hundredth, and so on) the points are read by their steps, together with probes of its
 * regularity; one probe that fails, and it is ranked. What the probes overlook, which is at most a few points in a
 * thousand that are missing or double, moves the sample by as many.
 * @see mlflow/store/tracking/sqlalchemy_store.py get_metric_history_bulk_interval
 */
export async function sampleHistories(engine: Engine, sample: Sample): Promise<Samples> {
  await engine.refresh(metrics, latestMetrics)
  const samples = await sampleLadders(engine, sample)
  const runIds = sample.runIds.filter((runId) => !samples.has(runId))
  if (runIds.length > 0) {
    for (const [runId, points] of await sampleByRank(engine, { ...sample, runIds }))
      samples.set(runId, points)
    const cut = runIds.filter((runId) => samples.get(runId)?.length === sample.maxResults)
    const thinned = await findThinned(engine, cut, sample.key)
    if (thinned.length > 0)
      for (const [runId, points] of await sampleByPlace(engine, { ...sample, runIds: thinned }))
        samples.set(runId, points)
  }
  return samples
}

/** Those of the runs that have old points of the metric in buckets. */
async function findThinned(engine: Engine, runIds: string[], key: string): Promise<string[]> {
  if (runIds.length === 0) return []
  await engine.refresh(metricBuckets)
  const rows = await engine.rows(sql`SELECT DISTINCT run_id FROM ${metricBuckets}
    WHERE ${equalsAny(metricBuckets.runId, runIds)} AND ${eq(metricBuckets.key, key)}
      AND ${equalsAny(metricBuckets.month, [...new Set(runIds.map(monthOf))])}`)
  return rows.map(([runId]) => String(runId))
}

/**
 * The first point of each of equally long stretches of steps, or of time where there is one step alone, and the last point: by rank, stretches of a run
 * that were thinned would be drawn by a few points beside those that were not.
 */
async function sampleByPlace(engine: Engine, { runIds, key, maxResults, steps }: Sample): Promise<Samples> {
  const where = and(
    ofRuns(runIds),
    eq(metrics.key, key),
    steps && sql`${metrics.step} >= ${steps.from} AND ${metrics.step} <= ${steps.to}`,
  )
  const ends = sql`SELECT run_id AS of_run, min(step) AS low, max(step) AS high, min(timestamp) AS early, max(timestamp) AS late
    FROM metrics WHERE ${where} GROUP BY run_id`
  const share = (column: SQL, from: SQL, to: SQL) =>
    sql`(${column}::double precision - ${from}) / (${to}::double precision - ${from} + 1)`
  const placed = sql`
    SELECT run_id, value, timestamp, step, is_nan, floor(${sql.raw(String(maxResults))} * CASE WHEN high > low
      THEN ${share(sql`step`, sql`low`, sql`high`)} ELSE ${share(sql`timestamp`, sql`early`, sql`late`)} END)::bigint AS place
    FROM metrics JOIN (${ends}) ends ON of_run = run_id WHERE ${where}`
  const order = sql`ORDER BY step, timestamp, value, is_nan`
  const ranked = sql`
    SELECT run_id, value, timestamp, step, is_nan, row_number() OVER (PARTITION BY run_id, place ${order}) AS i,
      row_number() OVER (PARTITION BY run_id ${order}) AS rank, count(*) OVER (PARTITION BY run_id) AS n
    FROM (${placed}) placed`
  const rows = await engine.rows(sql`
    SELECT ${POINT}, run_id FROM (${ranked}) ranked WHERE i = 1 OR rank = n ORDER BY run_id, rank`)
  return samplesOf(rows as Row[], key, maxResults)
}

/** The first of each bucket as SQL's NTILE makes them, which CrateDB has not, and the last point. */
async function sampleByRank(engine: Engine, { runIds, key, maxResults, steps }: Sample): Promise<Samples> {
  const { from, to } = steps ?? {}
  const where = and(
    ofRuns(runIds),
    eq(metrics.key, key),
    steps && sql`${metrics.step} >= ${from} AND ${metrics.step} <= ${to}`,
  )
  const buckets = sql.raw(String(maxResults))
  const ranked = sql`
    SELECT run_id, value, timestamp, step, is_nan,
      row_number() OVER (PARTITION BY run_id ORDER BY step, timestamp, value, is_nan) - 1 AS i,
      count(*) OVER (PARTITION BY run_id) AS n
    FROM metrics WHERE ${where}`
  // The first n % b buckets hold n / b + 1 rows, the others n / b.
  const rows = await engine.rows(sql`
    SELECT ${POINT}, run_id FROM (${ranked}) ranked
    WHERE n <= ${buckets} OR i = n - 1 OR CASE WHEN n <= ${buckets} THEN true
      WHEN i < (n % ${buckets}) * (n / ${buckets} + 1) THEN i % (n / ${buckets} + 1) = 0
      ELSE (i - (n % ${buckets})) % (n / ${buckets}) = 0 END
    ORDER BY run_id, i`)
  return samplesOf(rows as Row[], key, maxResults)
}

function samplesOf(rows: readonly Row[], key: string, maxResults: number): Samples {
  const samples: Samples = new Map()
  for (const row of rows) {
    const points = samples.get(row[4]) ?? []
    points.push(toPoint(key, row))
    samples.set(row[4], points)
  }
  for (const points of samples.values()) {
    // The last point takes the place of the last bucket's first one.
    if (points.length > maxResults) points.splice(-2, 1)
  }
  return samples
}

const toPoint = (key: string, [value, timestamp, step, isNan, run_id]: Row): MetricOfRun => ({
  ...fieldsToMetric(key, [value, timestamp, step, isNan]),
  run_id,
})

/** A history with a point at each of `count` steps: `first`, `first + stride`, and so on. */
interface Ladder {
  runId: string
  first: number
  stride: number
  count: number
  /** Whether there are points below `first` that were not asked for. */
  isCut: boolean
}

/** Shorter histories are ranked within milliseconds. */
const LONG = 10_000
/** Probes of a ladder: a share of 1 in 100 irregular steps passes all of them once in 600 times. */
const PROBES = 640

/** Samples of those runs whose histories are ladders, as far as their probes tell. */
async function sampleLadders(engine: Engine, sample: Sample): Promise<Samples> {
  const ladders = await findLadders(engine, sample)
  const samples: Samples = new Map()
  if (ladders.length === 0) return samples
  const asked = ladders.map((ladder) => {
    const ranks = sampledRanks(ladder.count, sample.maxResults)
    const stepOf = (rank: number) => ladder.first + rank * ladder.stride
    const there = new Set([...ranks, ...probedRanks(ladder.count)].map(stepOf))
    return { runId: ladder.runId, picked: ranks.map(stepOf), there, all: [...there, ...emptySteps(ladder)] }
  })
  const histories = asked.map(
    ({ runId, all }) => sql`SELECT ${POINT}, run_id FROM metrics WHERE ${ofRun(runId)}
      AND ${eq(metrics.key, sample.key)} AND ${engine.dialect.isOneOfMany(metrics.step, all)}`,
  )
  const limit = asked.reduce((sum, { there }) => sum + there.size, 1)
  const rows = (await engine.rows(sql`SELECT * FROM (${sql.join(histories, sql` UNION ALL `)}) points
    LIMIT ${limit}`)) as Row[]
  for (const { runId, picked, there } of asked) {
    const own = rows.filter((row) => row[4] === runId)
    const bySteps = new Map(own.map((row) => [Number(row[2]), row]))
    const isLadder = own.length === there.size && [...there].every((step) => bySteps.has(step))
    if (isLadder)
      samples.set(
        runId,
        picked.map((step) => toPoint(sample.key, bySteps.get(step) as Row)),
      )
  }
  return samples
}

/** What the last point and the first two by time say of long histories. */
async function findLadders(engine: Engine, { runIds, key, maxResults, steps }: Sample): Promise<Ladder[]> {
  const latest = await engine.rows(sql`SELECT run_id, step FROM latest_metrics
    WHERE ${equalsAny(latestMetrics.runId, runIds)} AND ${eq(latestMetrics.key, key)}`)
  const last = new Map((latest as [string, unknown][]).map(([runId, step]) => [runId, Number(step)]))
  const long = [...last].filter(([, step]) => step >= LONG && Number.isSafeInteger(step))
  if (long.length === 0) return []
  const beginnings: SQL[] = long.map(
    ([runId]) => sql`SELECT run_id, step FROM (SELECT run_id, step FROM metrics
      WHERE ${ofRun(runId)} AND ${eq(metrics.key, key)} ORDER BY timestamp, step LIMIT 2) AS beginning`,
  )
  const firsts = (await engine.rows(sql.join(beginnings, sql` UNION ALL `))) as [string, unknown][]
  return long.flatMap(([runId, end]) => {
    const [first, second] = firsts
      .filter(([of]) => of === runId)
      .map(([, step]) => Number(step))
      .sort((a, b) => a - b)
    if (first === undefined || second === undefined) return []
    const ladder = cutLadder(runId, { first, stride: second - first, end }, steps)
    return ladder && ladder.count > Math.max(LONG, 4 * maxResults) ? [ladder] : []
  })
}

/** The part of a ladder from one step to another; undefined when there is none. */
function cutLadder(
  runId: string,
  { first, stride, end }: { first: number; stride: number; end: number },
  steps: Sample['steps'],
): Ladder | undefined {
  if (stride <= 0 || (end - first) % stride !== 0) return undefined
  const ranks = (end - first) / stride
  const from = steps ? Math.max(0, Math.ceil((steps.from - first) / stride)) : 0
  const to = steps ? Math.min(ranks, Math.floor((steps.to - first) / stride)) : ranks
  return { runId, first: first + from * stride, stride, count: to - from + 1, isCut: from > 0 }
}

/** Ranks of the first point of each bucket; the last point of all in place of the last one. */
function sampledRanks(count: number, buckets: number): number[] {
  const size = Math.floor(count / buckets)
  const larger = count % buckets
  const starts = Array.from({ length: buckets }, (_, bucket) => bucket * size + Math.min(bucket, larger))
  return [...starts.slice(0, -1), count - 1]
}

const GOLDEN = (Math.sqrt(5) - 1) / 2

/** Spread over all ranks, in no step with anything that repeats. */
const probedRanks = (count: number): number[] =>
  Array.from({ length: PROBES }, (_, i) => Math.floor(((i * GOLDEN) % 1) * count))

/** Steps that must have no point: before the first one, and between two of the ladder. */
function emptySteps({ first, stride, count, isCut }: Ladder): number[] {
  const before = isCut ? [] : Array.from({ length: 16 }, (_, i) => first - stride * 2 ** i)
  const between = stride > 1 ? probedRanks(count).slice(0, 64) : []
  return [...before, ...between.map((rank) => first + rank * stride + 1 + (rank % (stride - 1)))]
}
