// Statements that delete experiments for good. The row of an experiment goes last, after its name is free again.
import { and, asc, eq, gt, isNotNull, lt, sql } from 'drizzle-orm'
import { changesIf, equalsAny } from '../../platform/database/columns.ts'
import { countOwned, deleteOwned, type Owned } from '../../platform/database/deletion.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { releaseName } from '../../platform/database/name-claims.ts'
import { datasets } from '../datasets/tables.ts'
import type { DoomedQuery, DoomedRow } from '../removal.schema.ts'
import { experimentNames } from './store.ts'
import { experiments, experimentTags } from './tables.ts'

const BELONGINGS: Owned[] = [
  { table: experimentTags, of: experimentTags.experimentId },
  { table: datasets, of: datasets.experimentId },
]

/** A page of experiments that are deleted, or whose deletion for good has begun, by id. Passes the refresh gate. */
export async function findDoomedExperiments(engine: Engine, query: DoomedQuery): Promise<DoomedRow[]> {
  const { ids, deletedUntilMs, anyStage, after, limit } = query
  await engine.refresh(experiments)
  const isDue =
    deletedUntilMs === undefined
      ? sql`lifecycle_stage IN ('deleted', 'deleting')`
      : sql`(lifecycle_stage = 'deleting' OR (lifecycle_stage = 'deleted' AND ${lt(experiments.lastUpdateTimeMs, deletedUntilMs)}))`
  const rows = await engine.db
    .select()
    .from(experiments)
    .where(
      and(
        // Without a name it is a creation that never finished.
        isNotNull(experiments.name),
        ids && equalsAny(experiments.experimentId, ids),
        anyStage ? undefined : isDue,
        after === undefined ? undefined : gt(experiments.experimentId, after),
      ),
    )
    .orderBy(asc(experiments.experimentId))
    .limit(limit)
  return rows.map((row) => ({
    id: row.experimentId,
    name: row.name,
    experimentId: row.experimentId,
    stage: row.lifecycleStage,
    deletedMs: row.lastUpdateTimeMs,
    artifactUri: row.artifactLocation ?? '',
  }))
}

/**
 * Begins the deletion of an experiment for good, if it is still deleted, and since the time that was seen. From now on nobody finds it, and it
 * can be neither restored nor renamed. @returns whether it has begun, by whomever
 */
export async function takeExperiment(engine: Engine, { id, deletedMs }: DoomedRow): Promise<boolean> {
  const isSeen = sql`lifecycle_stage = 'deleted' AND last_update_time = ${deletedMs}::bigint`
  const [row] = await engine.rowCache(experiments).changing(id, () =>
    engine.db
      .update(experiments)
      .set({
        ...changesIf(experiments, isSeen, { lifecycleStage: 'deleting' }),
        nameFence: sql`CASE WHEN ${isSeen} THEN name_fence + 1 ELSE name_fence END`,
      })
      .where(eq(experiments.experimentId, id))
      .returning({ stage: experiments.lifecycleStage }),
  )
  return row?.stage === 'deleting'
}

/** Makes an experiment deleted again, which can be restored, since something in it may not go. */
export async function giveBackExperiment(engine: Engine, experimentId: string): Promise<void> {
  const isTaken = sql`lifecycle_stage = 'deleting'`
  await engine.rowCache(experiments).changing(experimentId, () =>
    engine.db
      .update(experiments)
      .set(changesIf(experiments, isTaken, { lifecycleStage: 'deleted' }))
      .where(eq(experiments.experimentId, experimentId)),
  )
}

/** Rows of the experiment itself: its own, tags, datasets. */
export const countExperimentRows = async (engine: Engine, experimentId: string): Promise<number> =>
  (await countOwned(engine, BELONGINGS, [experimentId])).get(experimentId) ?? 0

/** Deletes an experiment whose deletion has begun, and in which nothing is any more. Repeatable. */
export async function removeExperiment(engine: Engine, experimentId: string): Promise<void> {
  await deleteOwned(engine, BELONGINGS, [experimentId])
  const isThis = eq(experiments.experimentId, experimentId)
  const [row] = await engine.db.select().from(experiments).where(isThis)
  if (row?.lifecycleStage !== 'deleting') return
  if (row.name !== null) {
    const claim = { name: row.name, ownerId: experimentId, fence: row.nameFence }
    await releaseName(engine, experimentNames(engine), claim)
  }
  const own = {
    table: experiments,
    of: experiments.experimentId,
    where: eq(experiments.lifecycleStage, 'deleting'),
  }
  await engine.rowCache(experiments).changing(experimentId, () => deleteOwned(engine, [own], [experimentId]))
}
