// Keeps each metric's newest point: with its history, or, where one process has the database to itself, behind it.
import { type SQL, sql } from 'drizzle-orm'
import { unavailable } from '../../errors.ts'
import {
  type BulkWrite,
  comesFirst,
  createUpsert,
  inKeyOrder,
  keepStored,
  takeNew,
  writeAll,
} from '../../platform/database/bulk.ts'
import { equalsAny, excluded } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { idOf, storedIdOf } from '../../platform/wire/ids.ts'
import { type LatestMetricRow, latestMetrics, latestMetricsDue, metrics } from '../metrics/tables.ts'

const { runId, step, timestamp, value, isNan } = latestMetrics
/** The columns that a newer point replaces. */
const POINT = [value, timestamp, step, isNan]

/** How long points may wait: those of a training loop that come meanwhile cost no row of their own. */
const WAIT_MS = 1000
/** Points from which on they are written at once, beside new ones. */
const MANY_WAITING = 8_000
/** Points that wait at most, which takes a reader some 200 ms. */
const MAX_WAITING = 16_000
/** Points per statement while others want the database, too. */
const CHUNK = 2_000

/** How a flush of the ingest path keeps the newest points. */
export interface LatestMetricsWriter {
  /** What to write with the histories of which these are the newest points, one per key. */
  writes(newest: LatestMetricRow[]): BulkWrite[]
  /** Call when all of that is acknowledged, with the rows that the writes answered. One flush at a time. */
  settle(newest: LatestMetricRow[], stored: Record<string, unknown>[][]): Promise<void>
  /** Call instead when a write failed: its rows may be there all the same. */
  abandon(): void
}

/**
 * Returns the writer of a server. Where the engine lets writes wait, points wait until somebody reads, a second at
 * most, and only the last of a key is written. Their runs are marked in `latest_metrics_due` in the statement
 * that writes the histories, so that a process that was killed finds out from the histories what it still owed.
 */
export function createLatestMetricsWriter(engine: Engine): LatestMetricsWriter {
  const upserts = createUpserts(engine)
  const atOnce: LatestMetricsWriter = {
    writes: upserts.writes,
    settle: upserts.settleTies,
    abandon: () => {},
  }
  return createDeferred(engine, upserts) ?? atOnce
}

type Upserts = ReturnType<typeof createUpserts>

function createUpserts(engine: Engine) {
  const isNew = comesFirst(idOf)
  const upsertLater = createUpsert(engine, latestMetrics, {
    onConflict: (on) => takeWhere(on, isLaterStep(on)),
    returning: [runId, latestMetrics.key, step, timestamp, value],
    isNew,
  })
  const upsertNewest = createUpsert(engine, latestMetrics, {
    onConflict: (on) => takeWhere(on, isNewerPoint(on)),
    isNew,
  })
  const isStepped = (point: LatestMetricRow) => point.step !== 0
  return {
    writes: (newest: LatestMetricRow[]): BulkWrite[] => [
      upsertLater(newest.filter(isStepped)),
      // Points without a step usually meet their like.
      upsertNewest(newest.filter((point) => !isStepped(point))),
    ],
    async settleTies(newest: LatestMetricRow[], [stored = []]: Record<string, unknown>[][]): Promise<void> {
      const overtaken = findTied(newest.filter(isStepped), stored)
      if (overtaken.length > 0) await writeAll(engine, [upsertNewest(overtaken)])
    },
  }
}

function createDeferred(engine: Engine, upserts: Upserts): LatestMetricsWriter | undefined {
  const waiting = new Map<string, LatestMetricRow>()
  /** Runs that have a mark in the database. */
  const marked = new Set<string>()
  /** Runs of the flush that is under way: its points will wait, under the mark that is there now. */
  let flushing: readonly string[] = []
  let timer: NodeJS.Timeout | undefined
  let recovered: Promise<void> | undefined
  let writing = Promise.resolve()
  let next: Promise<void> | undefined

  /**
   * Writes what waits now. Whoever comes while that is being done shares the next time. Points that could not be
   * written wait on.
   */
  function write(): Promise<void> {
    next ??= writing.then(async () => {
      next = undefined
      await recover()
      // A point that replaces a waiting one takes its place, new keys come last.
      for (let due = waiting.size; due > 0; due -= CHUNK) await writeChunk()
      // Not when a flush failed meanwhile: only its mark tells what it may have written.
      if (recovered) await unmark()
    })
    writing = next.catch(() => {})
    return next
  }

  async function writeChunk(): Promise<void> {
    const chunk = new Map<string, LatestMetricRow>()
    for (const [id, point] of waiting) {
      waiting.delete(id)
      if (chunk.set(id, point).size >= CHUNK) break
    }
    const points = inKeyOrder(chunk)
    try {
      await upserts.settleTies(points, await writeAll(engine, upserts.writes(points)))
    } catch (error) {
      for (const point of points) putNewer(waiting, point)
      throw error
    }
  }

  /**
   * Takes the marks of runs that nothing is owed to. A flush that has one of them from now on marks it again, behind
   * this: statements run in the order of their sending, so nothing must be awaited before the deletion.
   */
  async function unmark(): Promise<void> {
    const owed = new Set(flushing)
    for (const point of waiting.values()) owed.add(point.runId)
    const runs = [...marked].filter((run) => !owed.has(run))
    if (runs.length === 0) return
    for (const run of runs) marked.delete(run)
    await engine.execute(
      sql`DELETE FROM ${latestMetricsDue} WHERE ${equalsAny(latestMetricsDue.runId, runs)}`,
    )
  }

  function writeSoon(ms: number): void {
    if (timer && ms > 0) return
    clearTimeout(timer)
    timer = setTimeout(() => {
      timer = undefined
      // What could not be written waits for the next point or reader.
      write().catch(() => {})
    }, ms).unref()
  }

  function recover(): Promise<void> {
    recovered ??= rebuildMarked(engine).then(
      (runs) => {
        for (const run of runs) marked.add(run)
      },
      (error: unknown) => {
        recovered = undefined
        throw error
      },
    )
    return recovered
  }

  if (!engine.deferWrites([metrics, latestMetrics], write)) return undefined
  const mark = createUpsert(engine, latestMetricsDue, {
    onConflict: keepStored(latestMetricsDue.since),
  })
  write().catch(() => {})
  return {
    writes(newest) {
      if (waiting.size > 2 * MAX_WAITING) throw unavailable('Latest metrics cannot be written. Please retry.')
      flushing = [...new Set(newest.map((point) => point.runId))]
      const since = Date.now()
      return [mark(flushing.filter((run) => !marked.has(run)).map((run) => ({ runId: run, since })))]
    },
    async settle(newest) {
      for (const run of flushing) marked.add(run)
      flushing = []
      for (const point of newest) putNewer(waiting, point)
      // The points are acknowledged; those who come next are told when this cannot be done.
      if (waiting.size >= MAX_WAITING) await write().catch(() => {})
      else if (waiting.size >= MANY_WAITING) writeSoon(0)
      else if (waiting.size > 0) writeSoon(WAIT_MS)
    },
    abandon() {
      flushing = []
      recovered = undefined
    },
  }
}

