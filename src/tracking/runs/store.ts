// Statements over runs and what a page of runs shows: params, tags, latest metrics.
import { and, type Column, eq, ne, or, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { unavailable } from '../../errors.ts'
import { ownedBy } from '../../platform/database/children.ts'
import { changesIf, padKeys } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { fieldsToMetric, type Metric } from '../metrics/schema.ts'
import { latestMetrics } from '../metrics/tables.ts'
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
    return new Map(rows.filter((row) => !isGoing(row)).map((row) => [row.runId, row]))
  }
}

/** Its deletion for good has begun: nobody finds it any more. */
const isGoing = (row: RunRow) => row.lifecycleStage === 'deleting'

/** In SET, since a run may begin to go after it was looked at. */
const STAYS = sql`lifecycle_stage <> 'deleting'`

export type RunChanges = Partial<
  Pick<RunRow, 'status' | 'endTime' | 'runName' | 'lifecycleStage' | 'deletedTimeMs'>
>

/** @returns the changed row of a run that is known to exist; undefined when its deletion for good has begun */
export async function updateRun(
  engine: Engine,
  runId: string,
  changes: RunChanges,
): Promise<RunRow | undefined> {
  const set = changes.lifecycleStage === undefined ? changes : changesIf(runs, STAYS, changes)
  const [row] = await engine
    .rowCache(runs)
    .changing(runId, () => engine.db.update(runs).set(set).where(eq(runs.runId, runId)).returning())
  if (!row) throw unavailable('The database did not take the change. Please retry.')
  return isGoing(row) ? undefined : row
}

/** How many runs that a change has left out are looked at, to see whether it goes on. */
const LEFT_OUT = 1000

/**
 * Deletes or restores every run of an experiment that is acknowledged by now, or those alone that another stage is
 * left to. Repeatable.
 * @throws TEMPORARILY_UNAVAILABLE when the database keeps runs from the change
 */
export async function setRunsLifecycle(
  engine: Engine,
  experimentId: string,
  lifecycleStage: 'active' | 'deleted',
  nowMs: number,
  which: 'all' | 'left',
): Promise<void> {
  const isOfExperiment = and(eq(runs.experimentId, experimentId), ne(runs.lifecycleStage, 'deleting'))
  const isLeft = and(isOfExperiment, ne(runs.lifecycleStage, lifecycleStage))
  const changes = { lifecycleStage, deletedTimeMs: lifecycleStage === 'deleted' ? nowMs : null }
  const set = changesIf(runs, STAYS, changes)
  const change = async (rows: SQL | undefined) => {
    await engine.refresh(runs)
    await engine.rowCache(runs).changing(undefined, () => engine.db.update(runs).set(set).where(rows))
    await engine.refresh(runs)
    const left = await engine.db.select({ runId: runs.runId }).from(runs).where(isLeft).limit(LEFT_OUT)
    return left.map(({ runId }) => runId)
  }
  const left = await change(which === 'all' ? isOfExperiment : isLeft)
  if (left.length === 0) return
  // They were made meanwhile, or CrateDB reports success though a shard that is away kept them from the change.
  const known = new Set(left)
  const again = await change(isLeft)
  if (again.length === LEFT_OUT || again.some((runId) => known.has(runId)))
    throw unavailable('The database did not take all changes. Please retry.')
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

/** Tables that a `createContentsReader` scans; pass them through the refresh gate before. */
export const runContentTables = [latestMetrics, params, tags]

/** Returns the reader of runs' latest metrics, params and tags, in key order: three statements, however many runs. */
export function createContentsReader(
  engine: Engine,
): (runIds: string[]) => Promise<Map<string, RunContents>> {
  const { key, value, timestamp, step, isNan } = latestMetrics
  const readMetrics = createPackedReader(engine, latestMetrics, [key, value, timestamp, step, isNan])
  const readParams = createPackedReader(engine, params, [params.key, params.value])
  const readTags = createPackedReader(engine, tags, [tags.key, tags.value])
  return async (runIds) => {
    const contents = new Map<string, RunContents>(
      runIds.map((id) => [id, { metrics: [], params: [], tags: [] }]),
    )
    if (runIds.length === 0) return contents
    const ids = [...contents.keys()]
    const [metricRows, paramRows, tagRows] = await Promise.all([
      readMetrics(ids),
      readParams(ids),
      readTags(ids),
    ])
    for (const [runId, fields] of metricRows) {
      const list = contents.get(runId)?.metrics
      for (let i = 0; i < fields.length; i += 5) {
        const [key = '', value = '', timestamp = '', step = '', isNan = ''] = fields.slice(i, i + 5)
        list?.push(fieldsToMetric(key, [value, timestamp, step, isNan.startsWith('t')]))
      }
    }
    for (const [runId, fields] of paramRows) pushPairs(contents.get(runId)?.params, fields)
    for (const [runId, fields] of tagRows) pushPairs(contents.get(runId)?.tags, fields)
    for (const run of contents.values()) for (const rows of Object.values(run)) rows.sort(byKey)
    return contents
  }
}

function pushPairs(list: KeyValue[] | undefined, fields: string[]): void {
  for (let i = 0; i < fields.length; i += 2) {
    list?.push({ key: fields[i] as string, value: fields[i + 1] as string })
  }
}

const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1)

/**
 * The columns of all rows of each run, one after the other. They leave the database as one text per run: a page
 * of runs may have some hundred thousand rows, and a row costs both sides more than what is in it. The statements' texts are made once.
 */
function createPackedReader(
  engine: Engine,
  table: typeof latestMetrics | typeof params | typeof tags,
  columns: Column[],
): (runIds: string[]) => Promise<[runId: string, fields: string[]][]> {
  const fields = columns.map((column) =>
    column.getSQLType() === 'text' ? escaped(column) : sql`${column}::text`,
  )
  const prepare = ({ from, where }: { from: PgTable; where: SQL | undefined }) =>
    engine.prepare(sql`SELECT run_id, string_agg(${sql.join(fields, sql` || chr(2) || `)}, chr(2))
      FROM ${from} ${where && sql`WHERE ${where}`} GROUP BY run_id`)
  const ofOne = prepare({ from: table, where: eq(table.runId, sql.placeholder('id')) })
  const ofMany = prepare(ownedBy(engine.dialect, { table, of: table.runId }, sql.placeholder('ids')))
  return async (ids) => {
    const rows = await engine.rows(ids.length === 1 ? ofOne({ id: ids[0] }) : ofMany({ ids }))
    return (rows as [string, string][]).map(([runId, text]) => [runId, text.split('\u0002').map(unescaped)])
  }
}

/** Frees the text of the separator U+0002, with U+0001 in front of what stands for it. */
const escaped = (column: Column) =>
  sql`replace(replace(${column}, chr(1), chr(1) || '1'), chr(2), chr(1) || '2')`

const unescaped = (field: string): string =>
  field.includes('\u0001') ? field.replaceAll('\u00012', '\u0002').replaceAll('\u00011', '\u0001') : field

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
  if ((await findTag(engine, runId, key)) === undefined) return false
  await engine.execute(sql`DELETE FROM tags WHERE ${and(eq(tags.runId, runId), eq(tags.key, key))}`)
  // CrateDB repeats a delete whose node dies: the number of rows it reports does not tell whether there was one.
  if ((await findTag(engine, runId, key)) === undefined) return true
  throw unavailable('The database did not take the change. Please retry.')
}
