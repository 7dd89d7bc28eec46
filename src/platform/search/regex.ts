// Regular expressions of Python, as far as every engine matches them alike and in time that grows with the text alone.
import { invalidParameter } from '../../errors.ts'

const MAX_LENGTH = 2000
/** Characters and classes of the pattern once its repetitions are written out. */
const MAX_SIZE = 2000
/** The length of what engines are given: `\w` alone has 4000 characters. */
const MAX_TEXT = 200_000
const MAX_DEPTH = 50

/** From and to a code point, both included. */
type Range = readonly [from: number, to: number]

/** A part of a pattern, spelled as all engines read it. */
interface Part {
  text: string
  size: number
}

const ANY = '.*'

/**
 * The pattern that matches a whole text, line breaks included, if and only if Python's `re.search` finds the given one
 * in it. PostgreSQL and CrateDB read it alike: it has groups, alternatives, repetitions and classes, and nothing that either would
 * try in all combinations.
 * @throws INVALID_PARAMETER_VALUE for what is no regular expression, and for what it has beyond that: references to groups,
 * conditions on what stands around, flags, ends of words, ends of lines within it
 * @see mlflow/store/db/utils.py regexp
 */
export function wholeTextRegex(pattern: string): string {
  if (pattern.length > MAX_LENGTH) {
    throw invalidParameter(`A regular expression can have at most ${MAX_LENGTH} characters.`)
  }
  const reader = createReader(pattern)
  const branches: string[] = []
  let size = 0
  do {
    const isAnchored = reader.takeAll('^', '\\A')
    const branch = readBranch(reader, 0)
    const end = reader.takeAll('$', '\\Z')
    size += branch.size
    // Python's $ stands before a line break at the end, too.
    const suffix = end === undefined ? ANY : end === '$' ? '\n?' : ''
    branches.push(`${isAnchored === undefined ? ANY : ''}${branch.text}${suffix}`)
  } while (reader.take('|') !== undefined)
  if (!reader.isAtEnd()) throw reader.refuse('')
  const text = branches.length === 1 ? (branches[0] ?? '') : `(${branches.join('|')})`
  checkSize({ text, size })
  return text
}

type Reader = ReturnType<typeof createReader>

function createReader(pattern: string) {
  let place = 0
  const refuse = (what: string) =>
    invalidParameter(
      `The regular expression '${pattern}' cannot be read at character ${place + 1}${what && `: ${what}`}.`,
    )
  /** Takes the first of the texts that comes next. */
  const take = (...texts: string[]): string | undefined => {
    const text = texts.find((one) => pattern.startsWith(one, place))
    place += text?.length ?? 0
    return text
  }
  return {
    refuse,
    take,
    /** Takes as many of the texts as come next; answers the last of them. */
    takeAll: (...texts: string[]): string | undefined => {
      let last: string | undefined
      for (let text = take(...texts); text !== undefined; text = take(...texts)) last = text
      return last
    },
    isAtEnd: () => place >= pattern.length,
    comes: (...texts: string[]) => texts.some((one) => pattern.startsWith(one, place)),
    match: (regex: RegExp): RegExpExecArray | null => {
      const sticky = new RegExp(regex.source, 'uy')
      sticky.lastIndex = place
      const found = sticky.exec(pattern)
      place += found?.[0].length ?? 0
      return found
    },
    /** The next character. */
    next: (): string => {
      const character = String.fromCodePoint(pattern.codePointAt(place) ?? 0)
      place += character.length
      return character
    },
  }
}

function checkSize({ text, size }: Part): void {
  if (size > MAX_SIZE || text.length > MAX_TEXT) throw tooComplex()
}

const tooComplex = () => invalidParameter('A pattern of the search is too complex.')

/** Alternatives up to the end of their group. */
function readAlternatives(reader: Reader, depth: number): Part {
  if (depth > MAX_DEPTH) throw reader.refuse('it is nested too deeply')
  const branches: Part[] = []
  do branches.push(readBranch(reader, depth))
  while (reader.take('|') !== undefined)
  const size = branches.reduce((sum, branch) => sum + branch.size, 0)
  return { text: `(${branches.map(({ text }) => text).join('|')})`, size }
}

