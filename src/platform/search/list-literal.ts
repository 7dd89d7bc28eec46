// Reads the list behind IN and NOT IN. Stock evaluates it as a Python literal, hence Python's string escapes.
import { invalidParameter } from '../../errors.ts'
import { parseInt64 } from '../wire/int64.ts'
import { checkText } from '../wire/message.ts'
import { pythonFloat, pythonRepr } from '../wire/python.ts'
import { MAX_DEPTH } from './grouping.ts'

const ILL_FORMED =
  'While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list.'
const EMPTY =
  'While parsing a list in the query, expected a non-empty list of string values, but got empty list'
const OTHER_TYPE =
  'While parsing a list in the query, expected string value, punctuation, or whitespace, ' +
  'but got different type in list: '

const OPEN = /\([ \t\f\r\n]*/y
const COMMA = /[ \t\f\r\n]*,[ \t\f\r\n]*/y
const CLOSE = /[ \t\f\r\n]*\)/y
const STRING = /([uUrR]?)('[^'\\\n]*(?:\\.[^'\\\n]*)*'|"[^"\\\n]*(?:\\.[^"\\\n]*)*")/sy
const NUMBER = /-?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)/y

const SIMPLE_ESCAPES: Record<string, string> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}
const ESCAPE = /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/gs

/** A text, a number as written, or a list in the list. */
type Item = string | { number: string } | Item[]

/**
 * The strings of a list such as `('a', "b",)`; with `allowEmpty`, `()` is a list too. Further parentheses around the
 * list or an item do no harm.
 * @param text from the opening parenthesis to the closing one, at most 100 levels deep
 * @throws INVALID_PARAMETER_VALUE for anything but strings. Two strings without a comma are refused too: Python
 *   would join them, so that `('it''s')` would be read as `its`.
 * @see mlflow/utils/search_utils.py SearchUtils._parse_list_from_sql_token
 */
export function readStringList(text: string, { allowEmpty = false } = {}): string[] {
  const cursor = { text, offset: 0 }
  const item = readItem(cursor)
  if (cursor.offset < text.length) throw illFormed()
  const items = Array.isArray(item) ? item : [item]
  if (items.length === 0 && !allowEmpty) throw invalidParameter(EMPTY)
  const strings = items.filter((item) => typeof item === 'string')
  if (strings.length === items.length) return strings
  throw invalidParameter(OTHER_TYPE + pythonTuple(items))
}

const illFormed = () => invalidParameter(ILL_FORMED)

interface Cursor {
  readonly text: string
  offset: number
}

function take(cursor: Cursor, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = cursor.offset
  const match = pattern.exec(cursor.text)
  if (match) cursor.offset = pattern.lastIndex
  return match
}

/** Parentheses make a list only with a comma or nothing in them; else they are the item itself. */
function readItem(cursor: Cursor, depth = 1): Item {
  const string = take(cursor, STRING)
  if (string) return readString(string[1] as string, (string[2] as string).slice(1, -1))
  const number = take(cursor, NUMBER)
  if (number) return { number: number[0] }
  if (depth > MAX_DEPTH || !take(cursor, OPEN)) throw illFormed()
  const items: Item[] = []
  for (;;) {
    if (take(cursor, CLOSE)) return items
    items.push(readItem(cursor, depth + 1))
    const comma = take(cursor, COMMA)
    if (!comma && !take(cursor, CLOSE)) throw illFormed()
    if (!comma) return items.length === 1 ? (items[0] as Item) : items
  }
}

function readString(prefix: string, body: string): string {
  if (prefix.toLowerCase() === 'r') return body
  const value = body.replace(ESCAPE, (whole, octal, x, u4, u8, character) => {
    if (character !== undefined) {
      if ('xuUN'.includes(character)) throw invalidParameter(ILL_FORMED)
      return SIMPLE_ESCAPES[character] ?? whole
    }
    const code = octal ? Number.parseInt(octal, 8) : Number.parseInt(x ?? u4 ?? u8, 16)
    if (code > 0x10ffff) throw invalidParameter(ILL_FORMED)
    return String.fromCodePoint(code)
  })
  return checkText(value)
}

function pythonTuple(items: Item[]): string {
  const texts = items.map((item) => {
    if (Array.isArray(item)) return pythonTuple(item)
    return typeof item === 'string' ? pythonRepr(item) : pythonNumber(item.number)
  })
  return texts.length === 1 ? `(${texts[0]},)` : `(${texts.join(', ')})`
}

/** Python spells an integer as it was written, a float with at least one digit behind the point. */
function pythonNumber(text: string): string {
  return /^-?\d+$/.test(text) ? String(parseInt64(text) ?? text) : pythonFloat(Number(text))
}
