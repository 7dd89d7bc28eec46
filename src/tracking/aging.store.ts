// Statements over runs and points of metrics by their age: which there are, and the deletion of old points.
import { and, asc, gt, type SQL, sql } from 'drizzle-orm'
import { equalsAny } from '../platform/database/columns.ts'
import type { Engine } from '../platform/database/engine.ts'
import { compare } from '../platform/search/to-sql.ts'
import { monthOf } from '../platform/wire/ids.ts'
import type { metricBuckets } from './downsampling/tables.ts'
import { experiments } from './experiments/tables.ts'
import { latestMetrics, latestMetricsDue, metrics } from './metrics/tables.ts'
import { runs, tags } from './runs/tables.ts'

/** Which runs are meant. */
export interface RunFilter {
  /** Undefined: all. */
  experimentIds: readonly string[] | undefined
  /** All of them. */
  runTags: readonly { key: string; value: string }[]
}

/** Experiments whose names are LIKE the pattern, and where their artifacts are. Passes the refresh gate. */
export async function findExperimentsLike(
  engine: Engine,
  pattern: string,
): Promise<{ experimentId: string; artifactLocation: string | null }[]> {
  await engine.refresh(experiments)
  const { experimentId, artifactLocation, name } = experiments
  return engine.db
    .select({ experimentId, artifactLocation })
    .from(experiments)
    .where(compare(name, { comparator: 'LIKE', value: pattern }, engine.dialect))
}

type OfRun = typeof runs | typeof metrics | typeof latestMetrics | typeof metricBuckets

/** Holds for what belongs to runs of the filter. */
export function belongs(table: OfRun, { experimentIds, runTags }: RunFilter): SQL | undefined {
  const isTagged = runTags.map(
    ({ key, value }) =>
      sql`${table.runId} IN (SELECT run_id FROM ${tags} WHERE ${tags.key} = ${key} AND ${tags.value} = ${value})`,
  )
  return and(experimentIds && equalsAny(table.experimentId, experimentIds), ...isTagged)
}

/** Those of the runs that the filter means. Passes the refresh gate. */
export async function filterRuns(
  engine: Engine,
  runIds: readonly string[],
  filter: RunFilter,
): Promise<Set<string>> {
  if (runIds.length === 0) return new Set()
  await engine.refresh(runs, tags)
  const rows = await engine.db
    .select({ runId: runs.runId })
    .from(runs)
    .where(and(equalsAny(runs.runId, runIds), belongs(runs, filter)))
  return new Set(rows.map(({ runId }) => runId))
}

/** Points older than the time that would go: without the latest of each metric. Passes the refresh gate. */
export async function countOldPoints(engine: Engine, filter: RunFilter, untilMs: number): Promise<number> {
  await engine.refresh(metrics, latestMetrics, tags)
  const count = async (table: typeof metrics | typeof latestMetrics) => {
    const isOld = sql`${table.timestamp} < ${untilMs}::bigint`
    const rows = await engine.rows(
      sql`SELECT count(*) FROM ${table} WHERE ${and(isOld, belongs(table, filter))}`,
    )
    return Number(rows[0]?.[0] ?? 0)
  }
  return Math.max(0, (await count(metrics)) - (await count(latestMetrics)))
}

/** Runs whose points are looked at together. */
const RUNS_AT_ONCE = 50

/**
 * Deletes points that are older than the time, run by run, but for the latest of each metric, which everybody sees. Runs that are logged to in the same
 * moment may be left out on the embedded engine, where a latest point may not be written yet. Repeatable.
 * @param forget is called with runs whose points went
 * @returns how many went, piece by piece
 */
export async function* pruneOldPoints(
  engine: Engine,
  { filter, untilMs }: { filter: RunFilter; untilMs: number },
  forget: (runIds: string[]) => Promise<void>,
): AsyncGenerator<{ rows: number }> {
  for (let after = ''; ; ) {
    await engine.refresh(runs, tags, metrics, latestMetrics)
    const page = await engine.db
      .select({ runId: runs.runId })
      .from(runs)
      .where(and(gt(runs.runId, after), belongs(runs, filter)))
      .orderBy(asc(runs.runId))
      .limit(RUNS_AT_ONCE)
    const ids = page.map(({ runId }) => runId)
    if (ids.length === 0) return
    yield* pruneRuns(engine, ids, untilMs)
    await forget(ids)
    after = ids.at(-1) ?? ''
  }
}

async function* pruneRuns(
  engine: Engine,
  runIds: string[],
  untilMs: number,
): AsyncGenerator<{ rows: number }> {
  const { aging, exclusive } = engine.dialect
  if (!aging) return
  const months = [...new Set(runIds.map(monthOf))]
  const isLatest = await latestBefore(engine, runIds, untilMs)
  const isDue = sql`run_id IN (SELECT run_id FROM ${latestMetricsDue})`
  yield* aging.deleteRange(engine, {
    table: { schema: engine.schema, table: 'metrics' },
    column: { name: 'timestamp', type: 'bigint' },
    untilMs,
    where: and(
      sql`run_id = ANY(${sql.param(runIds)}::text[])`,
      sql`month = ANY(${sql.param(months)}::text[])`,
      isLatest && sql`NOT ${isLatest}`,
      exclusive ? sql`NOT ${isDue}` : undefined,
    ),
  })
}

/** Holds for the latest points of the runs that are older than the time, and for few others. */
async function latestBefore(engine: Engine, runIds: string[], untilMs: number): Promise<SQL | undefined> {
  const rows = await engine.db
    .selectDistinct({ key: latestMetrics.key, step: latestMetrics.step, timestamp: latestMetrics.timestamp })
    .from(latestMetrics)
    .where(and(equalsAny(latestMetrics.runId, runIds), sql`${latestMetrics.timestamp} < ${untilMs}::bigint`))
  if (rows.length === 0) return undefined
  const all = <T>(values: T[]) => sql.param([...new Set(values)])
  return sql`(key = ANY(${all(rows.map(({ key }) => key))}::text[])
    AND step = ANY(${all(rows.map(({ step }) => step))}::bigint[])
    AND timestamp = ANY(${all(rows.map(({ timestamp }) => timestamp))}::bigint[]))`
}

/** Runs that began at the time or later, by the hours since then: 0 is the first one. Passes the refresh gate. */
export async function countRunsByHour(engine: Engine, sinceMs: number): Promise<Map<number, number>> {
  await engine.refresh(runs)
  const rows = await engine.rows(
    sql`SELECT (start_time - ${sinceMs}::bigint) / 3600000, count(*) FROM ${runs}
        WHERE start_time >= ${sinceMs}::bigint GROUP BY 1`,
  )
  return new Map(rows.map(([hour, count]) => [Number(hour), Number(count)]))
}

/** Points of metrics whose time is that or later, of runs made since the month, by the hours since then. Passes the refresh gate. */
export async function countPointsByHour(
  engine: Engine,
  sinceMs: number,
  month: string,
): Promise<Map<number, number>> {
  await engine.refresh(metrics)
  const rows = await engine.rows(
    sql`SELECT (timestamp - ${sinceMs}::bigint) / 3600000, count(*) FROM ${metrics}
        WHERE timestamp >= ${sinceMs}::bigint AND month >= ${month} GROUP BY 1`,
  )
  return new Map(rows.map(([hour, count]) => [Number(hour), Number(count)]))
}
