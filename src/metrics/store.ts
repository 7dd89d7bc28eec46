// Statements over metric histories.
import { and, eq, type SQL, sql } from 'drizzle-orm'
import { equalsAny } from '../database/columns.ts'
import type { Engine } from '../database/engine.ts'
import { checkPlace, isBehind, orderOf, type Place, placeOf, type SortKey } from '../search/keyset.ts'
import { monthOf } from '../wire/ids.ts'
import { type PageStart, rowsToSkip } from '../wire/page-token.ts'
import { fieldsToMetric, type Metric, type PointFields } from './schema.ts'
import { metrics } from './tables.ts'

/** Naming the month beside the run lets CrateDB read one partition only. */
const ofRun = (runId: string): SQL => and(eq(metrics.runId, runId), eq(metrics.month, monthOf(runId))) as SQL

const ofRuns = (runIds: string[]): SQL =>
  and(equalsAny(metrics.runId, runIds), equalsAny(metrics.month, [...new Set(runIds.map(monthOf))])) as SQL

/** The order of a run's history of a key. */
const HISTORY: SortKey[] = [
  { kind: 'int64', value: metrics.timestamp, ascending: true, required: true },
  { kind: 'int64', value: metrics.step, ascending: true, required: true },
  { kind: 'double', value: metrics.value, ascending: true, required: true },
  { kind: 'boolean', value: metrics.isNan, ascending: true, required: true },
]

const POINT = sql`value, timestamp, step, is_nan`

/**
 * One page of a history by (timestamp, step, value, is_nan), behind the place of a point or after `offset` points.
 * Pass `metrics` through the refresh gate before.
 * @throws INVALID_PARAMETER_VALUE when `after` is no place in a history
 */
export async function findHistory(
  engine: Engine,
  { runId, key, limit, start }: { runId: string; key: string; limit: number; start: PageStart },
): Promise<Metric[]> {
  const after = start.after && checkPlace(HISTORY, start.after)
  const where = and(
    ofRun(runId),
    eq(metrics.key, key),
    // Said apart, the engines find the first row by their indexes.
    after && sql`${metrics.timestamp} >= ${after[0]}::bigint`,
    after && isBehind(HISTORY, after),
  )
  const rows = await engine.rows(sql`SELECT ${POINT} FROM metrics WHERE ${where}
    ORDER BY ${sql.join(orderOf(HISTORY), sql`, `)} LIMIT ${limit} OFFSET ${rowsToSkip(start)}`)
  return (rows as PointFields[]).map((fields) => fieldsToMetric(key, fields))
}

/** Where a point stands in its history; NaN is stored as 0 with a mark. */
export const historyPlace = ({ timestamp, step, value }: Metric): Place => [
  String(timestamp),
  String(step),
  value === 'NaN' ? '0' : placeOf(value, false),
  String(value === 'NaN'),
]

export type MetricOfRun = Metric & { run_id: string }

/** Histories of several runs by (run, timestamp, step, value), cut at `limit` points in all. */
export async function findHistories(
  engine: Engine,
  { runIds, key, limit }: { runIds: string[]; key: string; limit: number },
): Promise<MetricOfRun[]> {
  await engine.refresh(metrics)
  const rows = await engine.rows(sql`SELECT ${POINT}, run_id FROM metrics
    WHERE ${and(ofRuns(runIds), eq(metrics.key, key))}
    ORDER BY run_id, ${sql.join(orderOf(HISTORY), sql`, `)} LIMIT ${limit}`)
  return (rows as [...PointFields, string][]).map(([value, timestamp, step, isNan, run_id]) => ({
    ...fieldsToMetric(key, [value, timestamp, step, isNan]),
    run_id,
  }))
}

export interface Sample {
  runIds: string[]
  key: string
  /** Points per run at most. */
  maxResults: number
  steps: { from: number; to: number } | undefined
}

/**
 * Evenly sampled points of each run by (step, timestamp, value, is_nan): the first of each of `maxResults` equal
 * buckets (as SQL's NTILE makes them, which CrateDB has not) and the last point of all. One statement; rows that
 * are not returned never leave the database.
 * @see mlflow/store/tracking/sqlalchemy_store.py get_metric_history_bulk_interval
 */
export async function sampleHistories(engine: Engine, sample: Sample): Promise<Map<string, MetricOfRun[]>> {
  await engine.refresh(metrics)
  const { from, to } = sample.steps ?? {}
  const where = and(
    ofRuns(sample.runIds),
    eq(metrics.key, sample.key),
    sample.steps && sql`${metrics.step} >= ${from} AND ${metrics.step} <= ${to}`,
  )
  const buckets = sql.raw(String(sample.maxResults))
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
  return groupByRun(rows as [...PointFields, string][], sample)
}

function groupByRun(
  rows: [...PointFields, string][],
  { key, maxResults }: Sample,
): Map<string, MetricOfRun[]> {
  const byRun = new Map<string, MetricOfRun[]>()
  for (const [value, timestamp, step, isNan, run_id] of rows) {
    const points = byRun.get(run_id) ?? []
    points.push({ ...fieldsToMetric(key, [value, timestamp, step, isNan]), run_id })
    byRun.set(run_id, points)
  }
  for (const points of byRun.values()) {
    // The last point takes the place of the last bucket's first one.
    if (points.length > maxResults) points.splice(-2, 1)
  }
  return byRun
}
