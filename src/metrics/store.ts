// Statements over metric histories.
import { and, asc, eq, type SQL, sql } from 'drizzle-orm'
import { equalsAny } from '../database/columns.ts'
import type { Engine } from '../database/engine.ts'
import { monthOf } from '../wire/ids.ts'
import type { Metric } from './schema.ts'
import { type LatestMetricRow, type MetricRow, metrics } from './tables.ts'

/** Naming the month beside the run lets CrateDB read one partition only. */
const ofRun = (runId: string): SQL => and(eq(metrics.runId, runId), eq(metrics.month, monthOf(runId))) as SQL

const ofRuns = (runIds: string[]): SQL =>
  and(equalsAny(metrics.runId, runIds), equalsAny(metrics.month, [...new Set(runIds.map(monthOf))])) as SQL

/** One page of a history by (timestamp, step, value, is_nan). Pass `metrics` through the refresh gate before. */
export async function findHistory(
  engine: Engine,
  { runId, key, limit, offset }: { runId: string; key: string; limit: number; offset: number },
): Promise<MetricRow[]> {
  return engine.db
    .select()
    .from(metrics)
    .where(and(ofRun(runId), eq(metrics.key, key)))
    .orderBy(asc(metrics.timestamp), asc(metrics.step), asc(metrics.value), asc(metrics.isNan))
    .limit(limit)
    .offset(offset)
}

/** Histories of several runs by (run, timestamp, step, value), cut at `limit` points in all. */
export async function findHistories(
  engine: Engine,
  { runIds, key, limit }: { runIds: string[]; key: string; limit: number },
): Promise<MetricRow[]> {
  await engine.refresh(metrics)
  return engine.db
    .select()
    .from(metrics)
    .where(and(ofRuns(runIds), eq(metrics.key, key)))
    .orderBy(
      asc(metrics.runId),
      asc(metrics.timestamp),
      asc(metrics.step),
      asc(metrics.value),
      asc(metrics.isNan),
    )
    .limit(limit)
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
export async function sampleHistories(
  engine: Engine,
  sample: Sample,
): Promise<Map<string, LatestMetricRow[]>> {
  await engine.refresh(metrics)
  const { from, to } = sample.steps ?? {}
  const where = and(
    ofRuns(sample.runIds),
    eq(metrics.key, sample.key),
    sample.steps && sql`${metrics.step} >= ${from} AND ${metrics.step} <= ${to}`,
  )
  const buckets = sql.raw(String(sample.maxResults))
  const ranked = sql`
    SELECT run_id, experiment_id, value, timestamp, step, is_nan,
      row_number() OVER (PARTITION BY run_id ORDER BY step, timestamp, value, is_nan) - 1 AS i,
      count(*) OVER (PARTITION BY run_id) AS n
    FROM metrics WHERE ${where}`
  // The first n % b buckets hold n / b + 1 rows, the others n / b.
  const { rows } = await engine.execute<Record<string, string | number | boolean>>(sql`
    SELECT run_id, experiment_id, value, timestamp, step, is_nan FROM (${ranked}) ranked
    WHERE n <= ${buckets} OR i = n - 1 OR CASE WHEN n <= ${buckets} THEN true
      WHEN i < (n % ${buckets}) * (n / ${buckets} + 1) THEN i % (n / ${buckets} + 1) = 0
      ELSE (i - (n % ${buckets})) % (n / ${buckets}) = 0 END
    ORDER BY run_id, i`)
  return groupByRun(rows, sample)
}

function groupByRun(
  rows: Record<string, unknown>[],
  { key, maxResults }: Sample,
): Map<string, LatestMetricRow[]> {
  const byRun = new Map<string, LatestMetricRow[]>()
  for (const row of rows) {
    const runId = String(row.run_id)
    const point: LatestMetricRow = {
      runId,
      key,
      value: Number(row.value),
      timestamp: metrics.timestamp.mapFromDriverValue(row.timestamp as string) as MetricRow['timestamp'],
      step: metrics.step.mapFromDriverValue(row.step as string) as MetricRow['step'],
      isNan: row.is_nan === true,
      experimentId: String(row.experiment_id),
    }
    byRun.set(runId, [...(byRun.get(runId) ?? []), point])
  }
  for (const points of byRun.values()) {
    // The last point takes the place of the last bucket's first one.
    if (points.length > maxResults) points.splice(-2, 1)
  }
  return byRun
}

/** A stored point as clients read it. */
export const metricToWire = (row: LatestMetricRow): Metric => ({
  key: row.key,
  value: row.isNan ? 'NaN' : row.value,
  timestamp: row.timestamp,
  step: row.step,
})
