// Cuts a filter or order_by string into tokens, in linear time. Knows characters, not meanings.
import { wordKind } from './keywords.ts'

export type TokenKind =
  | 'whitespace'
  | 'newline'
  | 'comment'
  | 'name'
  | 'type'
  | 'keyword'
  | 'order'
  | 'placeholder'
  | 'string'
  | 'symbol'
  | 'integer'
  | 'float'
  | 'hexadecimal'
  | 'comparator'
  | 'operator'
  | 'wildcard'
  | 'punctuation'
  | 'assignment'
  | 'command'
  | 'unknown'

/** A piece of the source text: `text` is its part from offset `start` up to `end` (UTF-16 units). */
export interface Token {
  kind: TokenKind
  text: string
  start: number
  end: number
}

// Classes of characters as Python's `re` has them; `\w` and `\s` of JavaScript are narrower and wider.
const WORD = '[\\p{L}\\p{N}_]'
const SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]'
// Stock's names begin with a letter of ASCII or of À to Ü; other letters reach the last word rule only.
const LETTER = '[A-ZÀ-Üİı]'
const NO_LETTER = '(?![_A-ZÀ-Üİı])'
const BREAK = `(?!${WORD})`

const rule = (kind: TokenKind | 'word', pattern: string): Rule => [kind, new RegExp(pattern, 'iuy')]

/** Tried in order at each offset; quoted text and block comments are cut by hand, before or between these. */
const BEFORE_QUOTED = [
  rule('comment', '(?:--|# )[^\\r\\n]*(?:\\r\\n|\\r|\\n|$)'),
  rule('newline', '\\r\\n|\\r|\\n'),
  rule('whitespace', SPACE),
  rule('assignment', ':='),
  rule('punctuation', '::'),
  rule('wildcard', '\\*'),
]

const AFTER_QUOTED = [
  rule('placeholder', `\\?|%(?:\\(${WORD}+\\))?s`),
  rule('placeholder', `(?<!${WORD})[$:?]${WORD}+`),
  rule('command', `\\\\${WORD}+`),
  // Before names: these are keywords even where a name would do, as in `tags.from`.
  rule('keyword', `(?:CASE|IN|VALUES|USING|FROM|AS)${BREAK}`),
  rule('name', `(?:@|##|#)${LETTER}${WORD}+`),
  // A name before a dot (unless a number such as `.03` follows), after a dot, or before an opening parenthesis.
  rule('name', `${LETTER}${WORD}*(?=${SPACE}*\\.(?![0-9]))`),
  rule('name', `(?<=\\.)${LETTER}${WORD}*`),
  rule('name', `${LETTER}${WORD}*(?=\\()`),
  rule('hexadecimal', '-?0x[0-9A-F]+'),
  rule('float', '-?[0-9]+(?:\\.[0-9]+)?E-?[0-9]+'),
  rule('float', `-?(?:[0-9]+\\.[0-9]*|\\.[0-9]+)${NO_LETTER}`),
  rule('integer', `-?[0-9]+${NO_LETTER}`),
  rule('name', `(?<![${WORD.slice(1, -1)}\\])])\\[[^\\]\\[]+\\]`),
  rule('keyword', `NOT${SPACE}+NULL${BREAK}|(?:GROUP|ORDER)${SPACE}+BY${BREAK}`),
  rule('order', `(?:ASC|DESC)(?:${SPACE}+NULLS${SPACE}+(?:FIRST|LAST))?${BREAK}`),
  rule('order', `NULLS${SPACE}+(?:FIRST|LAST)${BREAK}`),
  rule('comparator', `(?:NOT${SPACE}+)?(?:LIKE|ILIKE|RLIKE|REGEXP(?:${SPACE}+BINARY)?)${BREAK}`),
  rule('word', `${WORD}[$#\\p{L}\\p{N}_]*`),
  rule('punctuation', '[;:()[\\],.]'),
  rule('operator', '->>?|#>>?|@>|<@|-|#-'),
  rule('comparator', '[<>=~!]+'),
  rule('operator', '[+/@#%^&|-]+'),
]

const QUOTED: Record<string, TokenKind> = { "'": 'string', '"': 'symbol', '`': 'name', '´': 'name' }

/** Every character of the source lands in exactly one token. */
export function* tokenize(source: string): Generator<Token> {
  let closers = source.includes('*/')
  let offset = 0
  while (offset < source.length) {
    const closer = closers && source.startsWith('/*', offset) ? source.indexOf('*/', offset + 2) : 0
    if (closer < 0) closers = false
    const [kind, end] = closer > 0 ? (['comment', closer + 2] as const) : nextToken(source, offset)
    yield { kind, text: source.slice(offset, end), start: offset, end }
    offset = end
  }
}

function nextToken(source: string, offset: number): [TokenKind, number] {
  const before = applyRules(BEFORE_QUOTED, source, offset)
  if (before) return before
  const quoted = QUOTED[source.charAt(offset)]
  const end = quoted && endOfQuoted(source, offset)
  if (quoted && end) return [quoted, end]
  return applyRules(AFTER_QUOTED, source, offset) ?? ['unknown', offset + codePointLength(source, offset)]
}

type Rule = [TokenKind | 'word', RegExp]

function applyRules(rules: Rule[], source: string, offset: number): [TokenKind, number] | undefined {
  for (const [kind, pattern] of rules) {
    pattern.lastIndex = offset
    const [text] = pattern.exec(source) ?? []
    if (text) return [kind === 'word' ? wordKind(text) : kind, offset + text.length]
  }
  return undefined
}

const codePointLength = (source: string, offset: number) =>
  (source.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1

/**
 * The offset behind the closing quote. A doubled quote does not close, nor does one behind a backslash in strings;
 * when nothing else closes, the last such pair does, read as a plain character and the quote.
 * @returns undefined without any closing quote
 */
function endOfQuoted(source: string, start: number): number | undefined {
  const quote = source.charAt(start)
  const backslashes = quote === "'" || quote === '"'
  let fallback: number | undefined
  let offset = start + 1
  while (offset < source.length) {
    const isQuote = source[offset] === quote
    if (source[offset + 1] === quote && (isQuote || (backslashes && source[offset] === '\\'))) {
      fallback = isQuote ? offset + 1 : offset + 2
      offset += 2
    } else if (isQuote) return offset + 1
    else offset += 1
  }
  return fallback
}
