// Statements over experiments and their tags. Reads by id go by primary key unless said otherwise.
import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import { unavailable } from '../../errors.ts'
import { takeNew, upsertRows } from '../../platform/database/bulk.ts'
import { ownedBy } from '../../platform/database/children.ts'
import { changesIf, equalsAny } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { NameOwner } from '../../platform/database/name-claims.ts'
import type { ViewType } from './schema.ts'
import { type ExperimentRow, experiments, experimentTags } from './tables.ts'

export type Lifecycle = 'active' | 'deleted'

/** The lifecycle stages of a view type. */
export const stagesOf = (viewType: ViewType): Lifecycle[] =>
  viewType === 'ALL' ? ['active', 'deleted'] : [viewType === 'DELETED_ONLY' ? 'deleted' : 'active']

/** The row of a named experiment in any lifecycle stage; sees every acknowledged write. */
export async function findExperiment(
  engine: Engine,
  experimentId: string,
): Promise<ExperimentRow | undefined> {
  const row = await engine.rowCache(experiments).get(experimentId, async () => {
    const [read] = await engine.db
      .select()
      .from(experiments)
      .where(eq(experiments.experimentId, experimentId))
    return read
  })
  return row?.name == null ? undefined : row
}

/** The stage that clients see. */
export const lifecycleOf = ({ lifecycleStage }: ExperimentRow): Lifecycle =>
  lifecycleStage === 'active' ? 'active' : 'deleted'

/** Its deletion for good has begun: nobody finds it any more, though its name is not free yet. */
export const isGoing = (row: ExperimentRow): boolean => row.lifecycleStage === 'deleting'

/** The rows of the named experiments among these ids. Passes the refresh gate. */
export async function findExperiments(engine: Engine, experimentIds: string[]): Promise<ExperimentRow[]> {
  if (experimentIds.length === 0) return []
  await engine.refresh(experiments)
  const isOneOf = equalsAny(experiments.experimentId, experimentIds)
  const rows = await engine.db.select().from(experiments).where(isOneOf)
  return rows.filter((row) => row.name !== null && !isGoing(row))
}

/** @returns whether the row was inserted: false when the id was fenced off or is taken */
export async function insertExperiment(engine: Engine, row: ExperimentRow): Promise<boolean> {
  const inserted = await engine.db
    .insert(experiments)
    .values(row)
    .onConflictDoNothing()
    .returning({ experimentId: experiments.experimentId })
  if (inserted.length === 1) return true
  // CrateDB repeats an insert whose node dies, and then meets the row that it has made itself.
  return row.name !== null && (await findExperiment(engine, row.experimentId))?.name === row.name
}

/**
 * Switches the name while the fence is still the one under which the name was claimed, and raises the fence: of the
 * renames that began at the same time one holds.
 * @returns whether the experiment carries the new name now
 */
export async function renameExperiment(
  engine: Engine,
  { experimentId, name, fence, nowMs }: { experimentId: string; name: string; fence: number; nowMs: number },
): Promise<boolean> {
  const changes = { name, nameFence: fence + 1, lastUpdateTimeMs: nowMs }
  const [row] = await engine.rowCache(experiments).changing(experimentId, () =>
    engine.db
      .update(experiments)
      .set(changesIf(experiments, sql`name_fence = ${fence}`, changes))
      .where(eq(experiments.experimentId, experimentId))
      .returning({ name: experiments.name }),
  )
  return row?.name === name
}

/**
 * Begins to restore a deleted experiment: from now on its deletion for good cannot begin, until it is restored. One whose restoring was
 * begun, and broken off by a crash, is still deleted for whoever asks.
 * @throws TEMPORARILY_UNAVAILABLE when its deletion for good was faster: a retry does not find it any more
 */
