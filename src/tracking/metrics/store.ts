// Statements over metric histories.
import { and, eq, type SQL, sql } from 'drizzle-orm'
import { equalsAny } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import {
  checkPlace,
  isBehind,
  orderOf,
  type Place,
  placeOf,
  type SortKey,
} from '../../platform/search/keyset.ts'
import { monthOf } from '../../platform/wire/ids.ts'
import { type PageStart, rowsToSkip } from '../../platform/wire/page-token.ts'
import { fieldsToMetric, type Metric, type PointFields } from './schema.ts'
import { metrics } from './tables.ts'

/** Naming the month beside the run lets CrateDB read one partition only. */
export const ofRun = (runId: string): SQL =>
  and(eq(metrics.runId, runId), eq(metrics.month, monthOf(runId))) as SQL

export const ofRuns = (runIds: string[]): SQL =>
  and(equalsAny(metrics.runId, runIds), equalsAny(metrics.month, [...new Set(runIds.map(monthOf))])) as SQL

/** The order of a run's history of a key. */
const HISTORY: SortKey[] = [
  { kind: 'int64', value: metrics.timestamp, ascending: true, required: true },
  { kind: 'int64', value: metrics.step, ascending: true, required: true },
  { kind: 'double', value: metrics.value, ascending: true, required: true },
  { kind: 'boolean', value: metrics.isNan, ascending: true, required: true },
]

/** The columns of `PointFields`. */
export const POINT = sql`value, timestamp, step, is_nan`

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

/**
 * Histories of several runs by (run, timestamp, step, value), cut at `limit` points in all. NaN, which is stored as 0, comes
 * behind a 0 of the same moment: CrateDB 6.4 cannot sort by a boolean beyond the first 9,375 rows.
 */
export async function findHistories(
  engine: Engine,
  { runIds, key, limit }: { runIds: string[]; key: string; limit: number },
): Promise<MetricOfRun[]> {
  await engine.refresh(metrics)
  const rows = await engine.rows(sql`SELECT ${POINT}, run_id FROM metrics
    WHERE ${and(ofRuns(runIds), eq(metrics.key, key))}
    ORDER BY run_id, ${sql.join(orderOf(HISTORY.slice(0, -1)), sql`, `)} LIMIT ${limit}`)
  const points = (rows as [...PointFields, string][]).map(([value, timestamp, step, isNan, run_id]) => ({
    ...fieldsToMetric(key, [value, timestamp, step, isNan]),
    run_id,
  }))
  for (let i = 1; i < points.length; i++) {
    const [before, after] = [points[i - 1] as MetricOfRun, points[i] as MetricOfRun]
    const isSwapped = before.value === 'NaN' && after.value === 0 && isSameMoment(before, after)
    if (isSwapped) [points[i - 1], points[i]] = [after, before]
  }
  return points
}

const isSameMoment = (a: MetricOfRun, b: MetricOfRun) =>
  a.run_id === b.run_id && a.timestamp === b.timestamp && a.step === b.step