/** Up to the next alternative, the end of its group, or what ends the whole pattern. */
function readBranch(reader: Reader, depth: number): Part {
  let [text, size] = ['', 0]
  while (!reader.isAtEnd() && !reader.comes('|', ')', '$', '\\Z')) {
    const part = readRepeated(reader, depth)
    text += part.text
    size += part.size
    checkSize({ text, size })
  }
  if (depth > 0 && reader.comes('$', '\\Z')) throw reader.refuse('the end of the text stands within it')
  return text === '' ? { text: '()', size: 1 } : { text, size }
}

function readRepeated(reader: Reader, depth: number): Part {
  const atom = readAtom(reader, depth)
  const sign = reader.take('*', '+', '?')
  const bounds = sign === undefined ? reader.match(/\{(\d*)(?:(,)(\d*))?\}/) : null
  // To Python, braces without a number are plain characters.
  if (bounds && bounds[0] === '{}') return { text: `${atom.text}\\{\\}`, size: atom.size + 2 }
  if (sign === undefined && !bounds) return atom
  const least = bounds ? Number(bounds[1] || 0) : 0
  const most = bounds?.[2] === undefined ? least : bounds[3] ? Number(bounds[3]) : undefined
  if (most !== undefined && bounds && most < least)
    throw reader.refuse('its repetition ends before it begins')
  // Shy repetitions find the same texts.
  reader.take('?')
  if (reader.comes('*', '+', '?') || (reader.comes('{') && reader.match(/\{\d/))) {
    throw reader.refuse('a repetition is repeated')
  }
  const times = Math.max(1, bounds ? (most ?? least) : 1)
  const size = atom.size * times
  if (atom.text.length * times > MAX_TEXT) throw tooComplex()
  checkSize({ text: atom.text, size })
  // PostgreSQL counts to 255 and CrateDB has bounds of its own, so they are written out.
  return { text: sign === undefined ? writeOut(atom.text, least, most) : atom.text + sign, size }
}

/** `x{2,4}` as `xx(x(x)?)?`. */
function writeOut(text: string, least: number, most: number | undefined): string {
  if (most === undefined) return least === 0 ? `${text}*` : `${text.repeat(least - 1)}${text}+`
  let optional = ''
  for (let count = most; count > least; count--) optional = `(${text}${optional})?`
  return text.repeat(least) + optional || '()'
}

function readAtom(reader: Reader, depth: number): Part {
  if (reader.take('(?:') !== undefined) return readGroup(reader, depth)
  if (reader.comes('(?')) throw reader.refuse('extensions of the form (?…) are not supported by this server')
  if (reader.take('(') !== undefined) return readGroup(reader, depth)
  if (reader.take('[') !== undefined) return { text: readClass(reader), size: 1 }
  if (reader.take('.') !== undefined) return { text: '[^\n]', size: 1 }
  if (reader.comes('^')) throw reader.refuse('the beginning of the text stands within it')
  if (reader.comes('*', '+', '?') || reader.match(/\{(?=\d*,?\d*\})(?!\})/)) {
    throw reader.refuse('there is nothing to repeat')
  }
  if (reader.take('\\') === undefined) return { text: literal(reader.next()), size: 1 }
  const escaped = readEscape(reader)
  return { text: typeof escaped === 'string' ? literal(escaped) : classOf(escaped), size: 1 }
}

function readGroup(reader: Reader, depth: number): Part {
  const group = readAlternatives(reader, depth + 1)
  if (reader.take(')') === undefined) throw reader.refuse('a group has no end')
  return group
}

const CONTROLS: Record<string, string> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v', a: '\u0007' }

