// Statements that delete runs for good, and what belongs to them. The row of a run goes last: with it the run is gone.
import { and, asc, eq, gt, lte, ne, type SQL, sql } from 'drizzle-orm'
import { changesIf, equalsAny } from '../../platform/database/columns.ts'
import { countOwned, deleteOwned, type Owned } from '../../platform/database/deletion.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { monthOf } from '../../platform/wire/ids.ts'
import { inputs, inputTags } from '../datasets/tables.ts'
import { metricBuckets } from '../downsampling/tables.ts'
import { loggedModelMetrics } from '../logged-models/tables.ts'
import { latestMetrics, metrics } from '../metrics/tables.ts'
import type { DoomedQuery, DoomedRow } from '../removal.schema.ts'
import { params, runs, tags } from './tables.ts'

/** What belongs to runs. Naming the months beside the runs lets CrateDB open their partitions only. */
const belongings = (runIds: readonly string[]): Owned[] => [
  {
    table: metrics,
    of: metrics.runId,
    where: equalsAny(metrics.month, [...new Set(runIds.map(monthOf))]),
  },
  { table: latestMetrics, of: latestMetrics.runId },
  { table: params, of: params.runId },
  { table: tags, of: tags.runId },
  { table: inputs, of: [inputs.destinationId, inputs.sourceId] },
  { table: inputTags, of: inputTags.runId },
  { table: loggedModelMetrics, of: loggedModelMetrics.runId },
]
/** They go behind the points: whoever thins these meanwhile finds either the points gone, or its buckets go here. */
const bucketsOf = (runIds: readonly string[], where?: SQL): Owned => ({
  table: metricBuckets,
  of: metricBuckets.runId,
  where: and(equalsAny(metricBuckets.month, [...new Set(runIds.map(monthOf))]), where),
})

/** A page of runs that are deleted, or whose deletion for good has begun, by id. Passes the refresh gate. */
export async function findDoomedRuns(engine: Engine, query: DoomedQuery): Promise<DoomedRow[]> {
  await engine.refresh(runs)
  const isDue =
    query.deletedUntilMs === undefined
      ? ne(runs.lifecycleStage, 'active')
      : sql`(lifecycle_stage = 'deleting' OR (lifecycle_stage = 'deleted' AND ${lte(runs.deletedTimeMs, query.deletedUntilMs)}))`
  return findRows(engine, query, query.anyStage ? undefined : isDue)
}

/** A run of the experiment that may not go: it is active, or was deleted after the time. Passes the refresh gate. */
export async function findStandingRun(
  engine: Engine,
  experimentId: string,
  deletedUntilMs: number | undefined,
): Promise<DoomedRow | undefined> {
  await engine.refresh(runs)
  const isYoung =
    deletedUntilMs === undefined
      ? sql`false`
      : sql`(lifecycle_stage = 'deleted' AND deleted_time > ${deletedUntilMs}::bigint)`
  const isStanding = sql`(lifecycle_stage = 'active' OR ${isYoung})`
  return (await findRows(engine, { experimentId, limit: 1 }, isStanding))[0]
}

async function findRows(
  engine: Engine,
  { ids, experimentId, after, limit }: DoomedQuery,
  condition: SQL | undefined,
): Promise<DoomedRow[]> {
  const rows = await engine.db
    .select()
    .from(runs)
    .where(
      and(
        ids && equalsAny(runs.runId, ids),
        experimentId === undefined ? undefined : eq(runs.experimentId, experimentId),
        condition,
        after === undefined ? undefined : gt(runs.runId, after),
      ),
    )
    .orderBy(asc(runs.runId))
    .limit(limit)
  return rows.map((row) => ({
    id: row.runId,
    name: row.runName,
    experimentId: row.experimentId,
    stage: row.lifecycleStage,
    deletedMs: row.deletedTimeMs ?? 0,
    artifactUri: row.artifactUri ?? '',
  }))
}