/**
 * Finds the newest points of all marked runs in their histories, as a process that was killed would have written
 * them, and answers the runs. Their marks stay: by now points of this process may wait under them.
 */
async function rebuildMarked(engine: Engine): Promise<string[]> {
  const runs = await engine.db.select({ runId: latestMetricsDue.runId }).from(latestMetricsDue)
  const changes = POINT.map((column) => takeNew(column)())
  for (const { runId: run } of runs) {
    await engine.execute(sql`INSERT INTO ${latestMetrics}
      (run_id, key, value, timestamp, step, is_nan, experiment_id)
      SELECT DISTINCT ON (key) run_id, key, value, timestamp, step, is_nan, experiment_id
      FROM ${metrics} WHERE run_id = ${run} ORDER BY key, step DESC, timestamp DESC, value DESC
      ON CONFLICT (run_id, key) DO UPDATE SET ${sql.join(changes, sql`, `)}`)
  }
  return runs.map(({ runId: run }) => run)
}

/** Whether `a` is newer than `b`: by step, then timestamp, then value. */
const isNewer = (a: LatestMetricRow, b: LatestMetricRow): boolean =>
  a.step !== b.step
    ? a.step > b.step
    : a.timestamp !== b.timestamp
      ? a.timestamp > b.timestamp
      : a.value > b.value

function putNewer<Point extends LatestMetricRow>(points: Map<string, Point>, point: Point): void {
  const id = idOf(point)
  const known = points.get(id)
  if (!known || isNewer(point, known)) points.set(id, point)
}

/** One row per key whatever the number of points. */
export function newestPoints<Point extends LatestMetricRow>(points: readonly Point[]): Point[] {
  const newest = new Map<string, Point>()
  for (const point of points) putNewer(newest, point)
  return inKeyOrder(newest)
}

/**
 * Sets the stored point where the condition holds. The comparison with the stored point is in the statement, so
 * writers on several servers cannot overtake each other.
 * @see mlflow/store/tracking/sqlalchemy_store.py _update_latest_metrics_if_necessary
 */
function takeWhere({ dialect }: Engine, wins: SQL): SQL {
  const changes = POINT.map((column) => {
    const stored = dialect.stored(column)
    return sql`${sql.identifier(column.name)} = CASE WHEN ${wins} THEN ${excluded(column)} ELSE ${stored} END`
  })
  return sql.join(changes, sql`, `)
}

/**
 * Holds for most points that are logged. CrateDB works through the condition for each row and column: 1000 rows
 * take a third of the time that they take under the whole comparison (measured on 6.4).
 */
const isLaterStep = ({ dialect }: Engine): SQL => sql`excluded.step > ${dialect.stored(step)}`

/** The whole comparison: by step, then timestamp, then value. */
const isNewerPoint = ({ dialect: { stored } }: Engine): SQL =>
  sql`excluded.step > ${stored(step)} OR (excluded.step = ${stored(step)} AND (
    excluded.timestamp > ${stored(timestamp)} OR (excluded.timestamp = ${stored(timestamp)} AND
    excluded.value > ${stored(value)})))`

/** Points that `isLaterStep` did not let pass, though they are newer than the stored one of the same step. */
function findTied(points: LatestMetricRow[], stored: Record<string, unknown>[]): LatestMetricRow[] {
  const byKey = new Map(stored.map((row) => [storedIdOf(row), row as unknown as LatestMetricRow]))
  return points.filter((point) => {
    const found = byKey.get(idOf(point))
    return found !== undefined && isNewer(point, found)
  })
}
