// Traces of stock MLflow, with their spans, assessments and links, as our rows.
import { SESSION, valueColumns } from '../../genai/assessments/rows.schema.ts'
import { ATTRIBUTE, METADATA, TAG } from '../../genai/traces/ids.ts'
import { costsOf, isTold, NO_COSTS, readObject, tokensOf } from '../../genai/traces/usage.schema.ts'
import { isJsonObject, tryParseJson } from '../../platform/wire/int64.ts'
import type { Row } from '../families.store.ts'
import type { ChildMap, Context, FamilyMap, ReadExtra } from './maps.ts'
import { indexed, toldTrace } from './told-trace.ts'
import { double, int, ms, msOr, type Raw, text, textOr } from './values.ts'

/** Metadata and tags that newer schemas keep in the row of the trace, and older ones beside it. */
const PROMOTED = [METADATA.session, METADATA.tokenUsage, METADATA.cost]
const inQuotes = (keys: readonly string[]) => keys.map((key) => `'${key}'`).join(', ')

const TOKENS = {
  inputTokens: 't.input_tokens',
  outputTokens: 't.output_tokens',
  totalTokens: 't.total_tokens',
  cacheReadInputTokens: 't.cache_read_input_tokens',
  cacheCreationInputTokens: 't.cache_creation_input_tokens',
  cacheCreationInputTokensAbove1hr: 't.cache_creation_input_tokens_above_1hr',
}
const COSTS = { inputCost: 't.input_cost', outputCost: 't.output_cost', totalCost: 't.total_cost' }

/** The promoted keys of the traces, by trace. */
async function readPromoted(read: ReadExtra, raws: readonly Raw[]): Promise<Map<string, Raw>> {
  const ids = raws.map(({ id }) => id)
  const found = new Map<string, Raw>()
  const of = (table: string) => ({
    tables: { t: table },
    columns: { owner: 't.request_id', key: 't.key', value: 't.value' },
  })
  for (const [table, keys] of [
    ['trace_request_metadata', PROMOTED],
    ['trace_tags', [TAG.traceName]],
  ] as const) {
    const rows = await read(of(table), 't.request_id', ids, `t."key" IN (${inQuotes(keys)})`)
    for (const { owner, key, value } of rows)
      found.set(String(owner), { ...found.get(String(owner)), [String(key)]: value })
  }
  return found
}

function traceOf(raw: Raw, { extra }: Omit<Context, 'parents'>): Row {
  const beside = extra.get(String(raw.id)) ?? {}
  const promoted = (key: string) => text(beside[key]) ?? undefined
  const own = <Keys extends Record<string, string>>(keys: Keys, read: (value: unknown) => unknown) =>
    Object.fromEntries(Object.keys(keys).map((key) => [key, read(raw[key])])) as Record<keyof Keys, never>
  const columns = { tokens: own(TOKENS, int), costs: own(COSTS, double) }
  const tokens = isTold(columns.tokens)
    ? columns.tokens
    : tokensOf(readObject(promoted(METADATA.tokenUsage)) ?? {})
  const costs = isTold(columns.costs) ? columns.costs : costsOf(readObject(promoted(METADATA.cost)) ?? {})
  return toldTrace({
    traceId: textOr(raw.id, ''),
    experimentId: String(raw.experiment),
    timestampMs: msOr(raw.timestamp, 0),
    durationMs: ms(raw.duration),
    status: textOr(raw.status, 'STATE_UNSPECIFIED').replace('TRACE_STATUS_UNSPECIFIED', 'STATE_UNSPECIFIED'),
    clientRequestId: text(raw.request),
    requestPreview: text(raw.asked),
    responsePreview: text(raw.answered),
    name: text(raw.name) ?? promoted(TAG.traceName),
    session: text(raw.session) ?? promoted(METADATA.session),
    tokens,
    costs,
  })
}

const items = (table: string, without: readonly string[]): ChildMap => ({
  tables: { t: table },
  owner: 't.request_id',
  where: `t."key" NOT IN (${inQuotes(without)})`,
  columns: { owner: 't.request_id', key: 't.key', value: 't.value' },
  row: ({ key, value }, { traceId, experimentId }) => ({
    traceId,
    key: textOr(key, ''),
    value: indexed(textOr(value, '')),
    experimentId,
  }),
})

/** What attributes of a span tell that our table has apart. Their values are JSON in a text. */
function attributesOf(content: string): Record<string, string> {
  const span = /mlflow\.(chat\.tokenUsage|llm\.)/.test(content) ? tryParseJson(content) : undefined
  const attributes = isJsonObject(span) && isJsonObject(span.attributes) ? span.attributes : {}
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([key, json]) => (typeof json === 'string' ? [[key, json]] : [])),
  )
}

