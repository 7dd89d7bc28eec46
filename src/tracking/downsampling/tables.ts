// Tables of buckets of old points: what each holds of the points that went, and what is under way.
import { boolean, doublePrecision, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { idColumn, int64, journalTable, milliseconds } from '../../platform/database/columns.ts'

/**
 * Points of a metric of a run that are old, by time or by step. Those that its columns name are in `metrics` still, all others went. Infinities are the
 * largest doubles, as in `metrics`.
 */
export const metricBuckets = pgTable(
  'metric_buckets',
  {
    runId: text('run_id').notNull(),
    key: text('key').notNull(),
    /** time or steps: what size and start are about. */
    bucketKind: text('bucket_kind').notNull(),
    bucketSize: int64('bucket_size').notNull(),
    bucketStart: int64('bucket_start').notNull(),
    /** Of the run, as in `metrics`. */
    month: text('month').notNull(),
    experimentId: idColumn('experiment_id').notNull(),
    /** Goes up with each change: an older one never takes the place of a newer one. */
    version: milliseconds('version').notNull(),
    pointCount: milliseconds('point_count').notNull(),
    nanCount: milliseconds('nan_count').notNull(),
    infiniteCount: milliseconds('infinite_count').notNull(),
    /** Points that are in `metrics` still. */
    keptCount: milliseconds('kept_count').notNull(),
    /** Of all that is neither NaN nor infinite. */
    valueSum: doublePrecision('value_sum').notNull(),
    /** First and last by timestamp, step, value, NaN last. */
    firstTimestamp: int64('first_timestamp').notNull(),
    firstStep: int64('first_step').notNull(),
    firstValue: doublePrecision('first_value').notNull(),
    firstIsNan: boolean('first_is_nan').notNull(),
    lastTimestamp: int64('last_timestamp').notNull(),
    lastStep: int64('last_step').notNull(),
    lastValue: doublePrecision('last_value').notNull(),
    lastIsNan: boolean('last_is_nan').notNull(),
    /** The earliest of the least and of the greatest ones; null where all are NaN. */
    minTimestamp: int64('min_timestamp'),
    minStep: int64('min_step'),
    minValue: doublePrecision('min_value'),
    maxTimestamp: int64('max_timestamp'),
    maxStep: int64('max_step'),
    maxValue: doublePrecision('max_value'),
    /** Last by step, timestamp, value, as the latest value of a metric is; null where all are NaN. */
    latestTimestamp: int64('latest_timestamp'),
    latestStep: int64('latest_step'),
    latestValue: doublePrecision('latest_value'),
    /** The last NaN by step and timestamp; null where there is none. */
    nanTimestamp: int64('nan_timestamp'),
    nanStep: int64('nan_step'),
  },
  (table) => [
    primaryKey({
      columns: [table.runId, table.key, table.bucketKind, table.bucketSize, table.bucketStart, table.month],
    }),
  ],
)

/** What a server is about to do to buckets and points, written before it is done; a row for each part that it works on at a time. */
export const metricDownsampling = journalTable('metric_downsampling')

export type MetricBucketRow = typeof metricBuckets.$inferSelect
