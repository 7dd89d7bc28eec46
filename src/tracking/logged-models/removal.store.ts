// Statements that delete logged models for good, and what belongs to them. The row of a model goes last.
import { and, asc, eq, gt, lte, ne, sql } from 'drizzle-orm'
import { changesIf, equalsAny } from '../../platform/database/columns.ts'
import { countOwned, deleteOwned, type Owned } from '../../platform/database/deletion.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { inputs } from '../datasets/tables.ts'
import type { DoomedQuery, DoomedRow } from '../removal.schema.ts'
import { loggedModelMetrics, loggedModelParams, loggedModels, loggedModelTags } from './tables.ts'

const BELONGINGS: Owned[] = [
  { table: loggedModelParams, of: loggedModelParams.modelId },
  { table: loggedModelTags, of: loggedModelTags.modelId },
  { table: loggedModelMetrics, of: loggedModelMetrics.modelId },
  // Edges from runs to models.
  { table: inputs, of: inputs.destinationId },
]
const OWN: Owned = { table: loggedModels, of: loggedModels.modelId }

/** A page of models that are deleted, or whose deletion for good has begun, by id. Passes the refresh gate. */
export async function findDoomedModels(engine: Engine, query: DoomedQuery): Promise<DoomedRow[]> {
  const { ids, experimentId, deletedUntilMs, anyStage, after, limit } = query
  await engine.refresh(loggedModels)
  const isDue =
    deletedUntilMs === undefined
      ? ne(loggedModels.lifecycleStage, 'active')
      : sql`(lifecycle_stage = 'deleting' OR (lifecycle_stage = 'deleted' AND ${lte(loggedModels.lastUpdatedTimestampMs, deletedUntilMs)}))`
  const rows = await engine.db
    .select()
    .from(loggedModels)
    .where(
      and(
        ids && equalsAny(loggedModels.modelId, ids),
        experimentId === undefined ? undefined : eq(loggedModels.experimentId, experimentId),
        anyStage ? undefined : isDue,
        after === undefined ? undefined : gt(loggedModels.modelId, after),
      ),
    )
    .orderBy(asc(loggedModels.modelId))
    .limit(limit)
  return rows.map((row) => ({
    id: row.modelId,
    name: row.name,
    experimentId: row.experimentId,
    stage: row.lifecycleStage,
    deletedMs: row.lastUpdatedTimestampMs,
    artifactUri: row.artifactLocation,
  }))
}

/**
 * Begins the deletion of a model for good, if it is still as it was seen. From now on nobody finds it.
 * @returns whether it has begun, by whomever
 */
export async function takeModel(engine: Engine, { id, stage, deletedMs }: DoomedRow): Promise<boolean> {
  const isSeen = sql`lifecycle_stage = ${stage} AND last_updated_timestamp_ms = ${deletedMs}::bigint`
  const [row] = await engine.db
    .update(loggedModels)
    .set(changesIf(loggedModels, isSeen, { lifecycleStage: 'deleting' }))
    .where(eq(loggedModels.modelId, id))
    .returning({ stage: loggedModels.lifecycleStage })
  return row?.stage === 'deleting'
}

/** How many rows belong to each of the models, by model; with its own. */
export const countModelRows = (engine: Engine, modelIds: readonly string[]): Promise<Map<string, number>> =>
  countOwned(engine, [...BELONGINGS, OWN], modelIds)

/** Deletes models whose deletion has begun. Repeatable. @throws TEMPORARILY_UNAVAILABLE when rows stay */
export async function removeModels(engine: Engine, modelIds: readonly string[]): Promise<void> {
  await deleteOwned(engine, BELONGINGS, modelIds)
  await deleteOwned(engine, [{ ...OWN, where: eq(loggedModels.lifecycleStage, 'deleting') }], modelIds)
}

/** Deletes what creations of models left in an experiment that were never finished: they have no row. */
export async function removeModelRemains(engine: Engine, experimentId: string): Promise<void> {
  await deleteOwned(
    engine,
    [loggedModelParams, loggedModelTags, loggedModelMetrics].map((table) => ({
      table,
      of: table.experimentId,
    })),
    [experimentId],
  )
}
