// Tables of metric points and of each key's latest value, and how a stored point reads.
import { boolean, doublePrecision, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { idColumn, int64 } from '../database/columns.ts'
import type { Int64 } from '../wire/int64.ts'
import type { Metric } from './schema.ts'

/** NaN is stored as value 0 with is_nan, infinities as the largest finite doubles, as MLflow's SQL store does. */
const point = {
  runId: text('run_id').notNull(),
  key: text('key').notNull(),
  value: doublePrecision('value').notNull(),
  timestamp: int64('timestamp').notNull(),
  step: int64('step').notNull(),
  isNan: boolean('is_nan').notNull(),
  experimentId: idColumn('experiment_id').notNull(),
}

export const metrics = pgTable(
  'metrics',
  {
    ...point,
    /** The month of the run's id (YYYY-MM), hence known from the id alone; CrateDB's partition. */
    month: text('month').notNull(),
  },
  (table) => [
    primaryKey({
      columns: [table.runId, table.key, table.timestamp, table.step, table.value, table.isNan, table.month],
    }),
  ],
)

export const latestMetrics = pgTable('latest_metrics', point, (table) => [
  primaryKey({ columns: [table.runId, table.key] }),
])

export type MetricRow = typeof metrics.$inferSelect
export type LatestMetricRow = typeof latestMetrics.$inferSelect

type Integer = string | number | bigint

/** What makes a point but its key, as drivers give it. */
export type PointFields = [value: string | number, timestamp: Integer, step: Integer, isNan: boolean]

/** A stored point as clients read it. */
export const fieldsToMetric = (key: string, [value, timestamp, step, isNan]: PointFields): Metric => ({
  key,
  value: isNan ? 'NaN' : Number(value),
  timestamp: metrics.timestamp.mapFromDriverValue(timestamp) as Int64,
  step: metrics.step.mapFromDriverValue(step) as Int64,
})