const plain = (json: string | undefined): string | null => {
  const value = json === undefined ? undefined : tryParseJson(json)
  return typeof value === 'string' ? indexed(value) : null
}

const spans: ChildMap = {
  tables: { t: 'spans' },
  owner: 't.trace_id',
  columns: {
    owner: 't.trace_id',
    id: 't.span_id',
    parent: 't.parent_span_id',
    name: 't.name',
    type: 't.type',
    status: 't.status',
    start: 't.start_time_unix_nano',
    end: 't.end_time_unix_nano',
    content: 't.content',
    model: 't.model_name',
    provider: 't.model_provider',
    ...COSTS,
  },
  row: (raw, { traceId, experimentId, month }) => {
    const content = textOr(raw.content, '{}')
    const attributes = attributesOf(content)
    const json = (key: string) => (readObject(attributes[key]) ? (attributes[key] ?? null) : null)
    const cost = json(ATTRIBUTE.cost)
    return {
      traceId,
      spanId: textOr(raw.id, ''),
      month,
      experimentId,
      parentSpanId: text(raw.parent),
      name: indexed(textOr(raw.name, '')),
      type: text(raw.type) || null,
      status: textOr(raw.status, 'UNSET'),
      startTimeNs: int(raw.start) ?? 0,
      endTimeNs: int(raw.end),
      content,
      usage: json(ATTRIBUTE.usage),
      cost,
      ...(cost === null ? NO_COSTS : costsOf(readObject(cost) ?? {})),
      modelName: text(raw.model) ?? plain(attributes[ATTRIBUTE.model]),
      modelProvider: text(raw.provider) ?? plain(attributes[ATTRIBUTE.modelProvider]),
    }
  },
}

const assessments: ChildMap = {
  tables: { t: 'assessments' },
  owner: 't.trace_id',
  columns: {
    owner: 't.trace_id',
    id: 't.assessment_id',
    name: 't.name',
    type: 't.assessment_type',
    value: 't.value',
    error: 't.error',
    sourceType: 't.source_type',
    sourceId: 't.source_id',
    run: 't.run_id',
    span: 't.span_id',
    rationale: 't.rationale',
    overrides: 't.overrides',
    metadata: 't.assessment_metadata',
    created: 't.created_timestamp',
    updated: 't.last_updated_timestamp',
  },
  row: (raw, { traceId, experimentId }) => {
    const metadata = text(raw.metadata)
    const created = msOr(raw.created, 0)
    return {
      traceId,
      assessmentId: textOr(raw.id, ''),
      experimentId,
      name: textOr(raw.name, ''),
      type: textOr(raw.type, 'feedback'),
      ...valueColumns(textOr(raw.value, 'null')),
      error: text(raw.error),
      sourceType: textOr(raw.sourceType, 'SOURCE_TYPE_UNSPECIFIED'),
      sourceId: text(raw.sourceId),
      runId: text(raw.run),
      spanId: text(raw.span),
      rationale: text(raw.rationale),
      overrides: text(raw.overrides),
      metadata,
      ofSession: readObject(metadata)?.[SESSION] !== undefined,
      createdTimestampMs: created,
      lastUpdatedTimestampMs: msOr(raw.updated, created),
      place: created * 1000,
      revision: 0,
    }
  },
}

export const traces: FamilyMap = {
  parent: {
    tables: { t: 'trace_info' },
    id: 't.request_id',
    experiment: 't.experiment_id',
    columns: {
      id: 't.request_id',
      experiment: 't.experiment_id',
      timestamp: 't.timestamp_ms',
      duration: 't.execution_time_ms',
      status: 't.status',
      request: 't.client_request_id',
      asked: 't.request_preview',
      answered: 't.response_preview',
      name: 't.trace_name',
      session: 't.session_id',
      ...TOKENS,
      ...COSTS,
    },
    extra: readPromoted,
    row: traceOf,
  },
  children: {
    trace_tags: items('trace_tags', [TAG.traceName]),
    trace_metadata: items('trace_request_metadata', PROMOTED),
    spans,
    assessments,
    trace_links: {
      tables: { t: 'entity_associations' },
      owner: 't.source_id',
      where: `t."source_type" = 'trace' AND t."destination_type" IN ('run', 'prompt_version')`,
      columns: {
        owner: 't.source_id',
        kind: 't.destination_type',
        target: 't.destination_id',
        created: 't.created_time',
      },
      row: ({ kind, target, created }, { traceId }) => ({
        traceId,
        kind: textOr(kind, '').toUpperCase(),
        target: textOr(target, ''),
        creationTimeMs: msOr(created, 0),
      }),
    },
  },
}
