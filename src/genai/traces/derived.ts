// What stock MLflow derives from spans: the row of their trace, its tags and metadata.
import { checkKey, checkLength, truncate } from '../../platform/wire/names.ts'
import { escapeNonAscii } from '../../platform/wire/python.ts'
import { dumpAnyValue } from './any-value.ts'
import { ATTRIBUTE, IN_TABLES, METADATA, TAG } from './ids.ts'
import type { TraceAddition } from './ingest.store.ts'
import { monthOfTrace } from './months.ts'
import type { KeyValue } from './otlp-common.pb.ts'
import { previewOf } from './previews.ts'
import { type IncomingSpan, textOf } from './spans.ts'
import type { SpanRow } from './tables.ts'
import { costsOf, NO_COSTS, NO_TOKENS, readObject } from './usage.schema.ts'

export const MAX_TAG_KEY_LENGTH = 250
export const MAX_TAG_VALUE_LENGTH = 8000
export const MAX_NAME_LENGTH = 4096
export const MAX_SESSION_LENGTH = 250
const MAX_MODEL_LENGTH = 500

/** No engine keeps NUL; an index of CrateDB takes 32,766 bytes, hence 8000 characters. */
export const indexed = (text: string, length = MAX_TAG_VALUE_LENGTH): string =>
  truncate(text.replace(/\0|\p{Surrogate}/gu, '\ufffd'), length)

/**
 * What these spans, which are of one trace, add to it.
 * @throws INVALID_PARAMETER_VALUE for a session id or a name that is too long
 * @see mlflow/store/tracking/sqlalchemy_store.py _log_spans_once
 */
export function deriveTrace(
  spans: readonly IncomingSpan[],
  experiment: { experimentId: string; artifactLocation: (traceId: string) => string },
  nowMs: number,
): TraceAddition {
  const [{ traceId } = { traceId: '' }] = spans
  const { experimentId } = experiment
  const item = (key: string, value: string) => ({ traceId, key, value: indexed(value), experimentId })
  const timestampMs = outermost(
    spans.map(({ startNs }) => toMs(startNs)),
    Math.min,
  )
  const ends = spans.flatMap(({ endNs }) => (endNs === null ? [] : [toMs(endNs)]))
  const month = monthOfTrace(timestampMs, nowMs)
  const root = spans.find(({ parentSpanId }) => parentSpanId === null)
  const lastRoot = spans.findLast(({ parentSpanId }) => parentSpanId === null)
  const tags = userTags(spans)
  const name = tags.get(TAG.traceName)
  tags.delete(TAG.traceName)
  const session = firstValue(spans, [ATTRIBUTE.sessionId, ATTRIBUTE.conversationId])
  const user = firstValue(spans, [ATTRIBUTE.userId])
  const rows = spans.map((span) => toRow(span, month, experimentId))
  return {
    trace: {
      traceId,
      experimentId,
      month,
      timestampMs,
      endMs: ends.length > 0 ? outermost(ends, Math.max) : null,
      status: root ? (root.status === 'ERROR' ? 'ERROR' : 'OK') : 'IN_PROGRESS',
      clientRequestId: null,
      requestPreview: preview(lastRoot, ATTRIBUTE.inputs, 'user'),
      responsePreview: preview(lastRoot, ATTRIBUTE.outputs, 'assistant'),
      traceName: name === undefined ? null : indexed(checkLength('Trace name', MAX_NAME_LENGTH, name)),
      sessionId: session ? indexed(checkLength('Session ID', MAX_SESSION_LENGTH, session)) : null,
      ...NO_TOKENS,
      ...NO_COSTS,
      isFinal: false,
      hasGivenTokens: false,
      hasGivenCost: false,
      hasUsage: rows.some(({ usage, cost }) => usage !== null || cost !== null),
      generation: 0,
    },
    spans: rows,
    tags: [item(TAG.spansLocation, IN_TABLES), ...[...tags].map(([key, value]) => item(key, value))],
    firstTags: [item(TAG.artifactLocation, experiment.artifactLocation(traceId))],
    firstMetadata: user ? [item(METADATA.user, user)] : [],
    metadata: [],
  }
}

const toMs = (ns: bigint) => Number(ns / 1_000_000n)

/** An export holds more spans than a call takes arguments. */
const outermost = (times: readonly number[], choose: (one: number, other: number) => number) =>
  times.reduce((one, other) => choose(one, other))

const preview = (root: IncomingSpan | undefined, key: string, role: 'user' | 'assistant') => {
  const json = root?.attributes.get(key)
  return json ? indexed(previewOf(json, role)) : null
}

/** The first value that any of the spans tells under one of the keys. */
function firstValue(spans: readonly IncomingSpan[], keys: readonly string[]): string | undefined {
  for (const { attributes } of spans) {
    for (const key of keys) {
      const json = attributes.get(key)
      if (json) return textOf(json)
    }
  }
  return undefined
}

/** Tags from what sent the spans and, above them, those that the client set on its trace. Keys that are none are left out. */
function userTags(spans: readonly IncomingSpan[]): Map<string, string> {
  const tags = new Map<string, string>()
  const add = (key: string, value: string) => {
    if (isTagKey(key)) tags.set(key, truncate(value, MAX_TAG_VALUE_LENGTH))
  }
  for (const { key, value } of spans.find(({ resource }) => resource.length > 0)?.resource ?? []) {
    if (!key.startsWith('telemetry.sdk.') && !key.startsWith('mlflow.')) {
      const text = resourceText(value)
      if (text !== undefined) add(key, text)
    }
  }
  for (const { parentSpanId, attributes } of spans) {
    if (parentSpanId !== null) continue
    for (const [key, json] of attributes) {
      if (key.startsWith(ATTRIBUTE.traceTagPrefix))
        add(key.slice(ATTRIBUTE.traceTagPrefix.length), textOf(json))
    }
  }
  return tags
}

function isTagKey(key: string): boolean {
  try {
    checkLength('key', MAX_TAG_KEY_LENGTH, checkKey(key, 'key'))
    return true
  } catch {
    return false
  }
}

/** OpenTelemetry's SDK keeps no objects in resources. */
function resourceText(value: KeyValue['value']): string | undefined {
  const { case: kind, value: inner } = value?.value ?? {}
  if (kind === undefined || kind === 'kvlistValue') return undefined
  if (kind === 'stringValue') return inner as string
  if (kind === 'bytesValue') return Buffer.from(inner as Uint8Array).toString()
  return escapeNonAscii(dumpAnyValue(value))
}

function toRow(span: IncomingSpan, month: string, experimentId: string): SpanRow {
  const { attributes } = span
  const json = (key: string) => attributes.get(key) ?? null
  const text = (key: string, length: number) => {
    const value = attributes.get(key)
    return value === undefined ? null : indexed(textOf(value), length)
  }
  const object = (key: string) => (readObject(json(key)) ? json(key) : null)
  const cost = object(ATTRIBUTE.cost)
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    month,
    experimentId,
    parentSpanId: span.parentSpanId,
    name: indexed(span.name),
    type: span.type === '' ? null : indexed(span.type, MAX_MODEL_LENGTH),
    status: span.status,
    startTimeNs: span.startNs,
    endTimeNs: span.endNs,
    content: span.toJson(),
    usage: object(ATTRIBUTE.usage),
    cost,
    ...(cost === null ? NO_COSTS : costsOf(readObject(cost) ?? {})),
    modelName: text(ATTRIBUTE.model, MAX_MODEL_LENGTH),
    modelProvider: text(ATTRIBUTE.modelProvider, MAX_MODEL_LENGTH),
  }
}
