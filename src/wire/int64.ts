// 64-bit integers: a JavaScript number where it is exact, a bigint beyond 2^53. MLflow answers JSON numbers.
import { randomBytes } from 'node:crypto'

export type Int64 = number | bigint

const MAX = 2n ** 63n - 1n
const MIN = -(2n ** 63n)

/** Reads a protobuf-JSON int64 (integer number or decimal string); undefined for none, or one out of range. */
export function parseInt64(value: unknown): Int64 | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined
  if (typeof value === 'string' && !/^[+-]?\d{1,40}$/.test(value.trim())) return undefined
  if (typeof value !== 'bigint' && typeof value !== 'string') return undefined
  const exact = BigInt(typeof value === 'string' ? value.trim().replace('+', '') : value)
  return exact > MAX || exact < MIN ? undefined : narrow(exact)
}

/** CrateDB keeps the two outermost values of BIGINT to itself and would skip a row that holds one. */
export const isStorable = (value: Int64): boolean => value !== MAX && value !== MIN

/** The number for an exact integer within 2^53, else the bigint itself. */
export function narrow(exact: bigint): Int64 {
  const number = Number(exact)
  return Number.isSafeInteger(number) ? number : exact
}

/** A stored integer as drivers give it. Texts of up to 15 characters are exact as numbers, ten times faster. */
export const readInt64 = (stored: string | number | bigint): Int64 =>
  typeof stored === 'number' || (typeof stored === 'string' && stored.length < 16)
    ? Number(stored)
    : narrow(BigInt(stored))

// A client cannot know this mark, so no text of a client can pass for a number.
const MARK = `int64:${randomBytes(9).toString('base64url')}:`
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, 'g')

/** JSON.stringify that writes bigints as JSON numbers, as MLflow does for int64 fields. */
export function stringify(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    // There are bigints, which is rare; asking for each value whether it is one takes five times as long.
    return stringifyBigInts(value)
  }
}

const stringifyBigInts = (value: unknown): string =>
  JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? MARK + item : item)).replace(MARKED, '$1')

const NUMBERS = /-?\b(?:Infinity|NaN)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/**
 * JSON.parse that also takes what Python's json module takes (bare NaN and Infinity) and keeps integers
 * beyond 2^53 exact by leaving them as decimal strings, which int64 fields accept.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  // Digits behind a point are none of an integer; most batches of metrics have them.
  if (!/(?<![.\d])\d{16}|NaN|Infinity/.test(text)) return JSON.parse(text)
  const parts: string[] = []
  for (const [part, string] of jsonParts(text)) parts.push(part.replace(NUMBERS, quoteInexact), string)
  return JSON.parse(parts.join(''))
}

const quoteInexact = (token: string) =>
  /^-?\d{16,}$/.test(token) || /NaN|Infinity/.test(token) ? `"${token}"` : token

/**
 * Cuts a JSON text into pairs of what stands before a string and the string, in linear time; a regular expression
 * would need its square. The last string is empty.
 */
export function* jsonParts(json: string): Generator<[outside: string, string: string]> {
  let offset = 0
  for (;;) {
    const opening = json.indexOf('"', offset)
    if (opening < 0) break
    const end = endOfString(json, opening)
    yield [json.slice(offset, opening), json.slice(opening, end)]
    offset = end
  }
  yield [json.slice(offset), '']
}

/** The offset behind the quote that closes the string; the end of the text when none does. */
function endOfString(json: string, opening: number): number {
  for (let quote = opening; ; ) {
    quote = json.indexOf('"', quote + 1)
    if (quote < 0) return json.length
    let backslashes = 0
    while (json[quote - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return quote + 1
  }
}
