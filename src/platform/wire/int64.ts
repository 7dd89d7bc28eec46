// 64-bit integers: a JavaScript number where it is exact, a bigint beyond 2^53. MLflow answers JSON numbers.
import { randomBytes } from 'node:crypto'

export type Int64 = number | bigint

const MAX = 2n ** 63n - 1n
const MIN = -(2n ** 63n)

/** Reads an integer (number, bigint or decimal string); undefined for none, or one beyond 64 bits. */
export function parseInt64(value: unknown): Int64 | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined
  if (typeof value === 'string' && !/^[+-]?\d{1,40}$/.test(value.trim())) return undefined
  if (typeof value !== 'bigint' && typeof value !== 'string') return undefined
  const exact = BigInt(typeof value === 'string' ? value.trim().replace('+', '') : value)
  return exact > MAX || exact < MIN ? undefined : narrow(exact)
}

/** The number for an exact integer within 2^53, else the bigint itself. */
export function narrow(exact: bigint): Int64 {
  const number = Number(exact)
  return Number.isSafeInteger(number) ? number : exact
}

/** The greatest multiple of the size that is not above the integer; it may lie below 64 bits. */
export function floorTo(at: Int64, size: number): Int64 {
  if (typeof at === 'number') {
    const start = at - (((at % size) + size) % size)
    if (Number.isSafeInteger(start)) return start + 0
  }
  const [value, length] = [BigInt(at), BigInt(size)]
  return narrow(value - (((value % length) + length) % length))
}

/** A stored integer as drivers give it. Texts of up to 15 characters are exact as numbers, ten times faster. */
export const readInt64 = (stored: string | number | bigint): Int64 =>
  typeof stored === 'number' || (typeof stored === 'string' && stored.length < 16)
    ? Number(stored)
    : narrow(BigInt(stored))

// A client cannot know this mark, so no text of a client can pass for a number.
const MARK = `number:${randomBytes(9).toString('base64url')}:`
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
/** What JSON has not, or JavaScript would round. */
const INEXACT = /^(?:-?[1-9]\d{15,}|-?Infinity|NaN)$/
/** More digits than any integer field takes; Python's floats have no more than 308. */
const MAX_DIGITS = 400

/**
 * JSON.parse that also takes what Python's json module takes (bare NaN and Infinity) and answers integers beyond 2^53
 * as bigints.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  // Where a number may begin: digits behind a point are none, nor are those of ids in quotes.
  if (!/(?:^|[\s:,[-])\d{16}|NaN|Infinity/.test(text)) return JSON.parse(text)
  return parseMarked(text, INEXACT, (token) =>
    /[NI]/.test(token) || token.length > MAX_DIGITS ? Number(token) : narrow(BigInt(token)),
  )
}

/** What a JSON text says, read by `parseJson`; undefined for what is none. */
export function tryParseJson(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

/** A number as a JSON text spells it. */
export class SpelledNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export type JsonObject = Record<string, unknown>

/** Whether a parsed value is a JSON object, however its numbers were read. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof SpelledNumber)

/** Like `parseJson`, with every number as it is spelled. @throws SyntaxError */
export const parseJsonAsSpelled = (text: string): unknown =>
  parseMarked(text, /^/, (token) => new SpelledNumber(token))

/** JSON.parse with `read` for the numbers that match, which are marked texts on the way. */
function parseMarked(text: string, marked: RegExp, read: (token: string) => unknown): unknown {
  const parts: string[] = []
  const mark = (token: string) => (marked.test(token) ? `"${MARK}${token}"` : token)
  for (const [part, string] of jsonParts(text)) parts.push(part.replace(NUMBERS, mark), string)
  return JSON.parse(parts.join(''), (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? read(value.slice(MARK.length)) : value,
  )
}

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
