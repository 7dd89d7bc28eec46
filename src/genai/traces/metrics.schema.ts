// Messages of metrics over traces.
import { z } from 'zod'
import {
  double,
  enumeration,
  int32,
  int64,
  message,
  repeated,
  required,
  text,
} from '../../platform/wire/message.ts'

export const VIEW_TYPES = { TRACES: 1, SPANS: 2, ASSESSMENTS: 3 } as const
export const AGGREGATION_TYPES = { COUNT: 1, SUM: 2, AVG: 3, PERCENTILE: 4, MIN: 5, MAX: 6 } as const
export type ViewType = keyof typeof VIEW_TYPES
export type AggregationType = keyof typeof AGGREGATION_TYPES

const MetricAggregation = message('MetricAggregation', {
  aggregation_type: enumeration(AGGREGATION_TYPES).optional(),
  percentile_value: double().optional(),
})
export type MetricAggregationInput = z.output<typeof MetricAggregation>

export const QueryTraceMetrics = message('QueryTraceMetrics', {
  experiment_ids: required(repeated(text())),
  view_type: enumeration(VIEW_TYPES),
  metric_name: text(),
  aggregations: required(repeated(MetricAggregation)),
  dimensions: repeated(text()),
  filters: repeated(text()),
  time_interval_seconds: int64().optional(),
  start_time_ms: int64().optional(),
  end_time_ms: int64().optional(),
  max_results: int32().optional(),
  page_token: text().optional(),
})

export const MetricDataPointWire = z
  .object({
    metric_name: z.string(),
    dimensions: z
      .record(z.string(), z.string())
      .optional()
      .describe('What the values are of; time_bucket is the start of an interval in ISO 8601'),
    values: z
      .record(z.string(), z.union([z.number(), z.enum(['Infinity', '-Infinity'])]))
      .describe('By aggregation; percentiles as P50.0'),
  })
  .meta({ id: 'MetricDataPoint' })
export type MetricDataPoint = z.infer<typeof MetricDataPointWire>

export const CalculateTraceFilterCorrelation = message('CalculateTraceFilterCorrelation', {
  experiment_ids: required(repeated(text())),
  filter_string1: text(),
  filter_string2: text(),
  base_filter: text().optional(),
})

const NpmiWire = z.union([z.number(), z.literal('NaN')])
export const CorrelationWire = z
  .object({
    npmi: NpmiWire.describe('From -1, never together, to 1; NaN when a filter finds nothing'),
    npmi_smoothed: NpmiWire.describe('The same with half a trace added to each of the four cases'),
    filter1_count: z.number(),
    filter2_count: z.number(),
    joint_count: z.number(),
    total_count: z.number(),
  })
  .meta({ id: 'TraceFilterCorrelation' })
export type Correlation = z.infer<typeof CorrelationWire>
