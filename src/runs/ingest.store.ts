// The ingest path: metrics, params and tags of concurrent requests go out as one bulk statement per table.
import { sql } from 'drizzle-orm'
import { bulkInsert, excluded } from '../database/columns.ts'
import type { Engine } from '../database/engine.ts'
import { createGroupCommit } from '../database/group-commit.ts'
import { type LatestMetricRow, latestMetrics, type MetricRow, metrics } from '../metrics/tables.ts'
import { findParams } from './store.ts'
import { type ParamRow, params, type TagRow, tags } from './tables.ts'

/** What one request writes to one run. Keys of params are distinct. */
export interface RunWrite {
  experimentId: string
  runId: string
  metrics: MetricRow[]
  params: ParamRow[]
  tags: TagRow[]
}

/** A param that already has another value; it keeps it. */
export interface ParamConflict {
  key: string
  oldValue: string
  newValue: string
}

const MAX_ROWS_PER_FLUSH = 20_000
const MAX_ROWS_QUEUED = 200_000

export type RunWriter = (write: RunWrite) => Promise<ParamConflict[]>

/**
 * Returns the writer of a server. It resolves after the database acknowledged the rows, with the params that lost
 * against another value. Equal points, params and tags may be written again: nothing changes.
 */
export const createRunWriter = (engine: Engine): RunWriter =>
  createGroupCommit<RunWrite, ParamConflict[]>({
    weigh: (write) => write.metrics.length + write.params.length + write.tags.length + 1,
    maxFlush: MAX_ROWS_PER_FLUSH,
    maxQueued: MAX_ROWS_QUEUED,
    flush: async (writes) => {
      const [conflicts] = await Promise.all([
        writeParams(engine, writes),
        writeMetrics(engine, writes),
        writeLatestMetrics(engine, writes),
        writeTags(engine, writes),
      ])
      return conflicts
    },
  })

async function writeMetrics(engine: Engine, writes: RunWrite[]): Promise<void> {
  const rows = writes.flatMap((write) => write.metrics)
  if (rows.length > 0) await engine.execute(sql`${bulkInsert(metrics, rows)} ON CONFLICT DO NOTHING`)
}

/** Whether `a` is newer than `b`: by step, then timestamp, then value. */
export const isNewer = (a: MetricRow | LatestMetricRow, b: MetricRow | LatestMetricRow): boolean =>
  a.step !== b.step
    ? a.step > b.step
    : a.timestamp !== b.timestamp
      ? a.timestamp > b.timestamp
      : a.value > b.value

/**
 * One upsert per key whatever the number of points. The comparison with the stored point is in the statement, so
 * writers on several servers cannot overtake each other.
 * @see mlflow/store/tracking/sqlalchemy_store.py _update_latest_metrics_if_necessary
 */
async function writeLatestMetrics(engine: Engine, writes: RunWrite[]): Promise<void> {
  const newest = new Map<string, LatestMetricRow>()
  for (const { experimentId, metrics: points } of writes) {
    for (const { month: _month, ...point } of points) {
      const id = `${point.runId}\0${point.key}`
      const known = newest.get(id)
      if (!known || isNewer(point as MetricRow, known)) newest.set(id, { ...point, experimentId })
    }
  }
  if (newest.size === 0) return
  const { step, timestamp, value, isNan } = latestMetrics
  const stored = engine.dialect.stored
  const wins = sql`excluded.step > ${stored(step)} OR (excluded.step = ${stored(step)} AND (
    excluded.timestamp > ${stored(timestamp)} OR (excluded.timestamp = ${stored(timestamp)} AND
    excluded.value > ${stored(value)})))`
  const changes = [value, timestamp, step, isNan].map(
    (column) =>
      sql`${sql.identifier(column.name)} = CASE WHEN ${wins} THEN ${excluded(column)} ELSE ${stored(column)} END`,
  )
  await engine.execute(
    sql`${bulkInsert(latestMetrics, inKeyOrder(newest))} ON CONFLICT (run_id, key) DO UPDATE SET ${sql.join(changes, sql`, `)}`,
  )
}

/** Rows sorted by primary key: PostgreSQL servers that write the same rows at once must lock them in one order. */
const inKeyOrder = <Row>(rows: Map<string, Row>): Row[] =>
  [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)

/** The last write of a key wins within one flush, as it would one after the other. */
async function writeTags(engine: Engine, writes: RunWrite[]): Promise<void> {
  const last = new Map<string, TagRow>()
  for (const { tags: rows } of writes) for (const row of rows) last.set(`${row.runId}\0${row.key}`, row)
  if (last.size === 0) return
  await engine.execute(
    sql`${bulkInsert(tags, inKeyOrder(last))} ON CONFLICT (run_id, key) DO UPDATE SET value = ${excluded(tags.value)}`,
  )
}

/** The first value of a param stays; whoever brings another one is told. */
async function writeParams(engine: Engine, writes: RunWrite[]): Promise<ParamConflict[][]> {
  const first = new Map<string, ParamRow>()
  for (const { params: rows } of writes) {
    for (const row of rows)
      if (!first.has(`${row.runId}\0${row.key}`)) first.set(`${row.runId}\0${row.key}`, row)
  }
  if (first.size === 0) return writes.map(() => [])
  const { rows: inserted } = await engine.execute<{ run_id: string; key: string; value: string }>(
    sql`${bulkInsert(params, [...first.values()])} ON CONFLICT DO NOTHING RETURNING run_id, key, value`,
  )
  const values = new Map(inserted.map((row) => [`${row.run_id}\0${row.key}`, row.value]))
  return Promise.all(writes.map((write) => findConflicts(engine, write, values)))
}

async function findConflicts(
  engine: Engine,
  { runId, params: rows }: RunWrite,
  inserted: Map<string, string>,
): Promise<ParamConflict[]> {
  const taken = rows.filter((row) => !inserted.has(`${runId}\0${row.key}`)).map((row) => row.key)
  const stored = await findParams(engine, runId, taken)
  return rows.flatMap((row) => {
    const oldValue = inserted.get(`${runId}\0${row.key}`) ?? stored.get(row.key)
    return oldValue === undefined || oldValue === row.value
      ? []
      : [{ key: row.key, oldValue, newValue: row.value }]
  })
}
