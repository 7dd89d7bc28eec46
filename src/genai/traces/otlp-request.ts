// Reads the body of an OTLP/HTTP export: decompressed, protobuf or JSON.
import { promisify } from 'node:util'
import { gunzip, type InputType, inflate, inflateRaw, type ZlibOptions } from 'node:zlib'
import { fromBinary, fromJson, type JsonValue } from '@bufbuild/protobuf'
import { parseJson } from '../../platform/wire/int64.ts'
import { checkSize, ExportSize, TooMuch } from './otlp-size.ts'
import { type ExportTraceServiceRequest, ExportTraceServiceRequestSchema } from './otlp-trace-service.pb.ts'

/** Why an export is refused: FastAPI's form of an error, which stock answers here. */
export class OtlpRefusal extends Error {
  readonly status: number

  constructor(status: number, detail: string) {
    super(detail)
    this.status = status
  }
}

export interface ExportHeaders {
  contentType?: string | undefined
  contentEncoding?: string | undefined
}

/** Bytes of a decompressed body at most, as of any other. */
const MAX_BYTES = 64 * 1024 * 1024

type Unpack = (bytes: InputType, options: ZlibOptions) => Promise<Buffer>
const unpackers = {
  gunzip: promisify(gunzip) as Unpack,
  inflate: promisify(inflate) as Unpack,
  inflateRaw: promisify(inflateRaw) as Unpack,
}

async function unpack(by: keyof typeof unpackers, bytes: Buffer): Promise<Buffer> {
  try {
    return await unpackers[by](bytes, { maxOutputLength: MAX_BYTES })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new OtlpRefusal(413, 'The decompressed payload is too large')
    }
    throw error
  }
}

/** @see mlflow/tracing/utils/otlp.py decompress_otlp_body */
async function decompress(bytes: Buffer, encoding: string): Promise<Buffer> {
  const refuse = (error: unknown) => {
    throw error instanceof OtlpRefusal
      ? error
      : new OtlpRefusal(400, `Failed to decompress ${encoding} payload`)
  }
  if (encoding === 'gzip') return unpack('gunzip', bytes).catch(refuse)
  if (encoding !== 'deflate') throw new OtlpRefusal(400, `Unsupported Content-Encoding: ${encoding}`)
  // Some clients send it without zlib's header.
  return unpack('inflate', bytes)
    .catch((error) => (error instanceof OtlpRefusal ? refuse(error) : unpack('inflateRaw', bytes)))
    .catch(refuse)
}

/**
 * Reads an export of spans.
 * @throws OtlpRefusal
 * @see mlflow/server/otel_api.py export_traces
 */
export async function readExport(
  bytes: Buffer,
  { contentType, contentEncoding }: ExportHeaders,
): Promise<ExportTraceServiceRequest> {
  const type = contentType?.split(';')[0]?.trim()
  if (type !== 'application/x-protobuf' && type !== 'application/json') {
    throw new OtlpRefusal(
      400,
      `Invalid Content-Type: ${contentType ?? 'None'}. Expected: application/x-protobuf or application/json`,
    )
  }
  const body = contentEncoding ? await decompress(bytes, contentEncoding.toLowerCase()) : bytes
  const request = decode(body, type === 'application/json')
  if (request.resourceSpans.length > 0) return request
  throw new OtlpRefusal(400, 'Invalid OpenTelemetry format - no spans found')
}

function decode(body: Buffer, isJson: boolean): ExportTraceServiceRequest {
  try {
    if (!isJson) {
      checkSize(body)
      return fromBinary(ExportTraceServiceRequestSchema, body, { readUnknownFields: false })
    }
    const json = withBase64Ids(parseJson(new TextDecoder('utf-8', { fatal: true }).decode(body)))
    return fromJson(ExportTraceServiceRequestSchema, json, { ignoreUnknownFields: true })
  } catch (error) {
    if (error instanceof TooMuch) throw new OtlpRefusal(413, error.message)
    throw new OtlpRefusal(400, 'Invalid OpenTelemetry format')
  }
}

type Json = Record<string, unknown>
const ID_FIELDS = ['traceId', 'spanId', 'parentSpanId']
const itemsOf = (parent: unknown, field: string): Json[] =>
  ((parent as Json)[field] as Json[] | undefined) ?? []

/** OTLP's JSON has the ids of spans in hex, protobuf's JSON bytes in base64. Those of links stay, as stock reads them. */
function withBase64Ids(body: unknown): JsonValue {
  const size = new ExportSize()
  for (const resource of itemsOf(body, 'resourceSpans')) {
    for (const scope of itemsOf(resource, 'scopeSpans')) {
      const spans = itemsOf(scope, 'spans')
      size.addSpans(spans.length)
      for (const span of spans) {
        for (const field of ID_FIELDS) if (span[field]) span[field] = hexToBase64(span[field])
      }
    }
  }
  return withTextIntegers(body, size) as JsonValue
}

/** @throws Error for what is no hex */
function hexToBase64(value: unknown): string {
  if (typeof value !== 'string' || !/^(?:\s*[0-9a-f]{2})*\s*$/i.test(value)) throw new Error('No hex')
  return Buffer.from(value.replace(/\s/g, ''), 'hex').toString('base64')
}

/** Protobuf's reader takes large integers as texts alone. */
function withTextIntegers(value: unknown, size: ExportSize): unknown {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return value.map((item) => withTextIntegers(item, size))
  if (typeof value !== 'object' || value === null) return value
  size.addMessage()
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withTextIntegers(item, size)]))
}
