// Which points of metrics are due for buckets: old ones that are in none yet, and those of smaller buckets that have become old enough for larger ones.
import { and, eq, type SQL, sql } from 'drizzle-orm'
import type { Engine } from '../platform/database/engine.ts'
import { belongs, type RunFilter } from './aging.store.ts'
import type { DuePlan } from './downsampling/schema.ts'
import { metricBuckets } from './downsampling/tables.ts'
import { metrics } from './metrics/tables.ts'
import { tags } from './runs/tables.ts'

const numbersOf = (rows: unknown[][]): Map<string, number> =>
  new Map(rows.map(([of, count]) => [String(of), Number(count ?? 0)]))

const isOld = ({ rungs }: DuePlan): SQL => sql`${metrics.timestamp} < ${rungs[0]?.untilMs ?? 0}::bigint`
const isOldBucket = ({ rungs }: DuePlan): SQL =>
  sql`${metricBuckets.lastTimestamp} < ${rungs[0]?.untilMs ?? 0}::bigint`

/** Buckets that a larger one takes in by now. */
const isOutgrown = ({ kind, rungs }: DuePlan): SQL => {
  const steps = rungs.slice(1).map(
    ({ size, untilMs }) => sql`(${metricBuckets.bucketSize} < ${size}::bigint
      AND ${size}::bigint % ${metricBuckets.bucketSize} = 0 AND ${metricBuckets.lastTimestamp} < ${untilMs}::bigint)`,
  )
  if (steps.length === 0) return sql`false`
  return and(eq(metricBuckets.bucketKind, kind), sql`(${sql.join(steps, sql` OR `)})`) as SQL
}

/** Points by a column: old ones in the table, those of them that buckets know, and those whose buckets are outgrown. */
async function countBy(
  engine: Engine,
  by: 'month' | 'run_id',
  { filter, plan, month }: { filter: RunFilter; plan: DuePlan; month?: string },
) {
  const column = sql.identifier(by)
  const ofMonth = month === undefined ? undefined : sql`month = ${month}`
  const [old, known, outgrown] = await Promise.all(
    [
      sql`SELECT ${column}, count(*) FROM ${metrics} WHERE ${and(isOld(plan), ofMonth, belongs(metrics, filter))}`,
      sql`SELECT ${column}, sum(kept_count) FROM ${metricBuckets}
        WHERE ${and(isOldBucket(plan), ofMonth, belongs(metricBuckets, filter))}`,
      sql`SELECT ${column}, sum(kept_count) FROM ${metricBuckets}
        WHERE ${and(isOutgrown(plan), ofMonth, belongs(metricBuckets, filter))}`,
    ].map(async (question) => numbersOf(await engine.rows(sql`${question} GROUP BY ${column}`))),
  )
  return { old: old ?? new Map(), known: known ?? new Map(), outgrown: outgrown ?? new Map() }
}

/** Months of runs with points that are due, and how many that are, oldest first. Passes the refresh gate. */
export async function findDueMonths(
  engine: Engine,
  filter: RunFilter,
  plan: DuePlan,
): Promise<{ month: string; points: number }[]> {
  await engine.refresh(metrics, metricBuckets, tags)
  const { old, known, outgrown } = await countBy(engine, 'month', { filter, plan })
  return [...old]
    .map(([month, count]) => ({
      month,
      points: Math.max(0, count - (known.get(month) ?? 0)) + (outgrown.get(month) ?? 0),
    }))
    .filter(({ points }) => points > 0)
    .sort((a, b) => (a.month < b.month ? -1 : 1))
}

/** Runs of a month with points that are due, with all their old points, by id. Passes the refresh gate. */
export async function findDueRuns(
  engine: Engine,
  filter: RunFilter,
  { plan, month }: { plan: DuePlan; month: string },
): Promise<{ runId: string; points: number }[]> {
  await engine.refresh(metrics, metricBuckets, tags)
  const { old, known, outgrown } = await countBy(engine, 'run_id', { filter, plan, month })
  return [...old]
    .filter(([runId, count]) => count !== (known.get(runId) ?? 0) || (outgrown.get(runId) ?? 0) > 0)
    .map(([runId, points]) => ({ runId, points }))
    .sort((a, b) => (a.runId < b.runId ? -1 : 1))
}
