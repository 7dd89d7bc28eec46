// Exports of OpenTelemetry spans as tests spell them: OTLP's JSON, sent as protobuf or as JSON.
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf'
import { ExportTraceServiceRequestSchema } from '../../src/genai/traces/otlp-trace-service.pb.ts'

/** The body of `POST /v1/traces`. Ids are hex digits, as in OTLP's JSON. */
export interface OtlpBody {
  otlp: unknown
  as: 'protobuf' | 'json'
  headers: Record<string, string>
  compression?: 'gzip' | 'deflate' | 'raw deflate'
}

/** An export of these spans, of one resource and one scope. */
export const spansExport = (spans: readonly unknown[]) => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] })

export const isOtlp = (body: unknown): body is OtlpBody =>
  typeof body === 'object' && body !== null && 'otlp' in body

const COMPRESS = { gzip: gzipSync, deflate: deflateSync, 'raw deflate': deflateRawSync }

export function encodeOtlp({ otlp, as, headers, compression }: OtlpBody) {
  const bytes =
    as === 'json'
      ? Buffer.from(JSON.stringify(otlp))
      : Buffer.from(
          toBinary(
            ExportTraceServiceRequestSchema,
            fromJson(ExportTraceServiceRequestSchema, inBase64(otlp)),
          ),
        )
  return {
    headers: {
      // Stock closes connections whose body it does not read.
      connection: 'close',
      'content-type': as === 'json' ? 'application/json' : 'application/x-protobuf',
      ...(compression && { 'content-encoding': compression.replace('raw ', '') }),
      ...headers,
    },
    payload: compression ? COMPRESS[compression](bytes) : bytes,
  }
}

/** Protobuf's own JSON has bytes in base64. */
function inBase64(value: unknown): JsonValue {
  if (Array.isArray(value)) return value.map(inBase64)
  if (typeof value !== 'object' || value === null) return value as JsonValue
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      /^(traceId|spanId|parentSpanId)$/.test(key)
        ? Buffer.from(String(item), 'hex').toString('base64')
        : inBase64(item),
    ]),
  )
}
