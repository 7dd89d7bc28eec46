// Stored spans as OTLP's JSON, in the spelling that MLflow's endpoints answer.
import { narrow, parseJsonAsSpelled, SpelledNumber } from '../../platform/wire/int64.ts'

type Json = Record<string, unknown>
type Pair = { key: string; value?: Json }

const isFloat = (text: string) => /[.eEN]|Infinity/.test(text)

/** What a stored attribute says; a text that is no JSON is itself. */
function readAttribute(stored: unknown): unknown {
  if (typeof stored !== 'string') return stored
  if (stored === '') return null
  try {
    return parseJsonAsSpelled(stored)
  } catch {
    return stored
  }
}

/** @see mlflow/tracing/utils/otlp.py _set_otel_proto_anyvalue */
function toAnyValue(value: unknown): Json {
  if (value === null || value === undefined) return {}
  if (typeof value === 'boolean') return { bool_value: value }
  if (typeof value === 'string') return { string_value: value }
  if (value instanceof SpelledNumber) return numberValue(value.text)
  if (Array.isArray(value)) {
    return { array_value: value.length > 0 ? { values: value.map(toAnyValue) } : {} }
  }
  const pairs = toPairs(value as Json)
  return { kvlist_value: pairs.length > 0 ? { values: pairs } : {} }
}

function numberValue(text: string): Json {
  if (!isFloat(text)) return integerValue(BigInt(text))
  const number = Number(text)
  return { double_value: Number.isFinite(number) ? number : String(number) }
}

/** Integers that no field of 64 bits holds are told as texts. */
const integerValue = (exact: bigint): Json =>
  BigInt.asIntN(64, exact) === exact ? { int_value: narrow(exact) } : { string_value: String(exact) }

const toPairs = (values: Json): Pair[] =>
  Object.entries(values).map(([key, value]) => {
    const any = toAnyValue(value)
    return { key, ...(value !== null && value !== undefined && { value: any }) }
  })

const exact = (value: unknown) => (value instanceof SpelledNumber ? narrow(BigInt(value.text)) : value)
const ifFilled = (field: string, list: unknown[]) => (list.length > 0 ? { [field]: list } : {})

/** @see mlflow/entities/span.py Span.to_otel_proto */
export function toOtlpSpan(content: string): Json {
  const span = parseJsonAsSpelled(content) as Json
  const attributes = Object.fromEntries(
    Object.entries(span.attributes as Json).map(([key, stored]) => [key, readAttribute(stored)]),
  )
  const { code, message } = span.status as { code: string; message: string }
  const end = exact(span.end_time_unix_nano)
  return {
    trace_id: span.trace_id,
    span_id: span.span_id,
    ...(span.parent_span_id !== null && { parent_span_id: span.parent_span_id }),
    ...(span.name !== '' && { name: span.name }),
    start_time_unix_nano: exact(span.start_time_unix_nano),
    ...(end !== 0 && { end_time_unix_nano: end }),
    attributes: toPairs(attributes),
    ...ifFilled('events', (span.events as Json[]).map(toEvent)),
    ...ifFilled('links', (span.links as Json[]).flatMap(toLink)),
    status: {
      ...(message !== '' && { message }),
      ...(code !== 'STATUS_CODE_UNSET' && { code }),
    },
  }
}

const toEvent = (event: Json): Json => ({
  time_unix_nano: exact(event.time_unix_nano),
  name: event.name,
  ...ifFilled('attributes', toPairs(event.attributes as Json)),
})

/** Links whose ids are wider than OTLP's are left out. */
function toLink(link: Json): Json[] {
  const [traceId, spanId] = [String(link.trace_id).replace(/^tr-/, ''), String(link.span_id)]
  if (traceId.length > 32 || spanId.length > 16) return []
  return [
    {
      trace_id: Buffer.from(traceId, 'hex').toString('base64'),
      span_id: Buffer.from(spanId, 'hex').toString('base64'),
      ...(link.attributes ? ifFilled('attributes', toPairs(link.attributes as Json)) : {}),
    },
  ]
}
