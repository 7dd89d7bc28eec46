// The ingest path: new runs, metrics, params and tags of concurrent requests go out as one bulk statement per table.
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
 * against another value. Equal points, params and tags may be written again: nothing changes.
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
  return createGroupCommit<RunWrite, ParamConflict[]>({
    weigh: (write) => write.metrics.length + write.params.length + write.tags.length + 1,
    maxFlush: MAX_ROWS_PER_FLUSH,
    maxQueued: MAX_ROWS_QUEUED,
    flush: async (writes) => {
      const points = writes.flatMap((write) => write.metrics)
      const newest = newestPoints(points)
      const latestWrites = latest.writes(newest)
      const first = firstParams(writes)
      const [storedParams = [], ...stored] = await writeInOrder(engine, [
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
      await latest.settle(newest, stored.slice(0, latestWrites.length))
      return findConflicts(writes, first, storedParams)
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

/** Whoever brought another value than the stored one is told. Of a row that was new, that is the one of this flush. */
function findConflicts(
  writes: RunWrite[],
  first: readonly ParamRow[],
  stored: Record<string, unknown>[],
): ParamConflict[][] {
  const values = new Map(first.map((row) => [idOf(row), row.value]))
  for (const row of stored) values.set(storedIdOf(row), String(row.value))
  return writes.map(({ params: rows }) =>
    rows.flatMap((row) => {
      const { key, value } = row
      const oldValue = values.get(idOf(row))
      return oldValue === undefined || oldValue === value ? [] : [{ key, oldValue, newValue: value }]
    }),
  )
}
