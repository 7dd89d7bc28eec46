// Values of OTLP as Python's json module spells them: spans keep every attribute as such a text.
import { pythonFloat } from '../../platform/wire/python.ts'
import type { AnyValue, KeyValue } from './otlp-common.pb.ts'

/** Protobuf's own limit of nesting. */
const MAX_DEPTH = 100

const ESCAPES: Record<number, string> = { 9: '\\t', 10: '\\n', 13: '\\r', 39: "\\'", 92: '\\\\' }

/** `repr(bytes)` in Python, which is how stock writes bytes into JSON. */
function bytesRepr(bytes: Uint8Array): string {
  const quote = bytes.includes(39) && !bytes.includes(34) ? '"' : "'"
  let text = ''
  for (const byte of bytes) {
    if (byte === 39 && quote === '"') text += "'"
    else if (ESCAPES[byte]) text += ESCAPES[byte]
    else if (byte < 32 || byte > 126) text += `\\x${byte.toString(16).padStart(2, '0')}`
    else text += String.fromCharCode(byte)
  }
  return `b${quote}${text}${quote}`
}

function doubleJson(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity'
  return pythonFloat(value)
}

/**
 * `json.dumps(value, ensure_ascii=False)` of an OTLP value; null for none.
 * @throws RangeError for values that are nested deeper than protobuf allows
 * @see mlflow/tracing/utils/otlp.py _decode_otel_proto_anyvalue
 */
export function dumpAnyValue(any: AnyValue | undefined, depth = 0): string {
  if (depth > MAX_DEPTH) throw new RangeError('Nested too deep')
  const value = any?.value
  switch (value?.case) {
    case 'stringValue':
      return JSON.stringify(value.value)
    case 'bytesValue':
      return JSON.stringify(bytesRepr(value.value))
    case 'doubleValue':
      return doubleJson(value.value)
    case 'arrayValue':
      return `[${value.value.values.map((item) => dumpAnyValue(item, depth + 1)).join(', ')}]`
    case 'kvlistValue':
      return dumpKeyValues(value.value.values, depth + 1)
    case 'boolValue':
    case 'intValue':
    case 'stringValueStrindex':
      return String(value.value)
    default:
      return 'null'
  }
}

/** A JSON object of OTLP attributes: the last value of a key counts, at the place of the first. */
export function dumpKeyValues(pairs: readonly KeyValue[], depth = 0): string {
  const values = new Map(pairs.map(({ key, value }) => [key, dumpAnyValue(value, depth)]))
  return `{${[...values].map(([key, json]) => `${JSON.stringify(key)}: ${json}`).join(', ')}}`
}
