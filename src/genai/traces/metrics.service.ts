// MLflow's rules for metrics over traces: which there are of what, and what their points are called.
import { invalidParameter, MlflowError } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Parsed } from '../../platform/wire/message.ts'
import { pythonFloat, pythonList } from '../../platform/wire/python.ts'
import type { Experiments } from './experiments.ts'
import type {
  AggregationType,
  MetricAggregationInput,
  MetricDataPoint,
  QueryTraceMetrics,
  ViewType,
} from './metrics.schema.ts'
import { type MetricFilter, parseMetricFilter } from './metrics.search.ts'
import { type MeasuredGroup, measureTraces } from './metrics.store.ts'
import type { TraceComparison } from './search.ts'

const DEFAULT_MAX_RESULTS = 1000
/** Points of an answer at most, where stock answers any number. */
const MAX_RESULTS = 50_000

interface Metric {
  aggregations: readonly AggregationType[]
  dimensions: readonly string[]
}

const COUNTED = ['COUNT'] as const
const MEASURED = ['AVG', 'MAX', 'MIN', 'PERCENTILE'] as const
const SUMMED = ['AVG', 'MAX', 'MIN', 'PERCENTILE', 'SUM'] as const
const TOKENS: Metric = { aggregations: SUMMED, dimensions: ['trace_name'] }
const COST: Metric = { aggregations: SUMMED, dimensions: ['span_model_name', 'span_model_provider'] }

/** Aggregations and dimensions in the order of the texts that list them. */
const METRICS: Record<ViewType, Record<string, Metric>> = {
  TRACES: {
    trace_count: { aggregations: COUNTED, dimensions: ['trace_name', 'trace_status'] },
    session_count: { aggregations: COUNTED, dimensions: [] },
    latency: { aggregations: MEASURED, dimensions: ['trace_name'] },
    input_tokens: TOKENS,
    output_tokens: TOKENS,
    total_tokens: TOKENS,
    cache_read_input_tokens: TOKENS,
    cache_creation_input_tokens: TOKENS,
  },
  SPANS: {
    span_count: {
      aggregations: COUNTED,
      dimensions: ['span_model_name', 'span_model_provider', 'span_name', 'span_status', 'span_type'],
    },
    latency: { aggregations: MEASURED, dimensions: ['span_name', 'span_status'] },
    input_cost: COST,
    output_cost: COST,
    total_cost: COST,
  },
  ASSESSMENTS: {
    assessment_count: { aggregations: COUNTED, dimensions: ['assessment_name', 'assessment_value'] },
    assessment_value: { aggregations: MEASURED, dimensions: ['assessment_name'] },
  },
}

export interface TraceMetricsDeps {
  engine: Engine
  experiments: Pick<Experiments, 'parseId'>
}

export type TraceMetrics = ReturnType<typeof createTraceMetrics>

export function createTraceMetrics({ engine, experiments }: TraceMetricsDeps) {
  /**
   * Points of a metric by interval and dimensions, in their order: 1000 of them unless told otherwise, all for a negative number,
   * 50,000 at most. There is no further page, as in stock.
   * @throws INVALID_PARAMETER_VALUE with MLflow's texts, and for what stock answers 500
   * @see SqlAlchemyStore.query_trace_metrics
   */
  async function query(input: Parsed<typeof QueryTraceMetrics>): Promise<MetricDataPoint[]> {
    const { view_type: view, metric_name: metric } = input
    const aggregations = input.aggregations.map(readAggregation)
    checkMetric(input)
    const intervalSeconds = Number(input.time_interval_seconds ?? 0)
    if (intervalSeconds !== 0 && (input.start_time_ms === undefined || input.end_time_ms === undefined)) {
      throw invalidParameter('start_time_ms and end_time_ms are required if time_interval_seconds is set')
    }
    const experimentIds = input.experiment_ids.map(experiments.parseId)
    const filters = input.filters.map(parseMetricFilter)
    for (const filter of filters) checkSubject(view, filter)
    const dimensions = [...new Set(input.dimensions)]
    if (aggregations.length === 0 && dimensions.length === 0 && intervalSeconds === 0) {
      throw new MlflowError('BAD_REQUEST', 'Query contains no columns with which to SELECT from.')
    }
    const groups = await measureTraces(engine, {
      view,
      metric,
      experimentIds,
      traceFilter: filters.filter(({ subject }) => subject === 'trace').map(toComparison),
      kinds: filters
        .filter(({ subject }) => subject !== 'trace')
        .map(({ subject, entity, value }) => ({ name: `${subject}.${entity}`, value })),
      dimensions,
      intervalMs: intervalSeconds * 1000,
      startMs: input.start_time_ms,
      endMs: input.end_time_ms,
      percentiles: aggregations.flatMap(({ percentile }) => percentile ?? []),
      limit: limitOf(input.max_results ?? DEFAULT_MAX_RESULTS),
    })
    return groups.flatMap((group) => toPoint({ metric, dimensions, aggregations }, group) ?? [])
  }

  return { query }
}

