// REST of metrics over traces, and of what filters over them have to do with each other.
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import type { TraceCorrelation } from './correlation.service.ts'
import {
  CalculateTraceFilterCorrelation,
  CorrelationWire,
  MetricDataPointWire,
  QueryTraceMetrics,
} from './metrics.schema.ts'
import type { TraceMetrics } from './metrics.service.ts'

const TAG = 'traces'

export const metricEndpoints = (metrics: TraceMetrics, correlation: TraceCorrelation): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: '/3.0/mlflow/traces/metrics',
    tag: TAG,
    summary: 'Counts, sums and percentiles over traces, spans and assessments',
    request: QueryTraceMetrics,
    response: z.object({ data_points: z.array(MetricDataPointWire).optional() }),
    handle: async (input) => {
      const points = await metrics.query(input)
      return points.length > 0 ? { data_points: points } : {}
    },
  }),
  endpoint({
    method: 'POST',
    path: '/3.0/mlflow/traces/calculate-filter-correlation',
    tag: TAG,
    summary: 'How much two filters find the same traces',
    request: CalculateTraceFilterCorrelation,
    response: CorrelationWire,
    handle: (input) => correlation.calculate(input),
  }),
]
