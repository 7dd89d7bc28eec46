// Statements over runs and what a page of runs shows: params, tags, latest metrics.
import { and, asc, eq, ne, sql } from 'drizzle-orm'
import { equalsAny, equalsAnyKey } from '../database/columns.ts'
import type { Engine } from '../database/engine.ts'
import { unavailable } from '../errors.ts'
import { type LatestMetricRow, latestMetrics } from '../metrics/tables.ts'
import { type ParamRow, params, type RunRow, runs, type TagRow, tags } from './tables.ts'

/** Runs by primary key: sees every acknowledged write. Takes up to 64 ids. */
export async function findRuns(engine: Engine, runIds: string[]): Promise<Map<string, RunRow>> {
  const rows = await engine.db.select().from(runs).where(equalsAnyKey(runs.runId, runIds))
  return new Map(rows.map((row) => [row.runId, row]))
}

export async function insertRun(engine: Engine, row: RunRow): Promise<void> {
  await engine.db.insert(runs).values(row)
}

export type RunChanges = Partial<
  Pick<RunRow, 'status' | 'endTime' | 'runName' | 'lifecycleStage' | 'deletedTimeMs'>
>

/** @returns the changed row of a run that is known to exist */
export async function updateRun(engine: Engine, runId: string, changes: RunChanges): Promise<RunRow> {
  const [row] = await engine.db.update(runs).set(changes).where(eq(runs.runId, runId)).returning()
  if (!row) throw unavailable('The database did not take the change. Please retry.')
  return row
}

/** Deletes or restores every run of an experiment that is acknowledged by now. Repeatable. */
export async function setRunsLifecycle(
  engine: Engine,
  experimentId: string,
  lifecycleStage: 'active' | 'deleted',
  nowMs: number,
): Promise<void> {
  await engine.refresh(runs)
  await engine.db
    .update(runs)
    .set({ lifecycleStage, deletedTimeMs: lifecycleStage === 'deleted' ? nowMs : null })
    .where(eq(runs.experimentId, experimentId))
  // CrateDB reports success though a shard that is away kept some rows from the change.
  await engine.refresh(runs)
  const [left] = await engine.db
    .select({ runId: runs.runId })
    .from(runs)
    .where(and(eq(runs.experimentId, experimentId), ne(runs.lifecycleStage, lifecycleStage)))
    .limit(1)
  if (left) throw unavailable('The database did not take all changes. Please retry.')
}

export interface RunContents {
  metrics: LatestMetricRow[]
  params: ParamRow[]
  tags: TagRow[]
}

/** Tables that `findRunContents` scans; pass them through the refresh gate before. */
export const runContentTables = [latestMetrics, params, tags]

/** Latest metrics, params and tags of the runs in key order: three statements, however many runs. */
export async function findRunContents(engine: Engine, runIds: string[]): Promise<Map<string, RunContents>> {
  const contents = new Map<string, RunContents>(
    runIds.map((id) => [id, { metrics: [], params: [], tags: [] }]),
  )
  if (runIds.length === 0) return contents
  const ofRuns = <T extends typeof latestMetrics | typeof params | typeof tags>(table: T) =>
    runIds.length === 1 ? eq(table.runId, runIds[0] as string) : equalsAny(table.runId, runIds)
  const [metricRows, paramRows, tagRows] = await Promise.all([
    engine.db.select().from(latestMetrics).where(ofRuns(latestMetrics)).orderBy(asc(latestMetrics.key)),
    engine.db.select().from(params).where(ofRuns(params)).orderBy(asc(params.key)),
    engine.db.select().from(tags).where(ofRuns(tags)).orderBy(asc(tags.key)),
  ])
  for (const row of metricRows) contents.get(row.runId)?.metrics.push(row)
  for (const row of paramRows) contents.get(row.runId)?.params.push(row)
  for (const row of tagRows) contents.get(row.runId)?.tags.push(row)
  return contents
}

/** Values of the run's params among the keys, by primary key. Takes up to 100 keys. */
export async function findParams(
  engine: Engine,
  runId: string,
  keys: string[],
): Promise<Map<string, string>> {
  if (keys.length === 0) return new Map()
  const rows = await engine.db
    .select({ key: params.key, value: params.value })
    .from(params)
    .where(and(eq(params.runId, runId), equalsAnyKey(params.key, keys)))
  return new Map(rows.map(({ key, value }) => [key, value]))
}

/** The value of one tag, by primary key. */
export async function findTag(engine: Engine, runId: string, key: string): Promise<string | undefined> {
  const [row] = await engine.db
    .select({ value: tags.value })
    .from(tags)
    .where(and(eq(tags.runId, runId), eq(tags.key, key)))
  return row?.value
}

/** @returns whether there was such a tag */
export async function deleteTag(engine: Engine, runId: string, key: string): Promise<boolean> {
  const { rowCount } = await engine.execute(
    sql`DELETE FROM tags WHERE ${and(eq(tags.runId, runId), eq(tags.key, key))}`,
  )
  return rowCount > 0
}
