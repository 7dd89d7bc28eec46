// Adds MLflow's own attributes to spans of other instrumentations, and what calls of known models cost.

import { isJsonObject } from '../../platform/wire/int64.ts'
import { ATTRIBUTE } from '../traces/ids.ts'
import { type Attributes, decode, filled, firstFilled, type SpanEvent } from './attributes.ts'
import { readerOf, type Tokens } from './convention.ts'
import { CONVENTIONS, EVENT_CONVENTIONS } from './conventions.ts'
import { costOf } from './prices.ts'

const READERS = CONVENTIONS.map(readerOf)

/** The first answer of any. */
function firstOf<Item, Answer>(items: readonly Item[], ask: (item: Item) => Answer | undefined) {
  for (const item of items) {
    const answer = ask(item)
    if (answer !== undefined) return answer
  }
  return undefined
}

/**
 * Adds what the attributes and events of a span tell in the words of any convention, unless it is there. Attributes that are nested deeper than can
 * be read are passed over.
 * @see mlflow/tracing/otel/translation/__init__.py translate_span_when_storing
 */
export function translate(attributes: Attributes, events: () => readonly SpanEvent[]): void {
  try {
    addAll(attributes, events)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
}

function addAll(attributes: Attributes, events: () => readonly SpanEvent[]): void {
  const add = (key: string, find: () => string | undefined) => {
    if (attributes.has(key)) return
    const value = find()
    if (value !== undefined) attributes.set(key, value)
  }
  const type = firstOf(READERS, (reader) => reader.type(attributes))
  const isUntold = [undefined, null, 'UNKNOWN'].includes(decode(attributes.get(ATTRIBUTE.spanType)) as never)
  if (type !== undefined && isUntold) attributes.set(ATTRIBUTE.spanType, JSON.stringify(type))
  add(
    ATTRIBUTE.inputs,
    () =>
      firstOf(READERS, (reader) => reader.inputs(attributes)) ??
      firstOf(EVENT_CONVENTIONS, (one) => one.events?.inputs?.(events(), attributes)),
  )
  add(
    ATTRIBUTE.outputs,
    () =>
      firstOf(READERS, (reader) => reader.outputs(attributes)) ??
      firstOf(EVENT_CONVENTIONS, (one) => one.events?.outputs?.(events(), attributes)),
  )
  add(ATTRIBUTE.usage, () => firstOf(READERS, (reader) => usageJson(reader.tokens(attributes))))
  add(ATTRIBUTE.messageFormat, () => {
    const format = firstOf(READERS, (reader) => reader.format(attributes))
    return format === undefined ? undefined : JSON.stringify(format)
  })
  add(ATTRIBUTE.chatTools, () => firstOf(CONVENTIONS, ({ tools }) => firstFilled(attributes, tools)))
  add(ATTRIBUTE.model, () => modelJson(attributes))
  add(ATTRIBUTE.modelProvider, () =>
    firstOf(CONVENTIONS, ({ provider }) => (provider ? asJson(filled(attributes, provider)) : undefined)),
  )
  add(ATTRIBUTE.cost, () =>
    costOf({
      model: decode(attributes.get(ATTRIBUTE.model)),
      usage: attributes.get(ATTRIBUTE.usage),
      provider: decode(attributes.get(ATTRIBUTE.modelProvider)),
    }),
  )
}

/** JSON of what an attribute says. */
function asJson(text: string | undefined): string | undefined {
  const value = decode(text)
  return typeof value === 'string' ? JSON.stringify(value) : text
}

function usageJson(tokens: Tokens): string | undefined {
  const { input, output, cacheRead, cacheWrite } = tokens
  const total = tokens.total ?? (input !== undefined && output !== undefined ? input + output : undefined)
  if (input === undefined && output === undefined && total === undefined) return undefined
  const counts = {
    input_tokens: input,
    output_tokens: output,
    total_tokens: total,
    cache_read_input_tokens: cacheRead,
    cache_creation_input_tokens: cacheWrite,
  }
  const told = Object.entries(counts).filter(([, count]) => count !== undefined)
  return `{${told.map(([key, count]) => `"${key}": ${count}`).join(', ')}}`
}

/** The model that a convention names, or else that the inputs or outputs name. */
function modelJson(attributes: Attributes): string | undefined {
  const named = firstOf(CONVENTIONS, ({ models }) => firstFilled(attributes, models))
  if (named !== undefined) return asJson(named)
  for (const key of [ATTRIBUTE.inputs, ATTRIBUTE.outputs]) {
    const text = attributes.get(key)
    // Inputs may have megabytes.
    if (!text?.includes('"model"')) continue
    const value = decode(text)
    const model = isJsonObject(value) ? value.model : undefined
    if (typeof model === 'string' && model) return JSON.stringify(model)
    if (model && typeof model !== 'string') return undefined
  }
  return undefined
}
