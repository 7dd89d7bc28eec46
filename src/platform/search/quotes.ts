// Quotes around keys and values, and Python's idea of white space and numbers in text.
import { invalidParameter } from '../../errors.ts'

const isQuoted = (text: string, quote: string) =>
  text.length >= 2 && text.startsWith(quote) && text.endsWith(quote)

/** Without the backticks around it, if there are any. */
export const trimBackticks = (text: string): string => (isQuoted(text, '`') ? text.slice(1, -1) : text)

/** Without the single or double quotes around it, if there are any. What is inside stays as it is. */
export const trimQuotes = (text: string): string =>
  isQuoted(text, "'") || isQuoted(text, '"') ? text.slice(1, -1) : text

/** @throws INVALID_PARAMETER_VALUE when there are no quotes around it */
export function unquote(text: string): string {
  if (isQuoted(text, "'") || isQuoted(text, '"')) return text.slice(1, -1)
  throw invalidParameter(
    'Parameter value is either not quoted or unidentified quote types used for string value ' +
      `${text}. Use either single or double quotes.`,
  )
}

const SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]*'
const OUTER_SPACE = new RegExp(`^${SPACE}`)
const INTEGER = /^[+-]?\d+(?:_\d+)*$/
const FLOAT = /^[+-]?(?:(?:\d+(?:_\d+)*)(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/i
const NAMED_FLOAT = /^([+-]?)(?:(inf(?:inity)?)|nan)$/i

/** `text.strip()` */
export function pythonTrim(text: string): string {
  const leading = OUTER_SPACE.exec(text)?.[0].length ?? 0
  let end = text.length
  while (end > leading && OUTER_SPACE.exec(text[end - 1] as string)?.[0]) end -= 1
  return text.slice(leading, end)
}

/** The digits of `int(text)`, without underscores; undefined where Python raises. */
export function readPythonInteger(text: string): string | undefined {
  const digits = pythonTrim(text)
  return INTEGER.test(digits) ? digits.replaceAll('_', '') : undefined
}

/** `float(text)`, which may be NaN or infinite; undefined where Python raises. */
export function readPythonFloat(text: string): number | undefined {
  const digits = pythonTrim(text)
  if (FLOAT.test(digits)) return Number(digits.replaceAll('_', ''))
  const named = NAMED_FLOAT.exec(digits)
  if (!named) return undefined
  return named[2] ? (named[1] === '-' ? -Infinity : Infinity) : Number.NaN
}