/**
 * Begins the deletion of a run for good, if it is still deleted, and since the time that was seen. From now on nobody finds it, and it
 * cannot be restored. @returns whether it has begun, by whomever
 */
export async function takeRun(engine: Engine, { id, deletedMs }: DoomedRow): Promise<boolean> {
  const isSeen = sql`lifecycle_stage = 'deleted' AND coalesce(deleted_time, 0) = ${deletedMs}::bigint`
  const [row] = await engine.rowCache(runs).changing(id, () =>
    engine.db
      .update(runs)
      .set(changesIf(runs, isSeen, { lifecycleStage: 'deleting' }))
      .where(eq(runs.runId, id))
      .returning({ stage: runs.lifecycleStage }),
  )
  return row?.stage === 'deleting'
}

/** How many rows belong to each of the runs, by run; with its own. */
export async function countRunRows(engine: Engine, runIds: readonly string[]): Promise<Map<string, number>> {
  return countOwned(
    engine,
    [...belongings(runIds), bucketsOf(runIds), { table: runs, of: runs.runId }],
    runIds,
  )
}

/** Deletes runs whose deletion has begun. Repeatable. @throws TEMPORARILY_UNAVAILABLE when rows stay */
export async function removeRuns(engine: Engine, runIds: readonly string[]): Promise<void> {
  await deleteOwned(engine, belongings(runIds), runIds)
  await deleteOwned(engine, [bucketsOf(runIds)], runIds)
  const where = eq(runs.lifecycleStage, 'deleting')
  await engine
    .rowCache(runs)
    .changing(undefined, () => deleteOwned(engine, [{ table: runs, of: runs.runId, where }], runIds))
}

/** Deletes what creations of runs left in an experiment that were never finished: they have no row. */
export async function removeRunRemains(engine: Engine, experimentId: string): Promise<void> {
  await deleteOwned(
    engine,
    [params, tags, latestMetrics].map((table) => ({ table, of: table.experimentId })),
    [experimentId],
  )
}

const historyOf = (runId: string, key: string): Owned[] => [
  {
    table: metrics,
    of: metrics.runId,
    where: and(eq(metrics.month, monthOf(runId)), eq(metrics.key, key)),
  },
  {
    table: loggedModelMetrics,
    of: loggedModelMetrics.runId,
    where: eq(loggedModelMetrics.name, key),
  },
]
const bucketsOfMetric = (runId: string, key: string) => bucketsOf([runId], eq(metricBuckets.key, key))
const latestOf = (key: string): Owned => ({
  table: latestMetrics,
  of: latestMetrics.runId,
  where: eq(latestMetrics.key, key),
})
const paramOf = (key: string): Owned => ({ table: params, of: params.runId, where: eq(params.key, key) })

const countOf = async (engine: Engine, owned: Owned[], runId: string) =>
  (await countOwned(engine, owned, [runId])).get(runId) ?? 0

/** Points of a metric of a run, those of logged models and the latest value included. */
export const countMetricRows = (engine: Engine, runId: string, key: string): Promise<number> =>
  countOf(engine, [...historyOf(runId, key), bucketsOfMetric(runId, key), latestOf(key)], runId)

/** Deletes a metric of a run, the latest value last: as long as points are there, the metric is. Repeatable. */
export async function removeMetric(engine: Engine, runId: string, key: string): Promise<void> {
  await deleteOwned(engine, historyOf(runId, key), [runId])
  await deleteOwned(engine, [bucketsOfMetric(runId, key)], [runId])
  await deleteOwned(engine, [latestOf(key)], [runId])
}

export const countParamRows = (engine: Engine, runId: string, key: string): Promise<number> =>
  countOf(engine, [paramOf(key)], runId)

/** Deletes a param of a run. Repeatable. */
export async function removeParam(engine: Engine, runId: string, key: string): Promise<void> {
  await deleteOwned(engine, [paramOf(key)], [runId])
}
