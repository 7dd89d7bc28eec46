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

/** Buckets that a larger one takes in by now; undefined where there are no larger ones. */
const isOutgrown = ({ kind, rungs }: DuePlan): SQL | undefined => {
  const steps = rungs.slice(1).map(
    ({ size, untilMs }) => sql`(${metricBuckets.bucketSize} < ${size}::bigint
      AND ${size}::bigint % ${metricBuckets.bucketSize} = 0 AND ${metricBuckets.lastTimestamp} < ${untilMs}::bigint)`,
  )
  if (steps.length === 0) return undefined
  return and(eq(metricBuckets.bucketKind, kind), sql`(${sql.join(steps, sql` OR `)})`)
}

/** Points by a column: old ones in the table, those of them that buckets know, and those whose buckets are outgrown. */
async function countBy(
  engine: Engine,
  by: 'month' | 'run_id',
  { filter, plan, month }: { filter: RunFilter; plan: DuePlan; month?: string },
) {
  const column = sql.identifier(by)
  const ofMonth = month === undefined ? undefined : sql`month = ${month}`
  const isLeft = isOutgrown(plan)
  const count = async (what: SQL, from: typeof metrics | typeof metricBuckets, where: SQL | undefined) =>
    numbersOf(
      await engine.rows(
        sql`SELECT ${column}, ${what} FROM ${from} WHERE ${and(where, ofMonth, belongs(from, filter))} GROUP BY ${column}`,
      ),
    )
  const kept = sql`sum(kept_count)`
  const [old, known, outgrown] = await Promise.all([
    count(sql`count(*)`, metrics, isOld(plan)),
    count(kept, metricBuckets, isOldBucket(plan)),
    isLeft ? count(kept, metricBuckets, isLeft) : new Map<string, number>(),
  ])
  return { old, known, outgrown }
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
): Promise<{ runId: string; experimentId: string; points: number }[]> {
  await engine.refresh(metrics, metricBuckets, tags)
  const { old, known, outgrown } = await countBy(engine, 'run_id', { filter, plan, month })
  const due = [...old].filter(
    ([runId, count]) => count !== (known.get(runId) ?? 0) || (outgrown.get(runId) ?? 0) > 0,
  )
  if (due.length === 0) return []
  const rows = await engine.rows(
    sql`SELECT DISTINCT run_id, experiment_id FROM ${metrics} WHERE ${and(sql`month = ${month}`, belongs(metrics, filter))}`,
  )
  const experimentOf = new Map(rows.map(([runId, experimentId]) => [String(runId), String(experimentId)]))
  return due
    .map(([runId, points]) => ({ runId, experimentId: experimentOf.get(runId) ?? '0', points }))
    .sort((a, b) => (a.runId < b.runId ? -1 : 1))
}
