// Statements over the records of evaluation datasets.
import { and, asc, count, eq, gt, type SQL, sql } from 'drizzle-orm'
import { upsertRows } from '../../platform/database/bulk.ts'
import { equalsAny, excluded } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { type DatasetRecordRow, evaluationDatasetRecords as table } from './tables.ts'

/** As many ids as go into a read by primary key. */
const KEYS_AT_ONCE = 100

/** The records by primary key: sees every acknowledged write. */
export async function findRecords(
  engine: Engine,
  datasetId: string,
  recordIds: string[],
): Promise<Map<string, DatasetRecordRow>> {
  const isFew = recordIds.length <= KEYS_AT_ONCE
  if (!isFew) await engine.refresh(table)
  const isOneOf = (isFew ? engine.dialect.anyKey : equalsAny)(table.datasetRecordId, recordIds)
  const rows = await engine.db
    .select()
    .from(table)
    .where(and(eq(table.datasetId, datasetId), isOneOf))
  return new Map(rows.map((row) => [row.datasetRecordId, row]))
}

const CHANGING = [
  table.outputs,
  table.expectations,
  table.tags,
  table.lastUpdateTimeMs,
  table.lastUpdatedBy,
  table.revision,
  table.writeId,
]

/** The stored row changes if the new one was made of it. */
function takeNext({ dialect }: Engine): SQL {
  const isNext = sql`${dialect.stored(table.revision)} = ${excluded(table.revision)} - 1`
  const changes = CHANGING.map(
    (column) =>
      sql`${sql.identifier(column.name)} = CASE WHEN ${isNext} THEN ${excluded(column)} ELSE ${dialect.stored(column)} END`,
  )
  return sql.join(changes, sql`, `)
}

/**
 * Writes rows, each with a revision one behind that of the stored row it was made of, 1 for a new one. Ids must be
 * distinct, and `writeId` of this call alone.
 * @returns the ids of the rows that hold; another change was faster with the rest, which must be made anew
 */
export async function writeRecords(
  engine: Engine,
  rows: DatasetRecordRow[],
  writeId: string,
): Promise<Set<string>> {
  const written = await upsertRows(engine, table, rows, {
    onConflict: takeNext,
    returning: [table.datasetRecordId, table.writeId],
  })
  return new Set(written.flatMap((row) => (row.write_id === writeId ? [`${row.dataset_record_id}`] : [])))
}

/** A page of records in the order of their places, from behind a place or after so many. Call `refreshRecords` before. */
export async function listRecords(
  engine: Engine,
  datasetId: string,
  page: { after: string | undefined; offset: number; limit: number },
): Promise<DatasetRecordRow[]> {
  return engine.db
    .select()
    .from(table)
    .where(
      and(eq(table.datasetId, datasetId), page.after === undefined ? undefined : gt(table.place, page.after)),
    )
    .orderBy(asc(table.place))
    .limit(page.limit)
    .offset(page.offset)
}

/** Passes the refresh gate of the records. */
export const refreshRecords = (engine: Engine): Promise<void> => engine.refresh(table)

/** How many records the dataset has, every acknowledged one among them. */
export async function countRecords(engine: Engine, datasetId: string): Promise<number> {
  await engine.refresh(table)
  const [row] = await engine.db.select({ records: count() }).from(table).where(eq(table.datasetId, datasetId))
  return Number(row?.records ?? 0)
}

/** @returns how many of the records there were */
export async function deleteRecords(engine: Engine, datasetId: string, recordIds: string[]): Promise<number> {
  if (recordIds.length === 0) return 0
  await engine.refresh(table)
  const { rowCount } = await engine.execute(
    sql`DELETE FROM ${table} WHERE ${and(eq(table.datasetId, datasetId), equalsAny(table.datasetRecordId, recordIds))}`,
  )
  return rowCount
}
