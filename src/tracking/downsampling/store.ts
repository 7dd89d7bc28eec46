// Statements over old points and their buckets.
import { and, eq, getTableColumns, type SQL, sql } from 'drizzle-orm'
import { createUpsert, writeAll } from '../../platform/database/bulk.ts'
import { equalsAny, excluded } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { deleteListed, type Listed } from '../../platform/database/listed.ts'
import type { SortKey } from '../../platform/search/keyset.ts'
import { findPage, type PageBounds } from '../../platform/search/page.store.ts'
import { monthOf } from '../../platform/wire/ids.ts'
import { type Int64, readInt64 } from '../../platform/wire/int64.ts'
import { metrics } from '../metrics/tables.ts'
import type { DuePlan, GoingOf, Part, PlaceOf, StoredPoint } from './schema.ts'
import { type MetricBucketRow, metricBuckets } from './tables.ts'

const isPart = (part: Part, untilMs: number): SQL =>
  and(
    sql`month = ${part.month}`,
    equalsAny(metrics.runId, part.runIds),
    part.keys && equalsAny(metrics.key, part.keys),
    sql`${metrics.timestamp} < ${untilMs}::bigint`,
    part.timestamps && isBetween(metrics.timestamp, part.timestamps),
    part.steps && isBetween(metrics.step, part.steps),
  ) as SQL

const isBetween = (column: typeof metrics.timestamp | typeof metrics.step, { from, to }: Range): SQL =>
  sql`${column} >= ${from}::bigint AND ${column} <= ${to}::bigint`

interface Range {
  from: Int64
  to: Int64
}

/** Points of the part that are older than the time, in no order. Pass `metrics` through the refresh gate before. */
export async function findPoints(engine: Engine, part: Part, untilMs: number): Promise<StoredPoint[]> {
  const rows = (await engine.rows(
    sql`SELECT run_id, key, timestamp, step, value, is_nan FROM ${metrics} WHERE ${isPart(part, untilMs)}`,
  )) as [string, string, string, string, string | number, boolean][]
  return rows.map(([runId, key, timestamp, step, value, isNan]) => ({
    runId,
    key,
    timestamp: readInt64(timestamp),
    step: readInt64(step),
    value: Number(value),
    isNan,
  }))
}

/** How many points of the part each metric has, with their first and last times and steps. */
export async function measureKeys(
  engine: Engine,
  part: Part,
  untilMs: number,
): Promise<{ key: string; points: number; timestamps: Range; steps: Range }[]> {
  const rows =
    await engine.rows(sql`SELECT key, count(*), min(timestamp), max(timestamp), min(step), max(step)
    FROM ${metrics} WHERE ${isPart(part, untilMs)} GROUP BY key ORDER BY key`)
  const range = (from: unknown, to: unknown): Range => ({
    from: readInt64(from as string),
    to: readInt64(to as string),
  })
  return rows.map(([key, points, ...ends]) => ({
    key: String(key),
    points: Number(points),
    timestamps: range(ends[0], ends[1]),
    steps: range(ends[2], ends[3]),
  }))
}

/**
 * Buckets of the part's metrics that may hold some of its points, or be the places of some. Pass `metric_buckets` through the refresh gate before.
 */
export async function findBuckets(
  engine: Engine,
  part: Part,
  { plan, timestamps, steps }: { plan: DuePlan; timestamps: Range; steps: Range },
): Promise<MetricBucketRow[]> {
  const largest = BigInt(plan.rungs.at(-1)?.size ?? 0)
  const [places, own] = plan.kind === 'time' ? [timestamps, undefined] : [steps, timestamps]
  const isPlace = sql`${metricBuckets.bucketStart} >= ${atLeast(BigInt(places.from) - largest)}::bigint
    AND ${metricBuckets.bucketStart} <= ${places.to}::bigint`
  const holds = ({ from, to }: Range) =>
    sql`${metricBuckets.firstTimestamp} <= ${to}::bigint AND ${metricBuckets.lastTimestamp} >= ${from}::bigint`
  return engine.db
    .select()
    .from(metricBuckets)
    .where(
      and(
        eq(metricBuckets.month, part.month),
        equalsAny(metricBuckets.runId, part.runIds),
        part.keys && equalsAny(metricBuckets.key, part.keys),
        sql`((${eq(metricBuckets.bucketKind, plan.kind)} AND ${isPlace}) OR (${holds(own ?? timestamps)}))`,
      ),
    )
}

const BUCKET_ORDER: SortKey[] = [
  { kind: 'int64', value: metricBuckets.firstTimestamp, ascending: true, required: true },
  { kind: 'text', value: metricBuckets.bucketKind, ascending: true, required: true },
  { kind: 'int64', value: metricBuckets.bucketSize, ascending: true, required: true },
  { kind: 'int64', value: metricBuckets.bucketStart, ascending: true, required: true },
]

/** A page of the buckets of a metric of a run. Passes the refresh gate. @throws INVALID_PARAMETER_VALUE for a token of something else */
export const findBucketPage = (engine: Engine, runId: string, key: string, page: PageBounds) =>
  findPage(engine, metricBuckets, {
    order: BUCKET_ORDER,
    page,
    where: and(
      eq(metricBuckets.runId, runId),
      eq(metricBuckets.month, monthOf(runId)),
      eq(metricBuckets.key, key),
    ),
  })