/** What stands behind a backslash: a character, or a class of them. */
function readEscape(reader: Reader): string | Range[] {
  if (reader.isAtEnd()) throw reader.refuse('nothing is behind the backslash')
  const code = reader.match(/x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})/)
  if (code) {
    const point = Number.parseInt(code[1] ?? code[2] ?? code[3] ?? '', 16)
    if (point === 0 || point > MAX_POINT) throw reader.refuse('there is no such character')
    return String.fromCodePoint(point)
  }
  const character = reader.next()
  const control = CONTROLS[character]
  if (control !== undefined) return control
  const shorthand = SHORTHANDS[character.toLowerCase()]
  if (shorthand) return character === character.toLowerCase() ? shorthand() : complement(shorthand())
  if (/[\da-zA-Z]/.test(character)) throw reader.refuse(`\\${character} is not supported by this server`)
  return character
}

/** The rest of a class in brackets. */
function readClass(reader: Reader): string {
  const isNegated = reader.take('^') !== undefined
  const ranges: Range[] = []
  for (let isFirst = true; isFirst || !reader.comes(']'); isFirst = false) {
    const from = readMember(reader)
    if (typeof from !== 'string') ranges.push(...from)
    else if (reader.comes('-') && !reader.comes('-]') && reader.take('-') !== undefined) {
      const to = readMember(reader)
      if (typeof to !== 'string' || pointOf(to) < pointOf(from)) throw reader.refuse('a range is none')
      ranges.push([pointOf(from), pointOf(to)])
    } else ranges.push([pointOf(from), pointOf(from)])
  }
  reader.take(']')
  return classOf(isNegated ? complement(ranges) : ranges)
}

function readMember(reader: Reader): string | Range[] {
  if (reader.isAtEnd()) throw reader.refuse('a class has no end')
  return reader.take('\\') === undefined ? reader.next() : readEscape(reader)
}

const pointOf = (character: string) => character.codePointAt(0) ?? 0

const MAX_POINT = 0x10ffff
const SURROGATES: Range = [0xd800, 0xdfff]

/** All characters but these. NUL is none, since no engine keeps it; halves of characters neither. */
function complement(ranges: readonly Range[]): Range[] {
  const others: Range[] = []
  let next = 1
  for (const [from, to] of [...ranges, SURROGATES].sort((a, b) => a[0] - b[0])) {
    if (from > next) others.push([next, from - 1])
    next = Math.max(next, to + 1)
  }
  if (next <= MAX_POINT) others.push([next, MAX_POINT])
  return others
}

/** The shorthands of classes, which mean Unicode's characters to Python; found out when they are asked for. */
const SHORTHANDS: Record<string, () => Range[]> = {
  d: once(() => rangesOf(/^\p{Nd}$/u)),
  w: once(() => rangesOf(/^[\p{L}\p{N}_]$/u)),
  s: once(() => rangesOf(/^[\s\x1c-\x1f\x85]$/u).filter(([from]) => from !== 0xfeff)),
}

function once(find: () => Range[]): () => Range[] {
  let found: Range[] | undefined
  return () => {
    found ??= find()
    return found
  }
}

function rangesOf(regex: RegExp): Range[] {
  const ranges: [number, number][] = []
  for (let point = 1; point <= MAX_POINT; point++) {
    if (!regex.test(String.fromCodePoint(point))) continue
    const last = ranges.at(-1)
    if (last && last[1] === point - 1) last[1] = point
    else ranges.push([point, point])
  }
  return ranges
}

function classOf(ranges: readonly Range[]): string {
  if (ranges.length === 0) throw invalidParameter('A class of the regular expression has no characters.')
  return `[${ranges.map(spellRange).join('')}]`
}

/** CrateDB reads no range that begins with a backslash, so punctuation at the ends of a range is spelled by itself. */
function spellRange([first, last]: Range): string {
  const spell = (point: number) => literal(String.fromCodePoint(point))
  let [text, from, to] = ['', first, last]
  while (from <= to && isPunctuation(from)) text += spell(from++)
  while (to > from && isPunctuation(to)) text += spell(to--)
  if (from > to) return text
  return text + (from === to ? spell(from) : `${spell(from)}-${spell(to)}`)
}

const isPunctuation = (point: number) => /^[!-/:-@[-`{-~]$/.test(String.fromCodePoint(point))

/** All engines take any punctuation of ASCII behind a backslash for itself. */
const literal = (character: string): string =>
  /^[!-/:-@[-^`{-~]$/.test(character) ? `\\${character}` : character
