// Tables of traces, their spans, tags, metadata and links. All but links carry the experiment, so that a search reads one slice.
import { boolean, doublePrecision, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { idColumn, int64, milliseconds } from '../../platform/database/columns.ts'

export const traces = pgTable('traces', {
  traceId: text('trace_id').primaryKey(),
  experimentId: idColumn('experiment_id').notNull(),
  /** Of the start that the trace was first seen with (YYYY-MM, UTC). It never changes: CrateDB's partition of the spans. */
  month: text('month').notNull(),
  timestampMs: milliseconds('timestamp_ms').notNull(),
  /** Absent while no span has ended. */
  endMs: milliseconds('end_ms'),
  /** STATE_UNSPECIFIED, OK, ERROR or IN_PROGRESS. */
  status: text('status').notNull(),
  clientRequestId: text('client_request_id'),
  requestPreview: text('request_preview'),
  responsePreview: text('response_preview'),
  traceName: text('trace_name'),
  sessionId: text('session_id'),
  inputTokens: int64('input_tokens'),
  outputTokens: int64('output_tokens'),
  totalTokens: int64('total_tokens'),
  cacheReadInputTokens: int64('cache_read_input_tokens'),
  cacheCreationInputTokens: int64('cache_creation_input_tokens'),
  cacheCreationInputTokensAbove1hr: int64('cache_creation_input_tokens_above_1hr'),
  inputCost: doublePrecision('input_cost'),
  outputCost: doublePrecision('output_cost'),
  totalCost: doublePrecision('total_cost'),
  /** The client gave the times, the tokens, the cost itself: spans change them no more. */
  isFinal: boolean('is_final').notNull(),
  hasGivenTokens: boolean('has_given_tokens').notNull(),
  hasGivenCost: boolean('has_given_cost').notNull(),
  /** A span tells tokens or cost: whoever adds spans sums them up anew. */
  hasUsage: boolean('has_usage').notNull(),
  /** Counts additions of spans: sums that were made before the newest one are dropped. */
  generation: milliseconds('generation').notNull(),
})

export const spans = pgTable(
  'spans',
  {
    traceId: text('trace_id').notNull(),
    spanId: text('span_id').notNull(),
    month: text('month').notNull(),
    experimentId: idColumn('experiment_id').notNull(),
    parentSpanId: text('parent_span_id'),
    name: text('name').notNull(),
    type: text('type'),
    /** UNSET, OK or ERROR. */
    status: text('status').notNull(),
    startTimeNs: int64('start_time_unix_nano').notNull(),
    endTimeNs: int64('end_time_unix_nano'),
    /** The whole span as JSON, in the spelling of stock MLflow. */
    content: text('content').notNull(),
    /** Tokens and cost as JSON objects, apart from `content`: they are read whenever spans are added. */
    usage: text('usage'),
    cost: text('cost'),
    /** What `cost` tells, as numbers. */
    inputCost: doublePrecision('input_cost'),
    outputCost: doublePrecision('output_cost'),
    totalCost: doublePrecision('total_cost'),
    modelName: text('model_name'),
    modelProvider: text('model_provider'),
  },
  (table) => [primaryKey({ columns: [table.traceId, table.spanId, table.month] })],
)

const ofTrace = {
  traceId: text('trace_id').notNull(),
  key: text('key').notNull(),
  value: text('value').notNull(),
  experimentId: idColumn('experiment_id').notNull(),
}

export const traceTags = pgTable('trace_tags', ofTrace, (table) => [
  primaryKey({ columns: [table.traceId, table.key] }),
])

export const traceMetadata = pgTable('trace_metadata', ofTrace, (table) => [
  primaryKey({ columns: [table.traceId, table.key] }),
])

/** What a trace is linked to. It may be linked before its spans arrive, hence no experiment here. */
export const traceLinks = pgTable(
  'trace_links',
  {
    traceId: text('trace_id').notNull(),
    kind: text('kind', { enum: ['RUN', 'PROMPT_VERSION'] }).notNull(),
    /** The id of a run, or name/version of a prompt. */
    target: text('target').notNull(),
    creationTimeMs: milliseconds('creation_time_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.traceId, table.kind, table.target] })],
)

export type TraceRow = typeof traces.$inferSelect
export type SpanRow = typeof spans.$inferSelect
export type TraceItemRow = typeof traceTags.$inferSelect
export type TraceLinkRow = typeof traceLinks.$inferSelect