export async function beginRestore(engine: Engine, experimentId: string): Promise<void> {
  const isDeleted = sql`lifecycle_stage = 'deleted'`
  const [row] = await engine.rowCache(experiments).changing(experimentId, () =>
    engine.db
      .update(experiments)
      .set(changesIf(experiments, isDeleted, { lifecycleStage: 'restoring' }))
      .where(eq(experiments.experimentId, experimentId))
      .returning({ stage: experiments.lifecycleStage }),
  )
  if (!row || row.stage === 'deleting')
    throw unavailable('The experiment is being deleted for good. Please retry.')
}

/** @throws TEMPORARILY_UNAVAILABLE when its deletion for good has begun: a retry does not find it any more */
export async function setExperimentLifecycle(
  engine: Engine,
  experimentId: string,
  lifecycleStage: Lifecycle,
  nowMs: number,
): Promise<void> {
  const changes = { lifecycleStage, lastUpdateTimeMs: nowMs }
  const [row] = await engine.rowCache(experiments).changing(experimentId, () =>
    engine.db
      .update(experiments)
      .set(changesIf(experiments, sql`lifecycle_stage <> 'deleting'`, changes))
      .where(eq(experiments.experimentId, experimentId))
      .returning({ stage: experiments.lifecycleStage }),
  )
  if (row?.stage !== lifecycleStage) throw unavailable('The database did not take the change. Please retry.')
}

/** How experiments take part in the claiming of names. */
export const experimentNames = (engine: Engine): NameOwner => ({
  scope: 'experiment',
  nameOf: async (experimentId) => (await findExperiment(engine, experimentId))?.name ?? undefined,
  raiseFence: async (experimentId) => {
    const abandoned = {
      experimentId,
      name: null,
      nameFence: 1,
      artifactLocation: null,
      lifecycleStage: 'deleted',
      creationTimeMs: 0,
      lastUpdateTimeMs: 0,
    }
    if (await insertExperiment(engine, abandoned)) return undefined
    const [row] = await engine
      .rowCache(experiments)
      .changing(experimentId, () =>
        engine.db
          .update(experiments)
          .set({ nameFence: sql`name_fence + 1` })
          .where(eq(experiments.experimentId, experimentId))
          .returning({ name: experiments.name }),
      )
    return row?.name ?? undefined
  },
})

type Tag = { key: string; value: string }

/** Tags of the experiments, by key. Passes the refresh gate. */
export async function findExperimentTags(
  engine: Engine,
  experimentIds: string[],
): Promise<Map<string, Tag[]>> {
  const byExperiment = new Map<string, Tag[]>(experimentIds.map((id) => [id, []]))
  if (experimentIds.length === 0) return byExperiment
  await engine.refresh(experimentTags)
  const table = experimentTags
  const ofExperiments = ownedBy(engine.dialect, { table, of: table.experimentId }, experimentIds)
  const rows = await engine.db
    .select(getTableColumns(table))
    .from(ofExperiments.from)
    .where(ofExperiments.where)
    .orderBy(experimentTags.experimentId, experimentTags.key)
  for (const { experimentId, key, value } of rows) byExperiment.get(experimentId)?.push({ key, value })
  return byExperiment
}

export async function upsertExperimentTags(engine: Engine, experimentId: string, tags: Tag[]): Promise<void> {
  const distinct = [...new Map(tags.map((tag) => [tag.key, tag])).values()]
  const rows = distinct.map(({ key, value }) => ({ experimentId, key, value }))
  await upsertRows(engine, experimentTags, rows, { onConflict: takeNew(experimentTags.value) })
}

/** @returns whether there was such a tag */
export async function deleteExperimentTag(
  engine: Engine,
  experimentId: string,
  key: string,
): Promise<boolean> {
  const isTag = and(eq(experimentTags.experimentId, experimentId), eq(experimentTags.key, key))
  const find = () => engine.db.select({ key: experimentTags.key }).from(experimentTags).where(isTag)
  if ((await find()).length === 0) return false
  await engine.execute(sql`DELETE FROM experiment_tags WHERE ${isTag}`)
  // As with the tags of runs, the number of rows does not tell.
  if ((await find()).length === 0) return true
  throw unavailable('The database did not take the change. Please retry.')
}
