// Reads one order_by clause: a key and, after a space, ASC or DESC.
import { invalidParameter } from '../../errors.ts'
import { readOrRefuse } from './parser.ts'
import { pythonTrim } from './quotes.ts'

/**
 * The key as written (in quotes or not) and its direction; ascending unless told.
 * @throws INVALID_PARAMETER_VALUE
 * @see mlflow/utils/search_utils.py SearchUtils._parse_order_by_string
 */
export function readOrderBy(clause: string): { identifier: string; ascending: boolean } {
  const unreadable = () => invalidParameter(`Invalid order_by clause '${clause}'. Could not be parsed.`)
  const written = writtenKey(clause)
  if (written === undefined) throw unreadable()
  const words = splitWords(written.replaceAll('`', '"'))
  if (!words || words.length > 2) throw unreadable()
  const [key = '', direction] = words
  if (direction === undefined) return { identifier: pythonTrim(written), ascending: true }
  const order = direction.toLowerCase()
  if (order !== 'asc' && order !== 'desc') {
    throw invalidParameter(`Invalid ordering key in order_by clause '${clause}'.`)
  }
  return { identifier: pythonTrim(key), ascending: order === 'asc' }
}

/** The clause when it is one identifier, or the word `timestamp`, which SQL takes for a type, with its order. */
function writtenKey(clause: string): string | undefined {
  const statement = readOrRefuse(clause, () => `Error on parsing order_by clause '${clause}'`)
  const [first, second, ...rest] = typeof statement === 'string' ? [] : statement
  if (!first || rest.length > 0 || first.start > 0) return undefined
  if (!second) {
    const isKey = first.kind === 'identifier' || (first.kind === 'type' && first.text === 'timestamp')
    return isKey && first.end === clause.length ? first.text : undefined
  }
  const isTimestamp = first.kind === 'type' && first.text === 'timestamp'
  return isTimestamp && second.kind === 'order' && second.end === clause.length
    ? `timestamp ${second.text}`
    : undefined
}

/**
 * Splits at spaces outside quotes, as a POSIX shell does: quotes and backslashes vanish.
 * @returns undefined when a quote is not closed or nothing follows a backslash, where stock fails
 */
function splitWords(text: string): string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let index = 0; index < text.length; index++) {
    const character = text[index] as string
    if (character === '\\' && quote !== "'") {
      const next = text[++index]
      if (next === undefined) return undefined
      // In double quotes a backslash escapes only itself and the quote.
      word = (word ?? '') + (quote && next !== '\\' && next !== quote ? character : '') + next
    } else if (quote) {
      if (character === quote) quote = ''
      else word += character
    } else if (character === "'" || character === '"') {
      quote = character
      word ??= ''
    } else if (' \t\r\n'.includes(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + character
  }
  if (quote) return undefined
  return word === undefined ? words : [...words, word]
}
