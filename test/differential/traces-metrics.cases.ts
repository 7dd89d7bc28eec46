// Cases of what is asked of many traces: metrics over them, and how filters over them go together.
import { assess, expectation, feedback } from './assessments.cases.ts'
import { type Case, createExperiment, post, type Step, unreadable } from './cases.ts'
import { API3, attributes, child, exported, json, span, text, traceId } from './traces-otlp.cases.ts'
import { info, start } from './traces-writing.cases.ts'

const metrics = (body: object): Step => post(`${API3}traces/metrics`, { experiment_ids: ['<e>'], ...body })
const ask = (view_type: string, metric_name: string, aggregations: object[], more: object = {}): Step =>
  metrics({ view_type, metric_name, aggregations, ...more })
const by = (...types: string[]) => types.map((aggregation_type) => ({ aggregation_type }))
const percentiles = (...values: number[]) =>
  values.map((percentile_value) => ({ aggregation_type: 'PERCENTILE', percentile_value }))
const correlate = (filter_string1: unknown, filter_string2: unknown, more: object = {}): Step =>
  post(`${API3}traces/calculate-filter-correlation`, {
    experiment_ids: ['<e>'],
    filter_string1,
    filter_string2,
    ...more,
  })

const START_MS = 1_700_000_000_000
const DAY_MS = 86_400_000
const NS = 1_000_000n

interface Measured {
  model?: string | undefined
  cost?: object | undefined
  tokens?: object | undefined
  session?: string
  name?: string
  [field: string]: unknown
}

/** A span that starts and lasts as many milliseconds, with tokens, cost, model. */
function measured(number: number, startMs: number, lastsMs: number, more: Measured = {}) {
  const { model, cost, tokens, session, name, ...rest } = more
  const startNs = BigInt(START_MS + startMs) * NS + 999_999n
  return {
    ...span(number),
    startTimeUnixNano: String(startNs),
    endTimeUnixNano: String(startNs + BigInt(lastsMs) * NS + 500_000n),
    attributes: attributes({
      ...(model && { 'mlflow.llm.model': text(model), 'mlflow.llm.provider': text(`${model} inc`) }),
      ...(cost && { 'mlflow.llm.cost': json(cost) }),
      ...(tokens && { 'mlflow.chat.tokenUsage': json(tokens) }),
      ...(session && { 'session.id': text(session) }),
      ...(name && { 'mlflow.traceTag.mlflow.traceName': text(name) }),
      'mlflow.traceTag.team': text(number % 2 === 0 ? 'even' : 'odd'),
      'mlflow.spanType': text(number % 2 === 0 ? 'LLM' : 'CHAIN'),
    }),
    ...rest,
  }
}

const TOKENS = (number: number) => ({
  input_tokens: number,
  output_tokens: number * 2,
  total_tokens: number * 3,
  ...(number > 2 && { cache_read_input_tokens: number }),
})

/** Traces over three days, of two names and three sessions, with costs in quarters, which add up to the last bit. */
const DATA: Step[] = [
  createExperiment('e'),
  ...Array.from({ length: 9 }, (_, index) =>
    exported([
      measured(1, index * (DAY_MS / 3), 10 * index * index, {
        traceId: traceId(index),
        ...(index > 0 && { name: index % 2 === 0 ? 'first' : 'Zweiter — ü' }),
        ...(index < 6 && { session: `s${index % 3}` }),
        status: { code: index % 4 === 3 ? 2 : 1 },
      }),
      {
        ...measured(2, index * (DAY_MS / 3) + 1, 5 * index + 1, {
          traceId: traceId(index),
          model: index % 3 === 0 ? undefined : `model ${index % 2}`,
          tokens: index === 0 ? undefined : TOKENS(index),
          cost: {
            input_cost: index / 4,
            output_cost: 0.5,
            ...(index > 4 && { total_cost: index / 4 + 0.5 }),
          },
        }),
        parentSpanId: '0000000000000001',
      },
    ]),
  ),
  exported([child(3, 1, { traceId: traceId(20) })]),
  start(info(30, { execution_duration: undefined, state: 'IN_PROGRESS' })),
  start(
    info(31, {
      trace_metadata: { 'mlflow.sourceRun': 'run', own: 'x' },
      tags: { 'mlflow.traceName': 'Named' },
    }),
  ),
]

const RANGE = { start_time_ms: START_MS - DAY_MS, end_time_ms: START_MS + 10 * DAY_MS }
const HOURLY = { ...RANGE, time_interval_seconds: 3600 }
const DAILY = { ...RANGE, time_interval_seconds: 86_400 }
const ALL = ['SUM', 'AVG', 'MIN', 'MAX']
const COST = ['input_cost', 'output_cost', 'total_cost']
const TOKEN_METRICS = [
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
]

