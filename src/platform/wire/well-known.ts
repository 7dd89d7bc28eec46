// Fields of protobuf's own messages: times, durations, maps, masks and values of any kind.
import { z } from 'zod'
import { SpelledNumber } from './int64.ts'
import { isStorableText, text } from './message.ts'
import { pythonDumps, pythonFloat } from './python.ts'
import { parseDuration, parseTimestamp } from './times.ts'

/** A text that `parse` reads, or that the request is refused for. */
const parsed = <T>(parse: (text: string) => T | undefined) =>
  z.string().transform((value, context): T => {
    const read = parse(value)
    if (read !== undefined) return read
    context.addIssue({ code: 'invalid_type', expected: 'string', input: value })
    return z.NEVER
  })

/** A Timestamp field: RFC 3339 in, milliseconds out. */
export const timestamp = () => parsed(parseTimestamp)

/** A Duration field: seconds as `1.250s` in, milliseconds out. */
export const duration = () => parsed(parseDuration)

/** A map of texts to texts. */
export const textMap = () => z.record(z.string(), text())

/** A FieldMask field: `assessmentName,feedback` in, the names of fields out. Those with `_` are refused, as by protobuf. */
export const fieldMask = () =>
  parsed((value) => {
    if (value.includes('_')) return undefined
    const paths = value === '' ? [] : value.split(',')
    return paths.map((path) => path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
  })

/** Levels of nesting that a value may have; protobuf takes half as many or so. */
const MAX_DEPTH = 100

/**
 * A Value field: any JSON in, its text as Python dumps it out, in which all numbers are floats. Infinities and NaN, which have
 * no place in such a field, are refused.
 */
export const anyValue = () =>
  z.unknown().transform((value, context): string => {
    const plain = withFloats(value, 0)
    if (plain !== undefined) return pythonDumps(plain)
    context.addIssue({ code: 'invalid_type', expected: 'unknown', input: value })
    return z.NEVER
  })

/** The value with its numbers as floats; undefined for one that protobuf refuses. */
function withFloats(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) return undefined
  if (typeof value === 'number' || typeof value === 'bigint') {
    const float = Number(value)
    return Number.isFinite(float) ? new SpelledNumber(pythonFloat(float)) : undefined
  }
  if (typeof value === 'string') return /\p{Surrogate}/u.test(value) ? undefined : value
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).map(([key, item]) => [key, withFloats(item, depth + 1)] as const)
  if (entries.some(([key, item]) => item === undefined || !isStorableText(key))) return undefined
  return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries)
}
