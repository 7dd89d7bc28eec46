// Tables of metric points and of each key's latest value.
import { boolean, doublePrecision, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { idColumn, int64, milliseconds } from '../../platform/database/columns.ts'

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

/** Runs whose latest points may not be written yet, where the engine lets them wait. */
export const latestMetricsDue = pgTable('latest_metrics_due', {
  runId: text('run_id').primaryKey(),
  since: milliseconds('since').notNull(),
})

export type MetricRow = typeof metrics.$inferSelect
export type LatestMetricRow = typeof latestMetrics.$inferSelect