const FILTERS = [
  "trace.status = 'OK'",
  "trace.status = 'ERROR'",
  "trace.tag.team = 'odd'",
  "trace.tag.`team` = 'even'",
  "trace.tag.mlflow.traceName = 'first'",
  "trace.metadata.own = 'x'",
  "trace.metadata.mlflow.trace.session = 's1'",
  "trace.metadata.mlflow.sourceRun = 'run'",
  'trace.metadata.mlflow.trace.tokenUsage = \'{"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}\'',
]
const SPAN_FILTERS = ["span.name = 'span 1'", "span.type = 'LLM'", "span.status = 'ERROR'"]

export const metricsCases: Case[] = [
  {
    title: 'counts traces and sessions',
    steps: [
      ...DATA,
      ask('TRACES', 'trace_count', by('COUNT')),
      ask('TRACES', 'trace_count', by('COUNT'), HOURLY),
      ask('TRACES', 'trace_count', by('COUNT'), DAILY),
      ask('TRACES', 'trace_count', by('COUNT'), { dimensions: ['trace_name'] }),
      ask('TRACES', 'trace_count', by('COUNT'), { dimensions: ['trace_status', 'trace_name'], ...DAILY }),
      ask('TRACES', 'trace_count', by('COUNT'), { dimensions: ['trace_name', 'trace_name'] }),
      ask('TRACES', 'trace_count', by('COUNT', 'COUNT')),
      ask('TRACES', 'session_count', by('COUNT')),
      ask('TRACES', 'session_count', by('COUNT'), DAILY),
      ...FILTERS.map((filter) => ask('TRACES', 'trace_count', by('COUNT'), { filters: [filter] })),
      ask('TRACES', 'trace_count', by('COUNT'), { filters: FILTERS.slice(0, 3) }),
      ask('TRACES', 'trace_count', by('COUNT'), { start_time_ms: START_MS + 1 }),
      ask('TRACES', 'trace_count', by('COUNT'), { end_time_ms: START_MS }),
      ask('TRACES', 'trace_count', by('COUNT'), { start_time_ms: '9223372036854775807' }),
      ask('TRACES', 'trace_count', by('COUNT'), { end_time_ms: '-9223372036854775808' }),
      ask('TRACES', 'trace_count', by('COUNT'), { ...RANGE, time_interval_seconds: 0 }),
      ask('TRACES', 'trace_count', by('COUNT'), { ...RANGE, time_interval_seconds: -3600 }),
      ask('TRACES', 'trace_count', by('COUNT'), { ...RANGE, time_interval_seconds: 31_536_000_000 }),
      ask('TRACES', 'trace_count', by('COUNT'), { experiment_ids: [] }),
      ask('TRACES', 'trace_count', by('COUNT'), { experiment_ids: ['999999999'] }),
      ask('TRACES', 'trace_count', [], { dimensions: ['trace_name'] }),
      ...[0, 1, 2, -1].map((max_results) =>
        ask('TRACES', 'trace_count', by('COUNT'), { dimensions: ['trace_name'], max_results }),
      ),
      ask('TRACES', 'trace_count', by('COUNT'), { dimensions: ['trace_name'], page_token: 'any' }),
    ],
  },
  {
    title: 'measures traces',
    steps: [
      ...DATA,
      ask('TRACES', 'latency', [...by('AVG', 'MIN', 'MAX'), ...percentiles(0, 50, 90, 95, 99.9, 100)]),
      ask('TRACES', 'latency', [...percentiles(50, 33.3), ...by('AVG')], DAILY),
      ask('TRACES', 'latency', percentiles(12.5), { dimensions: ['trace_name'], ...DAILY }),
      ask('TRACES', 'latency', percentiles(50), { filters: ["trace.status = 'nothing'"] }),
      ask('TRACES', 'latency', by('AVG'), { filters: ["trace.status = 'nothing'"] }),
      ...TOKEN_METRICS.flatMap((metric) => [
        ask('TRACES', metric, by(...ALL)),
        ask('TRACES', metric, [...by(...ALL), ...percentiles(75)], { dimensions: ['trace_name'] }),
        ask('TRACES', metric, by('SUM'), DAILY),
      ]),
    ],
  },
  {
    title: 'counts and measures spans',
    steps: [
      ...DATA,
      ask('SPANS', 'span_count', by('COUNT')),
      ask('SPANS', 'span_count', by('COUNT'), DAILY),
      ...['span_name', 'span_type', 'span_status', 'span_model_name', 'span_model_provider'].map(
        (dimension) => ask('SPANS', 'span_count', by('COUNT'), { dimensions: [dimension] }),
      ),
      ask('SPANS', 'span_count', by('COUNT'), { dimensions: ['span_name', 'span_status'], ...RANGE }),
      ask('SPANS', 'latency', [...by('AVG', 'MIN', 'MAX'), ...percentiles(50, 99)]),
      ask('SPANS', 'latency', percentiles(50), { dimensions: ['span_name', 'span_status'], ...DAILY }),
      ...COST.flatMap((metric) => [
        ask('SPANS', metric, by(...ALL)),
        ask('SPANS', metric, [...by(...ALL), ...percentiles(50)], { dimensions: ['span_model_name'] }),
        ask('SPANS', metric, by('SUM'), { dimensions: ['span_model_provider'], ...DAILY }),
      ]),
      ...[...FILTERS, ...SPAN_FILTERS].flatMap((filter) => [
        ask('SPANS', 'span_count', by('COUNT'), { filters: [filter], ...RANGE }),
        ask('SPANS', 'output_cost', by('SUM'), { filters: [filter], ...RANGE }),
      ]),
      ask('SPANS', 'span_count', by('COUNT'), { filters: ["span.type = 'LLM'", "trace.status = 'OK'"] }),
      ask('SPANS', 'span_count', by('COUNT'), { start_time_ms: START_MS + 1 }),
      ask('SPANS', 'output_cost', by('SUM'), { start_time_ms: START_MS + 1 }),
      ask('SPANS', 'output_cost', by('SUM'), { start_time_ms: START_MS + 2 }),
      ask('SPANS', 'output_cost', by('SUM'), { end_time_ms: START_MS + 1 }),
      ask('SPANS', 'output_cost', by('SUM'), { end_time_ms: START_MS }),
      ask('SPANS', 'output_cost', by('SUM'), { start_time_ms: '9223372036854775807' }),
      ask('SPANS', 'output_cost', by('SUM'), { end_time_ms: '-9223372036854775808' }),
      ask('SPANS', 'output_cost', by('SUM'), { end_time_ms: '9223372036854775807' }),
    ],
  },
  {
    title: 'counts and measures assessments',
    steps: [
      ...DATA,
      ...[1, 2, 3, 4].flatMap((trace) => [
        assess(feedback('score', trace / 4), undefined, {}, trace),
        assess(feedback('good', trace % 2 === 0), `good${trace}`, {}, trace),
        assess(expectation('answer', `text ${trace % 2}`), undefined, {}, trace),
      ]),
      assess(feedback('verdict', 'yes'), undefined, {}, 5),
      assess(feedback('good', true, { overrides: '<good1>' }), undefined, {}, 1),
      ask('ASSESSMENTS', 'assessment_count', by('COUNT')),
      ask('ASSESSMENTS', 'assessment_count', by('COUNT'), DAILY),
      ask('ASSESSMENTS', 'assessment_count', by('COUNT'), { dimensions: ['assessment_name'] }),
      ask('ASSESSMENTS', 'assessment_count', by('COUNT'), {
        dimensions: ['assessment_name', 'assessment_value'],
        ...RANGE,
      }),
      ask('ASSESSMENTS', 'assessment_value', [...by('AVG', 'MIN', 'MAX'), ...percentiles(50, 90)]),
      ask('ASSESSMENTS', 'assessment_value', [...by('AVG'), ...percentiles(50)], {
        dimensions: ['assessment_name'],
        ...DAILY,
      }),
      ...[
        ...FILTERS,
        "assessment.name = 'good'",
        "assessment.type = 'feedback'",
        "assessment.type = 'none'",
      ].map((filter) => ask('ASSESSMENTS', 'assessment_count', by('COUNT'), { filters: [filter], ...RANGE })),
      ask('ASSESSMENTS', 'assessment_count', by('COUNT'), { filters: ["span.name = 'x'"] }),
    ],
  },
  {
    title: 'sums up to more than the largest number, and less than the smallest',
    steps: [
      createExperiment('e'),
      exported(
        [1e308, 1e308, 5e-324].map((total_cost, index) =>
          measured(index + 1, index, 1, { cost: { total_cost, input_cost: -total_cost, output_cost: 0.1 } }),
        ),
      ),
      ...[1e308, 1e308].map((value) => assess(feedback('score', value), undefined, {})),
      ...COST.map((metric) => ask('SPANS', metric, by(...ALL))),
      ...COST.map((metric) => ask('SPANS', metric, [...by(...ALL), ...percentiles(100)])),
      ask('ASSESSMENTS', 'assessment_value', by('AVG', 'MAX')),
    ],
  },
  {
    title: 'refuses metrics that there are not',
    steps: [
      createExperiment('e'),
      metrics({}),
      metrics({ view_type: 'TRACES' }),
      metrics({ view_type: 'TRACES', metric_name: 'trace_count' }),
      post(`${API3}traces/metrics`, { view_type: 'TRACES', metric_name: 'trace_count', aggregations: [] }),
      ask('TRACES', 'bogus', by('COUNT')),
      ask('TRACES', 'span_count', by('COUNT')),
      ask('SPANS', 'trace_count', by('COUNT')),
      ask('ASSESSMENTS', 'bogus', by('COUNT')),
      ask('TRACES', 'trace_count', by('SUM', 'AVG', 'COUNT')),
      ask('TRACES', 'latency', by('SUM')),
      ask('TRACES', 'trace_count', by('COUNT'), { dimensions: ['span_name', 'bogus', 'trace_name'] }),
      ask('TRACES', 'session_count', by('COUNT'), { dimensions: ['trace_name'] }),
      ask('SPANS', 'total_cost', by('SUM'), { dimensions: ['span_name'] }),
      ask('ASSESSMENTS', 'assessment_count', by('SUM')),
      ask('ASSESSMENTS', 'assessment_value', by('AVG'), { dimensions: ['assessment_value'] }),
      ask('TRACES', 'trace_count', []),
      ask('TRACES', 'latency', by('PERCENTILE')),
      ask('TRACES', 'latency', percentiles(101)),
      ask('TRACES', 'latency', percentiles(-0.5)),
      ask('TRACES', 'latency', [{ aggregation_type: 'AVG', percentile_value: 50 }]),
      ask('TRACES', 'trace_count', by('COUNT'), { time_interval_seconds: 60 }),
      ask('TRACES', 'trace_count', by('COUNT'), { time_interval_seconds: 60, start_time_ms: 0 }),
      ask('TRACES', 'trace_count', by('COUNT'), { experiment_ids: ['x'] }),
      ...[
        '',
        ' ',
        'trace',
        'status',
        "status = 'OK'",
        "bogus.status = 'OK'",
        "trace.bogus = 'OK'",
        "trace.tag = 'OK'",
        "trace.status.key = 'OK'",
        "trace.status != 'OK'",
        "trace.status LIKE 'OK'",
        "trace.status IN ('OK')",
        'trace.status IS NULL',
        'trace.status = 5',
        'trace.status = OK',
        "trace.status = 'OK' AND trace.status = 'OK'",
        "trace.status = 'OK'; trace.status = 'OK'",
        "span.bogus = 'OK'",
        "span.name = 'x'",
        "assessment.name = 'x'",
        "assessment.bogus = 'x'",
        "`trace`.status = 'OK'",
        '5 = 5',
      ].map((filter) => ask('TRACES', 'trace_count', by('COUNT'), { filters: [filter] })),
      ask('SPANS', 'span_count', by('COUNT'), { filters: ["assessment.name = 'x'"] }),
      unreadable(ask('BOGUS', 'trace_count', by('COUNT'))),
      unreadable(ask('TRACES', 'trace_count', by('BOGUS'))),
      ask('TRACES', 'trace_count', by('COUNT'), { max_results: 'many' }),
      ask('TRACES', 'trace_count', by('COUNT'), { dimensions: [5] }),
      ask('TRACES', 'trace_count', by('COUNT'), { filters: 'text' }),
    ],
  },
  {
    title: 'tells how filters go together',
    steps: [
      ...DATA,
      correlate("status = 'OK'", "tags.team = 'odd'"),
      correlate("name = 'first'", "status = 'ERROR'"),
      correlate("name = 'first'", "name = 'first'"),
      correlate("name = 'first'", "name LIKE 'Z%'"),
      correlate("name = 'none'", "status = 'OK'"),
      correlate("span.type = 'LLM'", "span.type = 'CHAIN'"),
      correlate("span.type = 'LLM'", "span.status = 'ERROR'"),
      correlate("span.type = 'LLM'", "span.status = 'ERROR'", { base_filter: "name = 'first'" }),
      correlate("name = 'first'", "status = 'OK'", { base_filter: `timestamp > ${START_MS + DAY_MS}` }),
      correlate("name = 'first'", "status = 'OK'", { base_filter: '' }),
      correlate("name = 'first'", "status = 'OK'", { base_filter: "status = 'none'" }),
      correlate("request_id != ''", "request_id != ''"),
      correlate("name = 'first'", "status = 'OK'", { experiment_ids: [] }),
      correlate("name = 'first'", "status = 'OK'", { experiment_ids: ['999999999'] }),
      correlate("bogus = 'x'", "status = 'OK'"),
      correlate("status = 'OK'", "status > 'OK'", { base_filter: "name = 'first'" }),
      correlate("status = 'OK'", "status = 'OK'", { base_filter: 'bogus' }),
      correlate('', "status = 'OK'"),
      correlate("status = 'OK'", undefined),
      correlate(5, "status = 'OK'"),
      correlate("status = 'OK'", "status = 'OK'", { experiment_ids: undefined }),
      correlate("status = 'OK'", "status = 'OK'", { experiment_ids: ['x'] }),
      correlate("status = 'OK'", "status = 'OK'", { base_filter: 5 }),
    ],
  },
]