const INT64_LEAST = -(2n ** 63n)
const atLeast = (value: bigint): bigint => (value < INT64_LEAST ? INT64_LEAST : value)

interface OldOf {
  runId: string
  month: string
  untilMs: number
}

const isOldOf = ({ runId, month, untilMs }: OldOf): SQL =>
  and(
    eq(metricBuckets.runId, runId),
    eq(metricBuckets.month, month),
    sql`${metricBuckets.firstTimestamp} < ${untilMs}::bigint`,
  ) as SQL

/** Those of the runs that have buckets from before the time. Pass `metric_buckets` through the refresh gate before. */
export async function findRunsWithBuckets(
  engine: Engine,
  runIds: string[],
  untilMs: number,
): Promise<string[]> {
  const rows = await engine.rows(sql`SELECT DISTINCT run_id FROM ${metricBuckets}
    WHERE ${equalsAny(metricBuckets.runId, runIds)} AND ${equalsAny(metricBuckets.month, [...new Set(runIds.map(monthOf))])}
      AND ${metricBuckets.firstTimestamp} < ${untilMs}::bigint`)
  return rows.map(([runId]) => String(runId)).sort()
}

export const findOldBuckets = (engine: Engine, of: OldOf): Promise<MetricBucketRow[]> =>
  engine.db.select().from(metricBuckets).where(isOldOf(of))

/** Metrics of a statement. */
const KEYS_AT_ONCE = 200

/** Deletes buckets of a run that ended before the time, but for those whose times one of the points has. Repeatable. */
export async function deleteOldBuckets(
  engine: Engine,
  of: OldOf,
  except: readonly { key: string; timestamp: Int64 }[],
): Promise<void> {
  const { key, firstTimestamp, lastTimestamp } = metricBuckets
  const isOver = and(isOldOf(of), sql`${lastTimestamp} < ${of.untilMs}::bigint`)
  const remove = (where: SQL) =>
    engine.execute(sql`DELETE FROM ${metricBuckets} WHERE ${isOver} AND ${where}`)
  const keys = [...new Set(except.map((one) => one.key))]
  for (let i = 0; i < keys.length; i += KEYS_AT_ONCE) {
    const some = keys.slice(i, i + KEYS_AT_ONCE)
    const has = except
      .filter((one) => some.includes(one.key))
      .map(
        (one) =>
          sql`(${eq(key, one.key)} AND ${firstTimestamp} <= ${one.timestamp}::bigint AND ${lastTimestamp} >= ${one.timestamp}::bigint)`,
      )
    await remove(sql`${equalsAny(key, some)} AND NOT (${sql.join(has, sql` OR `)})`)
  }
  await remove(sql`NOT (${equalsAny(key, keys)})`)
}

const KEY = ['runId', 'key', 'bucketKind', 'bucketSize', 'bucketStart', 'month']
/** Rows of a statement, of some thirty columns. */
const BUCKETS_AT_ONCE = 2000

/** Writes buckets where none newer is. Repeatable. */
export async function writeBuckets(engine: Engine, rows: readonly MetricBucketRow[]): Promise<void> {
  const { version } = metricBuckets
  const columns = Object.entries(getTableColumns(metricBuckets)).filter(([name]) => !KEY.includes(name))
  const upsert = createUpsert(engine, metricBuckets, {
    isNew: (row) => row.version === 1,
    onConflict: ({ dialect: { stored } }) =>
      sql.join(
        columns.map(
          ([, column]) =>
            sql`${sql.identifier(column.name)} = CASE WHEN ${excluded(version)} > ${stored(version)}
              THEN ${excluded(column)} ELSE ${stored(column)} END`,
        ),
        sql`, `,
      ),
  })
  for (let i = 0; i < rows.length; i += BUCKETS_AT_ONCE)
    await writeAll(engine, [upsert(rows.slice(i, i + BUCKETS_AT_ONCE))])
}

/** Deletes points. Repeatable. @returns how many went @throws TEMPORARILY_UNAVAILABLE when some stay */
export const deletePoints = (engine: Engine, month: string, going: readonly GoingOf[]): Promise<number> =>
  deleteListed(
    engine,
    metrics,
    going.map(
      ({ runId, key, isNan, timestamps, steps, values, count }): Listed => ({
        equal: [
          [metrics.month, month],
          [metrics.runId, runId],
          [metrics.key, key],
          [metrics.isNan, isNan],
        ],
        integers: [
          [metrics.timestamp, timestamps],
          [metrics.step, steps],
        ],
        doubles: values && [metrics.value, values],
        count,
      }),
    ),
  )

/** Deletes buckets. Repeatable. @throws TEMPORARILY_UNAVAILABLE when some stay */
export const deleteBuckets = (engine: Engine, month: string, places: readonly PlaceOf[]): Promise<number> =>
  deleteListed(
    engine,
    metricBuckets,
    places.map(({ runId, key, kind, size, starts }) => ({
      equal: [
        [metricBuckets.month, month],
        [metricBuckets.runId, runId],
        [metricBuckets.key, key],
        [metricBuckets.bucketKind, kind],
        [metricBuckets.bucketSize, size],
      ],
      integers: [[metricBuckets.bucketStart, starts]],
      count: starts.length,
    })),
  )
