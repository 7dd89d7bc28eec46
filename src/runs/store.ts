// Statements over runs and what a page of runs shows: params, tags, latest metrics.
import { and, type Column, eq, ne, or, sql } from 'drizzle-orm'
import { equalsAny, equalsAnyKey, padKeys } from '../database/columns.ts'
import type { Engine } from '../database/engine.ts'
import { unavailable } from '../errors.ts'
import type { Metric } from '../metrics/schema.ts'
import { latestMetrics } from '../metrics/tables.ts'
import type { Int64 } from '../wire/int64.ts'
import { params, type RunRow, runs, tags } from './tables.ts'

/**
 * Returns the reader of runs by primary key: it sees every acknowledged write and takes up to 64 ids. Ingest asks
 * for it with every request, so its statements' texts are made once per number of ids.
 */
export function createRunFinder(engine: Engine): (runIds: string[]) => Promise<Map<string, RunRow>> {
  const prepare = (size: number) =>
    engine.db
      .select()
      .from(runs)
      .where(or(...Array.from({ length: size }, (_, i) => eq(runs.runId, sql.placeholder(`id${i}`)))))
      .prepare(`runs_by_${size}_ids`)
  const bySize = new Map<number, ReturnType<typeof prepare>>()
  return async (runIds) => {
    const keys = padKeys(runIds)
    const query = bySize.get(keys.length) ?? prepare(keys.length)
    bySize.set(keys.length, query)
    const rows = await query.execute(Object.fromEntries(keys.map((key, i) => [`id${i}`, key])))
    return new Map(rows.map((row) => [row.runId, row]))
  }
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
  metrics: Metric[]
  params: KeyValue[]
  tags: KeyValue[]
}

interface KeyValue {
  key: string
  value: string
}

/** Tables that `findRunContents` scans; pass them through the refresh gate before. */
export const runContentTables = [latestMetrics, params, tags]

/**
 * Latest metrics, params and tags of the runs in key order: three statements, however many runs. Rows are sorted
 * here and read without drizzle's mapping, since a page of runs may have some hundred thousand of them.
 */
export async function findRunContents(engine: Engine, runIds: string[]): Promise<Map<string, RunContents>> {
  const contents = new Map<string, RunContents>(
    runIds.map((id) => [id, { metrics: [], params: [], tags: [] }]),
  )
  if (runIds.length === 0) return contents
  const read = (table: typeof latestMetrics | typeof params | typeof tags, ...columns: Column[]) => {
    const ofRuns = runIds.length === 1 ? eq(table.runId, runIds[0] as string) : equalsAny(table.runId, runIds)
    const names = [table.runId, table.key, table.value, ...columns].map(({ name }) => sql.identifier(name))
    return engine.rows(sql`SELECT ${sql.join(names, sql`, `)} FROM ${table} WHERE ${ofRuns}`)
  }
  const { timestamp, step, isNan } = latestMetrics
  const [metricRows, paramRows, tagRows] = await Promise.all([
    read(latestMetrics, timestamp, step, isNan),
    read(params),
    read(tags),
  ])
  for (const row of metricRows as MetricFields[]) contents.get(row[0])?.metrics.push(fieldsToMetric(row))
  for (const [runId, key, value] of paramRows as TextFields[])
    contents.get(runId)?.params.push({ key, value })
  for (const [runId, key, value] of tagRows as TextFields[]) contents.get(runId)?.tags.push({ key, value })
  for (const run of contents.values()) for (const rows of Object.values(run)) rows.sort(byKey)
  return contents
}

type TextFields = [runId: string, key: string, value: string]
type Integer = string | number | bigint
type MetricFields = [...TextFields, timestamp: Integer, step: Integer, isNan: boolean]

const fieldsToMetric = ([, key, value, timestamp, step, isNan]: MetricFields): Metric => ({
  key,
  value: isNan ? 'NaN' : Number(value),
  timestamp: latestMetrics.timestamp.mapFromDriverValue(timestamp) as Int64,
  step: latestMetrics.step.mapFromDriverValue(step) as Int64,
})

const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1)

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
