// Statements over evaluation datasets, their tags and experiments. Records are in records.store.ts, the search in search.store.ts.
import { and, asc, eq, getTableColumns, sql } from 'drizzle-orm'
import { createUpsert, keepStored, takeNew, upsertRows, writeInOrder } from '../../platform/database/bulk.ts'
import { ownedBy } from '../../platform/database/children.ts'
import { changesIf, equalsAny } from '../../platform/database/columns.ts'
import { deleteOwned } from '../../platform/database/deletion.ts'
import type { Engine } from '../../platform/database/engine.ts'
import {
  type DatasetExperimentRow,
  type DatasetTagRow,
  type EvaluationDatasetRow,
  evaluationDatasetExperiments as experiments,
  evaluationDatasetRecords as records,
  evaluationDatasets as table,
  evaluationDatasetTags as tags,
} from './tables.ts'

/** Inserts a dataset under an id of its own, its row last, so that nothing is seen of half a dataset. */
export async function insertDataset(
  engine: Engine,
  dataset: { row: EvaluationDatasetRow; tags: DatasetTagRow[]; experiments: DatasetExperimentRow[] },
): Promise<void> {
  await writeInOrder(engine, [
    [
      createUpsert(engine, tags, { onConflict: takeNew(tags.value) })(dataset.tags),
      createUpsert(engine, experiments, { onConflict: keepStored(experiments.createdTimeMs) })(
        dataset.experiments,
      ),
    ],
    [createUpsert(engine, table, { onConflict: keepStored(table.name) })([dataset.row])],
  ])
}

/** The dataset by primary key. */
export async function findDataset(
  engine: Engine,
  datasetId: string,
): Promise<EvaluationDatasetRow | undefined> {
  const [row] = await engine.db.select().from(table).where(eq(table.datasetId, datasetId))
  return row
}

/** Sets the time of the last change. @returns the changed row; undefined when there is none */
export async function touchDataset(
  engine: Engine,
  datasetId: string,
  nowMs: number,
): Promise<EvaluationDatasetRow | undefined> {
  const [row] = await engine.db
    .update(table)
    .set({ lastUpdateTimeMs: nowMs })
    .where(eq(table.datasetId, datasetId))
    .returning()
  return row
}

/** What a change of records changes of their dataset. */
export type DatasetChanges = Partial<
  Pick<EvaluationDatasetRow, 'schema' | 'numRecords' | 'digest' | 'lastUpdateTimeMs' | 'lastUpdatedBy'>
>

/**
 * Changes the dataset if its records have not changed it since it was seen.
 * @returns whether it did
 */
export async function changeDataset(
  engine: Engine,
  seen: EvaluationDatasetRow,
  changes: DatasetChanges & { writeId: string },
): Promise<boolean> {
  const [row] = await engine.db
    .update(table)
    .set(changesIf(table, sql`write_id = ${seen.writeId}`, changes))
    .where(eq(table.datasetId, seen.datasetId))
    .returning({ writeId: table.writeId })
  return row?.writeId === changes.writeId
}

/** Deletes the row of a dataset, if there is one. */
export async function deleteDatasetRow(engine: Engine, datasetId: string): Promise<void> {
  await engine.execute(sql`DELETE FROM ${table} WHERE ${eq(table.datasetId, datasetId)}`)
}

/** Removes what a deleted dataset leaves. May be repeated; nothing shows what a crash leaves. */
export async function removeContents(engine: Engine, datasetId: string): Promise<void> {
  await engine.refresh(records, tags, experiments)
  await Promise.all(
    [records, tags, experiments].map((content) =>
      engine.execute(sql`DELETE FROM ${content} WHERE dataset_id = ${datasetId}`),
    ),
  )
}

/** Sets tags with distinct keys. */
export async function upsertTags(engine: Engine, rows: DatasetTagRow[]): Promise<void> {
  await upsertRows(engine, tags, rows, { onConflict: takeNew(tags.value) })
}

/** Deletes a tag if there is one. */
export async function deleteTag(engine: Engine, datasetId: string, key: string): Promise<void> {
  await engine.execute(
    sql`DELETE FROM ${tags} WHERE ${and(eq(tags.datasetId, datasetId), eq(tags.key, key))}`,
  )
}

/** Tags of the datasets, by key. Passes the refresh gate. */
export async function findTags(engine: Engine, datasetIds: string[]): Promise<Map<string, DatasetTagRow[]>> {
  const byDataset = new Map<string, DatasetTagRow[]>(datasetIds.map((id) => [id, []]))
  if (datasetIds.length === 0) return byDataset
  await engine.refresh(tags)
  const ofDatasets = ownedBy(engine.dialect, { table: tags, of: tags.datasetId }, datasetIds)
  const rows = await engine.db
    .select(getTableColumns(tags))
    .from(ofDatasets.from)
    .where(ofDatasets.where)
    .orderBy(asc(tags.key))
  for (const row of rows) byDataset.get(row.datasetId)?.push(row)
  return byDataset
}

/** Adds experiments, none of them twice; those that are there stay as they are. */
export async function upsertExperiments(engine: Engine, rows: DatasetExperimentRow[]): Promise<void> {
  await upsertRows(engine, experiments, rows, { onConflict: keepStored(experiments.createdTimeMs) })
}

/** Ids of the dataset's experiments, the first that was added first. Passes the refresh gate. */
export async function findExperimentIds(engine: Engine, datasetId: string): Promise<string[]> {
  await engine.refresh(experiments)
  const rows = await engine.db
    .select({ experimentId: experiments.experimentId })
    .from(experiments)
    .where(eq(experiments.datasetId, datasetId))
    .orderBy(asc(experiments.createdTimeMs), asc(experiments.experimentId))
  return rows.map(({ experimentId }) => experimentId)
}

/** @returns how many of the experiments had been the dataset's */
export async function deleteExperiments(
  engine: Engine,
  datasetId: string,
  experimentIds: string[],
): Promise<number> {
  if (experimentIds.length === 0) return 0
  await engine.refresh(experiments)
  const { rowCount } = await engine.execute(
    sql`DELETE FROM ${experiments} WHERE ${and(eq(experiments.datasetId, datasetId), equalsAny(experiments.experimentId, experimentIds))}`,
  )
  return rowCount
}

/** Takes an experiment that is deleted for good from all datasets. Repeatable. @returns how many rows went */
export const removeExperimentFromDatasets = (engine: Engine, experimentId: string): Promise<number> =>
  deleteOwned(engine, [{ table: experiments, of: experiments.experimentId }], [experimentId])
