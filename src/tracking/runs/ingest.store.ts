// The ingest path: new runs, metrics, params and tags of concurrent requests go out as one bulk statement per table.

import { and, eq, sql } from 'drizzle-orm'
import {
  comesFirst,
  createUpsert,
  inKeyOrder,
  keepStored,
  takeNew,
  writeInOrder,
} from '../../platform/database/bulk.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { createGroupCommit } from '../../platform/database/group-commit.ts'
import { idOf, storedIdOf } from '../../platform/wire/ids.ts'
import { type MetricRow, metrics } from '../metrics/tables.ts'
import { createLatestMetricsWriter, newestPoints } from './latest-metrics.store.ts'
import { type ParamRow, params, type RunRow, runs, type TagRow, tags } from './tables.ts'

/** What one request writes to one run. Keys of params are distinct. */
export interface RunWrite {
  experimentId: string
  runId: string
  metrics: MetricRow[]
  params: ParamRow[]
  tags: TagRow[]
  /** A new run. Its row comes last: with it the run exists, tags and all. */
  run?: RunRow
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
 * against another value: then nothing of that write was written, unless another server brought such a param in the
 * same moment. Equal points, params and tags may be written again: nothing changes.
 */
export function createRunWriter(engine: Engine): RunWriter {
  const upsertMetrics = createUpsert(engine, metrics, {
    onConflict: keepStored(metrics.experimentId),
    isNew: () => true,
  })
  const latest = createLatestMetricsWriter(engine)
  const upsertTags = createUpsert(engine, tags, {
    onConflict: takeNew(tags.value),
    isNew: comesFirst(idOf),
  })
  const upsertParams = createUpsert(engine, params, {
    onConflict: keepStored(params.value),
    returning: [params.runId, params.key, params.value],
    isNew: comesFirst(idOf),
  })
  const upsertRuns = createUpsert(engine, runs, {
    onConflict: keepStored(runs.experimentId),
    isNew: () => true,
  })

  /** Writes all at once and answers the values that the params have now, by primary key. */
  async function writeRows(writes: RunWrite[]): Promise<Map<string, string>> {
    const points = writes.flatMap((write) => write.metrics)
    const newest = newestPoints(points)
    const latestWrites = latest.writes(newest)
    const first = firstParams(writes)
    const [paramRows = [], ...latestRows] = await writeInOrder(engine, [
      [
        upsertParams(first),
        ...latestWrites,
        upsertMetrics(newest.length === points.length ? newest : distinctPoints(points)),
        upsertTags(lastTags(writes)),
      ],
      [upsertRuns(writes.flatMap(({ run }) => run ?? []))],
    ]).catch((error: unknown) => {
      latest.abandon()
      throw error
    })
    await latest.settle(newest, latestRows.slice(0, latestWrites.length))
    const values = new Map(first.map((row) => [idOf(row), row.value]))
    for (const row of paramRows) values.set(storedIdOf(row), String(row.value))
    return values
  }

  return createGroupCommit<RunWrite, ParamConflict[]>({
    queue: 'runs',
    weigh: (write) => write.metrics.length + write.params.length + write.tags.length + 1,
    maxFlush: MAX_ROWS_PER_FLUSH,
    maxQueued: MAX_ROWS_QUEUED,
    flush: async (all) => {
      const stored = await findStoredParams(engine, all.filter(isWhole))
      const conflicts = new Map<RunWrite, ParamConflict[]>()
      for (let left = all; left.length > 0; ) {
        const { now, later } = takeTurns(left, stored, conflicts)
        const values = await writeRows(now)
        for (const write of now) conflicts.set(write, findConflicts(write, values))
        for (const [id, value] of values) stored.set(id, value)
        left = later
      }
      return all.map((write) => conflicts.get(write) ?? [])
    },
  })
}

function distinctPoints(points: MetricRow[]): MetricRow[] {
  const distinct = new Map<string, MetricRow>()
  for (const row of points) {
    distinct.set(`${idOf(row)}\0${row.timestamp}\0${row.step}\0${row.value}\0${row.isNan}`, row)
  }
  return [...distinct.values()]
}

/** The last write of a key wins within one flush, as it would one after the other. */
function lastTags(writes: RunWrite[]): TagRow[] {
  const last = new Map<string, TagRow>()
  for (const { tags: rows } of writes) for (const row of rows) last.set(idOf(row), row)
  return inKeyOrder(last)
}

/** The first value of a param stays. */
function firstParams(writes: RunWrite[]): ParamRow[] {
  const first = new Map<string, ParamRow>()
  for (const { params: rows } of writes) {
    for (const row of rows) {
      const id = idOf(row)
      if (!first.has(id)) first.set(id, row)
    }
  }
  return inKeyOrder(first)
}

/** Whether params decide about other rows: a single one is decided by itself. */
const isWhole = ({ metrics, params, tags }: RunWrite) =>
  params.length > 0 && metrics.length + params.length + tags.length > 1

/** The values of the writes' params as far as they are stored, by primary key. One exchange with the database. */
async function findStoredParams(engine: Engine, writes: RunWrite[]): Promise<Map<string, string>> {
  if (writes.length === 0) return new Map()
  const { runId, key } = params
  const results = await engine.executeAll(
    writes.map((write) => {
      const keys = write.params.map((row) => row.key)
      const isOne = and(eq(runId, write.runId), engine.dialect.anyKey(key, keys))
      return engine.compile(sql`SELECT run_id, key, value FROM params WHERE ${isOne}`)
    }),
  )
  const rows = results.flatMap((result) => result.rows as Record<string, unknown>[])
  return new Map(rows.map((row) => [storedIdOf(row), String(row.value)]))
}

/**
 * Which writes go out now, and which wait until it is known which of two values a param has got. Notes the conflicts
 * of those that go against what is stored: they are done.
 */
function takeTurns(
  writes: RunWrite[],
  stored: Map<string, string>,
  conflicts: Map<RunWrite, ParamConflict[]>,
): { now: RunWrite[]; later: RunWrite[] } {
  const brought = new Map<string, string>()
  const now: RunWrite[] = []
  const later: RunWrite[] = []
  for (const write of writes) {
    const lost = isWhole(write) ? findConflicts(write, stored) : []
    if (lost.length > 0) conflicts.set(write, lost)
    else if (isWhole(write) && findConflicts(write, brought).length > 0) later.push(write)
    else {
      now.push(write)
      for (const row of write.params) if (!brought.has(idOf(row))) brought.set(idOf(row), row.value)
    }
  }
  return { now, later }
}

/** Which params of the write have other values already. */
export const findParamConflicts = async (engine: Engine, write: RunWrite): Promise<ParamConflict[]> =>
  findConflicts(write, await findStoredParams(engine, [write]))

function findConflicts(write: RunWrite, values: Map<string, string>): ParamConflict[] {
  return write.params.flatMap((row) => {
    const { key, value } = row
    const oldValue = values.get(idOf(row))
    return oldValue === undefined || oldValue === value ? [] : [{ key, oldValue, newValue: value }]
  })
}
