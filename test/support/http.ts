// Requests of tests, whoever answers them.
import { parseJson } from '../../src/platform/wire/int64.ts'
import { encodeOtlp, isOtlp } from './otlp.ts'

export interface HttpAnswer {
  status: number
  contentType: string
  /** Decoded JSON; text that is no JSON as a string. Integers beyond 2^53 and NaN are strings. */
  body: unknown
}

/** A body that is sent as it is, for requests that no client would make. */
export interface RawBody {
  raw: string
  contentType?: string
}

const isRaw = (body: unknown): body is RawBody => typeof body === 'object' && body !== null && 'raw' in body

/** Headers and payload for a body: JSON unless it is raw or an export of OTLP; none for undefined. */
export function encodeBody(body: unknown): {
  headers: Record<string, string>
  payload: string | Buffer<ArrayBuffer> | undefined
} {
  if (isOtlp(body)) return encodeOtlp(body)
  if (body === undefined) return { headers: {}, payload: undefined }
  if (!isRaw(body)) return { headers: { 'content-type': 'application/json' }, payload: JSON.stringify(body) }
  return { headers: body.contentType ? { 'content-type': body.contentType } : {}, payload: body.raw }
}

export function decodeAnswer(
  status: number,
  contentType: string | null | undefined,
  text: string,
): HttpAnswer {
  const type = (contentType ?? '').split(';')[0] ?? ''
  try {
    return { status, contentType: type, body: withTexts(parseJson(text)) }
  } catch {
    return { status, contentType: type, body: text }
  }
}

/** Numbers that JSON has not, or JavaScript would round, as texts. */
function withTexts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTexts)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withTexts(item)]))
  const isUnusual = typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))
  return isUnusual ? String(value) : value
}

/** Sends over HTTP. `body` is JSON unless it is a RawBody. */
export async function sendHttp(
  url: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<HttpAnswer> {
  const { headers, payload } = encodeBody(body)
  // fetch sets a content type of its own for strings; a Blob without a type has none.
  const data = payload === undefined ? undefined : new Blob([payload])
  const response = await fetch(url + path, { method, headers, ...(data && { body: data }) })
  return decodeAnswer(response.status, response.headers.get('content-type'), await response.text())
}