const limitOf = (maxResults: number) => (maxResults < 0 ? MAX_RESULTS : Math.min(maxResults, MAX_RESULTS))

interface Aggregation {
  type: AggregationType
  /** From 0 to 100. */
  percentile: number | undefined
  /** How points name it. */
  label: string
}

/** @see mlflow/entities/trace_metrics.py MetricAggregation */
function readAggregation({
  aggregation_type: type = 'COUNT',
  percentile_value: percentile,
}: MetricAggregationInput): Aggregation {
  if (type !== 'PERCENTILE') {
    if (percentile === undefined) return { type, percentile, label: type }
    throw invalidParameter(`Percentile value is only allowed for PERCENTILE aggregation type, got ${type}`)
  }
  if (percentile === undefined)
    throw invalidParameter('Percentile value is required for PERCENTILE aggregation')
  if (!(percentile >= 0 && percentile <= 100)) {
    throw invalidParameter(`Percentile value must be between 0 and 100, got ${pythonFloat(percentile)}`)
  }
  return { type, percentile, label: `P${pythonFloat(percentile)}` }
}

/** @see mlflow/store/tracking/utils/sql_trace_metrics_utils.py validate_query_trace_metrics_params */
function checkMetric(input: Parsed<typeof QueryTraceMetrics>): void {
  const metrics = METRICS[input.view_type]
  const metric = Object.hasOwn(metrics, input.metric_name) ? metrics[input.metric_name] : undefined
  if (!metric) {
    throw invalidParameter(
      `metric_name must be one of ${pythonList(Object.keys(metrics))}, got '${input.metric_name}'`,
    )
  }
  const types = input.aggregations.map(({ aggregation_type: type = 'COUNT' }) => type)
  const unknownTypes = sortedWithout(types, metric.aggregations)
  if (unknownTypes.length > 0) {
    throw invalidParameter(
      `Found invalid aggregation_type(s): ${pythonList(unknownTypes)}. Supported aggregation types: ${pythonList(metric.aggregations)}`,
    )
  }
  const unknownDimensions = sortedWithout(input.dimensions, metric.dimensions)
  if (unknownDimensions.length > 0) {
    throw invalidParameter(
      `Found invalid dimension(s): ${pythonList(unknownDimensions)}. Supported dimensions: ${pythonList(metric.dimensions)}`,
    )
  }
}

const sortedWithout = (all: readonly string[], known: readonly string[]): string[] =>
  [...new Set(all)].filter((one) => !known.includes(one)).sort()

/** @throws INVALID_PARAMETER_VALUE for a filter that the view does not take */
function checkSubject(view: ViewType, { subject }: MetricFilter): void {
  if (subject === 'trace') return
  const own: ViewType = subject === 'span' ? 'SPANS' : 'ASSESSMENTS'
  if (view === own) return
  throw invalidParameter(`Filtering by ${subject} is only supported for ${own} view type, got ${view}`)
}

function toComparison({ entity, key = '', value }: MetricFilter): TraceComparison {
  if (entity === 'status') return { type: 'attribute', key: 'status', comparator: '=', value }
  return { type: entity === 'tag' ? 'tag' : 'metadata', key, comparator: '=', value }
}

/** The point of a group; undefined when nothing was measured. */
function toPoint(
  { metric, dimensions, aggregations }: { metric: string; dimensions: string[]; aggregations: Aggregation[] },
  group: MeasuredGroup,
): MetricDataPoint | undefined {
  const percentiles = group.percentiles.values()
  const average = group.sum === null || group.count === 0 ? null : group.sum / group.count
  const found: Record<AggregationType, () => number | null | undefined> = {
    COUNT: () => group.count,
    SUM: () => group.sum,
    AVG: () => average,
    MIN: () => group.min,
    MAX: () => group.max,
    PERCENTILE: () => percentiles.next().value,
  }
  const values = aggregations.flatMap(({ type, label }): [string, MetricDataPoint['values'][string]][] => {
    const value = found[type]()
    return value === null || value === undefined ? [] : [[label, spelled(value)]]
  })
  if (values.length === 0) return undefined
  const named = Object.fromEntries(dimensions.map((name, index) => [name, group.dimensions[index] ?? '']))
  const bucket = group.bucketMs !== null && { time_bucket: isoTime(group.bucketMs) }
  const of: Record<string, string> = { ...bucket, ...named }
  return {
    metric_name: metric,
    ...(Object.keys(of).length > 0 && { dimensions: of }),
    values: Object.fromEntries(values),
  }
}

/** JSON has no number for what exceeds the largest. */
const spelled = (value: number) =>
  Number.isFinite(value) ? value : value > 0 ? ('Infinity' as const) : ('-Infinity' as const)

/** `datetime.isoformat()`, in whole seconds. */
const isoTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+00:00`
