// Attributes of spans as stock's Python reads them: each is a JSON text.
import { parseJsonAsSpelled, SpelledNumber } from '../../platform/wire/int64.ts'

/** JSON texts by key. */
export type Attributes = Map<string, string>

export interface SpanEvent {
  name: string
  attributes: Attributes
}

/** What a JSON text says, its numbers as they are spelled; a text that is no JSON is itself. */
export function decode(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return parseJsonAsSpelled(text)
  } catch {
    return text
  }
}

/** The same for what may hold JSON once more. */
export const decodeTwice = (text: string | undefined): unknown => {
  const value = decode(text)
  return typeof value === 'string' ? decode(value) : value
}

/** What Python takes for nothing. */
const EMPTY = /^\s*(?:""|\[\s*\]|\{\s*\}|null|false|-?0+(?:\.0*)?(?:e[+-]?\d+)?)\s*$/i

/** The text of an attribute that says something. @see mlflow/tracing/otel/translation/base.py _get_and_check_attribute_value */
export function filled(attributes: Attributes, key: string): string | undefined {
  const text = attributes.get(key)
  return text === undefined || EMPTY.test(text) ? undefined : text
}

/** The first attribute that says something: of a pattern, in the order of the span. */
export function firstFilled(
  attributes: Attributes,
  keys: readonly (string | RegExp)[] = [],
): string | undefined {
  for (const key of keys) {
    const names = typeof key === 'string' ? [key] : [...attributes.keys()].filter((name) => key.test(name))
    for (const name of names) {
      const text = filled(attributes, name)
      if (text !== undefined) return text
    }
  }
  return undefined
}

const INTEGER = /^\s*[+-]?\d+(?:_\d+)*\s*$/

/** An integer, or the text of one; undefined for anything else. @see mlflow/tracing/otel/translation _parse_int_attribute */
export function integerOf(text: string | undefined): bigint | undefined {
  const value = decode(text)
  const digits = value instanceof SpelledNumber ? value.text : value
  if (typeof digits !== 'string' || !INTEGER.test(digits) || digits.length > MAX_DIGITS) return undefined
  return BigInt(digits.replaceAll('_', '').trim().replace('+', ''))
}

/** Digits that Python reads at most. */
const MAX_DIGITS = 4300
