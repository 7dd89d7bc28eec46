// Spans of OTLP as MLflow's: what of them is kept, and the JSON that they are kept in.
import { tryParseJson } from '../../platform/wire/int64.ts'
import { dumpAnyValue, dumpKeyValues } from './any-value.ts'
import { ATTRIBUTE } from './ids.ts'
import type { KeyValue } from './otlp-common.pb.ts'
import { OtlpRefusal } from './otlp-request.ts'
import type { Resource } from './otlp-resource.pb.ts'
import { type Span, Status_StatusCode } from './otlp-trace.pb.ts'
import type { ExportTraceServiceRequest } from './otlp-trace-service.pb.ts'

/** A span as it came, its attributes as JSON texts by key. */
export interface IncomingSpan {
  traceId: string
  spanId: string
  parentSpanId: string | null
  name: string
  status: 'UNSET' | 'OK' | 'ERROR'
  startNs: bigint
  /** Null while it goes on. */
  endNs: bigint | null
  attributes: Map<string, string>
  /** The type that its sender gave it, empty for none: what is derived from other attributes is not searched by, as in stock. */
  type: string
  events: () => { name: string; attributes: Map<string, string> }[]
  /** Attributes of whoever sent it. */
  resource: readonly KeyValue[]
  /** The JSON of the whole span with these attributes. */
  toJson: () => string
}

/** Services whose name is passed on to the root span. @see mlflow/server/otel_api.py _KNOWN_SERVICE_NAMES */
const KNOWN_SERVICES = new Set(['claude-code', 'codex_cli_rs', 'codex_vscode', 'gemini-cli', 'qwen-code'])
const MAX_INT64 = 2n ** 63n - 1n

/**
 * The spans of an export, in their order.
 * @throws OtlpRefusal for spans without ids
 */
export function readSpans(request: ExportTraceServiceRequest): IncomingSpan[] {
  return request.resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = resource?.attributes.find(({ key }) => key === 'service.name')?.value?.value
    const serviceName =
      service?.case === 'stringValue' && KNOWN_SERVICES.has(service.value) ? service.value : ''
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => readSpan(span, resource, serviceName)))
  })
}

/** An id of bytes as an integer in hex, at least as many digits long. */
function hexId(bytes: Uint8Array, digits: number): string {
  const hex = Buffer.from(bytes).toString('hex').replace(/^0+/, '')
  return hex.padStart(digits, '0')
}

const base64Of = (hex: string) => Buffer.from(hex, 'hex').toString('base64')

/** @see mlflow/entities/span.py Span.from_otel_proto, Span.to_dict */
function readSpan(span: Span, resource: Resource | undefined, serviceName: string): IncomingSpan {
  if (span.traceId.length === 0 || span.spanId.length === 0) {
    throw new OtlpRefusal(422, 'Cannot convert OpenTelemetry span to MLflow span')
  }
  const otelTraceId = hexId(span.traceId, 32)
  const spanId = hexId(span.spanId, 16)
  const parent = hexId(span.parentSpanId, 16)
  const parentSpanId = /^0*$/.test(parent) ? null : parent
  const isTooLong = otelTraceId.length > 32 || spanId.length > 16 || parent.length > 16
  if (isTooLong || span.startTimeUnixNano >= MAX_INT64 || span.endTimeUnixNano >= MAX_INT64) {
    throw new OtlpRefusal(422, 'Failed to log OpenTelemetry spans')
  }
  const traceId = `tr-${otelTraceId}`
  const attributes = readAttributes(span.attributes)
  attributes.set(ATTRIBUTE.requestId, JSON.stringify(traceId))
  if (parentSpanId === null && serviceName) attributes.set('service.name', JSON.stringify(serviceName))
  const status = statusOf(span)
  const isError = status === 'ERROR'
  return {
    traceId,
    spanId,
    parentSpanId,
    name: span.name,
    status,
    startNs: span.startTimeUnixNano,
    endNs: span.endTimeUnixNano === 0n ? null : span.endTimeUnixNano,
    attributes,
    type: textOf(attributes.get(ATTRIBUTE.spanType) ?? ''),
    events: () =>
      span.events.map((event) => ({ name: event.name, attributes: readAttributes(event.attributes) })),
    resource: resource?.attributes ?? [],
    toJson: () =>
      jsonObject({
        trace_id: JSON.stringify(base64Of(otelTraceId)),
        span_id: JSON.stringify(base64Of(spanId)),
        parent_span_id: parentSpanId === null ? 'null' : JSON.stringify(base64Of(parentSpanId)),
        name: JSON.stringify(span.name),
        start_time_unix_nano: String(span.startTimeUnixNano),
        end_time_unix_nano: String(span.endTimeUnixNano),
        events: eventsJson(span),
        status: jsonObject({
          code: JSON.stringify(`STATUS_CODE_${status}`),
          // A text that goes with another status is dropped by OpenTelemetry's SDK.
          message: JSON.stringify(isError ? (span.status?.message ?? '') : ''),
        }),
        attributes: `{${[...attributes].map(([key, json]) => `${JSON.stringify(key)}: ${JSON.stringify(json)}`).join(', ')}}`,
        links: linksJson(span),
      }),
  }
}

function statusOf({ status }: Span): IncomingSpan['status'] {
  if (status?.code === Status_StatusCode.OK) return 'OK'
  return status?.code === Status_StatusCode.ERROR ? 'ERROR' : 'UNSET'
}

const jsonObject = (fields: Record<string, string>) =>
  `{${Object.entries(fields)
    .map(([key, json]) => `"${key}": ${json}`)
    .join(', ')}}`

const eventsJson = ({ events }: Span) =>
  `[${events
    .map(({ name, timeUnixNano, attributes }) =>
      jsonObject({
        name: JSON.stringify(name),
        time_unix_nano: String(timeUnixNano),
        attributes: dumpKeyValues(attributes),
      }),
    )
    .join(', ')}]`

const linksJson = ({ links }: Span) =>
  `[${links
    .map(({ traceId, spanId, attributes }) =>
      jsonObject({
        trace_id: JSON.stringify(`tr-${hexId(traceId, 32)}`),
        span_id: JSON.stringify(hexId(spanId, 16)),
        attributes: attributes.length > 0 ? dumpKeyValues(attributes) : 'null',
      }),
    )
    .join(', ')}]`

/** The attributes as JSON texts; those that a client spelled as JSON texts already are left as they are. */
function readAttributes(pairs: readonly KeyValue[]): Map<string, string> {
  try {
    return new Map(pairs.map(({ key, value }) => [key, spelledOnce(dumpAnyValue(value))]))
  } catch {
    throw new OtlpRefusal(400, 'Invalid OpenTelemetry format')
  }
}

/** @see mlflow/tracing/otel/translation/__init__.py sanitize_attributes */
function spelledOnce(json: string): string {
  if (!/^"\s*(?:\\[nrt]|\s)*(?:\\"|[[{])/.test(json)) return json
  const text = JSON.parse(json) as string
  const value = tryParseJson(text)
  return typeof value === 'string' || (typeof value === 'object' && value !== null) ? text : json
}

/** The text in a JSON string, else the JSON itself. @see mlflow/store/tracking/sqlalchemy_store.py _try_parse_json_string */
export function textOf(json: string): string {
  const value = tryParseJson(json)
  return typeof value === 'string' ? value : json
}
