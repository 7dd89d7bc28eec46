// Spans that clients export by OTLP, and what a trace tells of them.
import { encodeOtlp, spansExport } from '../../test/support/otlp.ts'
import type { Span, TraceInfo } from './events.ts'
import type { Body, Intent } from './requests.ts'

/** The root of every trace has the same id. */
export const ROOT_ID = '00000000000000ff'

const usageKey = 'mlflow.chat.tokenUsage'
const ns = (ms: number) => `${ms}000000`

const toOtlp = (traceId: string, span: Span) => ({
  traceId,
  spanId: span.id,
  ...(!span.isRoot && { parentSpanId: ROOT_ID }),
  name: span.isRoot ? 'root' : 'call',
  startTimeUnixNano: ns(span.startMs),
  endTimeUnixNano: ns(span.endMs),
  attributes: span.isRoot
    ? []
    : [{ key: usageKey, value: { stringValue: JSON.stringify({ total_tokens: span.tokens }) } }],
})

/** An export of spans of one trace; sent again it changes nothing. */
export const exportSpans = (experimentId: string, traceId: string, spans: Span[]): Intent => {
  const otlp = spansExport(spans.map((span) => toOtlp(traceId, span)))
  const { headers, payload } = encodeOtlp({
    otlp,
    as: 'protobuf',
    headers: { 'x-mlflow-experiment-id': experimentId, connection: 'keep-alive' },
  })
  return {
    kind: 'v1/traces',
    path: '/v1/traces',
    input: {},
    bytes: { headers, payload },
    writes: spans.map((span) => ({ of: 'span', traceId, span })),
  }
}

export const getTrace = (traceId: string): Intent => ({
  kind: 'traces/get',
  method: 'GET',
  path: '/api/3.0/mlflow/traces/get',
  input: { trace_id: `tr-${traceId}`, allow_partial: 'true' },
  reads: (body) => [{ of: 'trace', traceId, ...viewTrace(body.trace) }],
  refusal: (code) =>
    code === 'RESOURCE_DOES_NOT_EXIST' ? [{ of: 'trace', traceId, spans: [], info: undefined }] : undefined,
})

const idOf = (base64: string) => Buffer.from(base64, 'base64').toString('hex')

function viewTrace({ trace_info: info, spans = [] }: Body): { spans: string[]; info: TraceInfo } {
  const usage = JSON.parse(info.trace_metadata?.['mlflow.trace.tokenUsage'] ?? '{}')
  return {
    spans: spans.map(({ span_id }: { span_id: string }) => idOf(span_id)),
    info: tell({
      startMs: Date.parse(info.request_time),
      durationMs: Math.round(Number.parseFloat(info.execution_duration) * 1000),
      state: info.state,
      tokens: usage.total_tokens ?? 0,
    }),
  }
}

const tell = (info: { startMs: number; durationMs: number; state: string; tokens: number }): TraceInfo =>
  `${info.state} at ${info.startMs} for ${info.durationMs} ms, ${info.tokens} tokens`

/** What the row of a trace with these spans has to tell. */
export function infoOf(spans: readonly Span[]): TraceInfo {
  const startMs = Math.min(...spans.map((span) => span.startMs))
  return tell({
    startMs,
    durationMs: Math.max(...spans.map(({ endMs }) => endMs)) - startMs,
    state: spans.some(({ isRoot }) => isRoot) ? 'OK' : 'IN_PROGRESS',
    tokens: spans.reduce((sum, { tokens }) => sum + tokens, 0),
  })
}
