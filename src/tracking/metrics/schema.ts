// Messages of the metrics area.
import { z } from 'zod'
import { readInt64 } from '../../platform/wire/int64.ts'
import { int32, message, repeated, required, text } from '../../platform/wire/message.ts'

const int64Wire = z.union([z.number(), z.bigint()])

/** A metric point on the wire; NaN is the text "NaN". */
export const MetricWire = z
  .object({
    key: z.string(),
    value: z.union([z.number(), z.literal('NaN')]),
    timestamp: int64Wire.describe('Milliseconds since the epoch'),
    step: int64Wire,
    dataset_name: z.string().optional(),
    dataset_digest: z.string().optional(),
    model_id: z.string().optional(),
    run_id: z.string().optional(),
  })
  .meta({ id: 'Metric' })
export type Metric = z.infer<typeof MetricWire>

type Integer = string | number | bigint

/** What makes a stored point but its key, as drivers give it. */
export type PointFields = [value: string | number, timestamp: Integer, step: Integer, isNan: boolean]

/** A stored point as clients read it. */
export const fieldsToMetric = (key: string, [value, timestamp, step, isNan]: PointFields): Metric => ({
  key,
  value: isNan ? 'NaN' : Number(value),
  timestamp: readInt64(timestamp),
  step: readInt64(step),
})

export const MetricWithRunIdWire = z
  .object({
    key: z.string(),
    value: z.union([z.number(), z.literal('NaN')]),
    timestamp: int64Wire,
    step: int64Wire,
    run_id: z.string(),
  })
  .meta({ id: 'MetricWithRunId' })
export type MetricWithRunId = z.infer<typeof MetricWithRunIdWire>

export const GetMetricHistory = message('GetMetricHistory', {
  run_id: text(),
  metric_key: text(),
  page_token: text().optional(),
  max_results: int32().optional(),
})
export const GetMetricHistoryBulk = message('GetMetricHistoryBulk', {
  run_id: repeated(text()),
  metric_key: text().optional(),
  max_results: int32().optional(),
})
export const MAX_RUNS_PER_BULK_INTERVAL = 100
export const MAX_RESULTS_PER_RUN = 2500
export const GetMetricHistoryBulkInterval = message('GetMetricHistoryBulkInterval', {
  run_ids: required(
    repeated(text()).refine((ids) => ids.length <= MAX_RUNS_PER_BULK_INTERVAL, {
      error: ({ input }) =>
        `GetMetricHistoryBulkInterval request must specify at most ${MAX_RUNS_PER_BULK_INTERVAL} run_ids. Received ${(input as unknown[]).length} run_ids.`,
    }),
  ),
  metric_key: text(),
  start_step: int32().optional(),
  end_step: int32().optional(),
  max_results: int32()
    .refine((count) => count >= 1 && count <= MAX_RESULTS_PER_RUN, {
      error: `max_results must be between 1 and ${MAX_RESULTS_PER_RUN}.`,
    })
    .optional(),
})
