// Types of columns: guessed from values, and values turned into them without losing any of it.
import {
  KINDS,
  type Kind,
  type OwnColumn,
  type OwnTables,
  type OwnValue,
} from '../../platform/database/own-columns.ts'
import { narrow, stringify } from '../../platform/wire/int64.ts'
import type { Cell } from './records.ts'

/** What a database can keep, and whether the file has texts for everything, as CSV has. */
export interface Rules extends OwnTables {
  isText: boolean
}

/** Half of a character that takes two units of UTF-16; no UTF-8 has it. */
const HALF = /\p{Cs}/u
const INTEGER = /^-?(?:[1-9]\d*|0)$/
const DOUBLE = /^-?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/
const NOT_FINITE: Record<string, number> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  '-infinity': Number.NEGATIVE_INFINITY,
}

/**
 * The first of the kinds that all the cells fit; text where there are none but NULLs, and for integers too large for one, whose
 * digits a double would not keep.
 */
export function guessKind(cells: Iterable<Cell>, rules: Rules): Kind {
  let kinds: readonly Kind[] = KINDS
  let hasValue = false
  let hasFraction = false
  for (const cell of cells) {
    if (cell === null || cell === undefined || cell === '') continue
    hasValue = true
    hasFraction ||= !isInteger(cell)
    kinds = kinds.filter((kind) => kind === 'text' || valueIn(cell, { kind }, rules) !== undefined)
    if (kinds.length === 1) break
  }
  const kind = hasValue ? (kinds[0] ?? 'text') : 'text'
  return kind === 'double' && !hasFraction ? 'text' : kind
}

/** Whether it is written as an integer; JSON has those beyond 2^53 as bigints. */
const isInteger = (cell: Cell): boolean =>
  typeof cell === 'bigint' ||
  (typeof cell === 'number' ? Number.isSafeInteger(cell) : INTEGER.test(String(cell).trim()))

/**
 * The value of a cell in a column of this kind; undefined when it does not fit. An empty text is NULL where the column
 * has no texts.
 */
export function valueIn(
  cell: Cell,
  column: Pick<OwnColumn, 'kind' | 'largest'>,
  rules: Rules,
): OwnValue | undefined {
  if (cell === null || cell === undefined) return null
  if (column.kind === 'text') return textOf(cell, rules)
  if (cell === '') return null
  if (column.kind === 'integer') return integerOf(cell, column.largest ?? rules.largestInteger, rules)
  if (column.kind === 'double') return doubleOf(cell, rules)
  if (column.kind === 'boolean') return booleanOf(cell, rules)
  return typeof cell === 'string' ? timestampOf(cell.trim(), rules.timestampDigits) : undefined
}

function textOf(cell: Exclude<Cell, null | undefined>, { longestText }: Rules): string | undefined {
  if (cell instanceof Uint8Array) return undefined
  const text = typeof cell === 'string' ? cell : typeof cell === 'object' ? stringify(cell) : String(cell)
  if (text.includes('\0') || HALF.test(text)) return undefined
  if (longestText !== undefined && text.length * 3 > longestText && Buffer.byteLength(text) > longestText)
    return undefined
  return text
}

function integerOf(cell: Cell, largest: bigint, { isText }: Rules): number | bigint | undefined {
  if (typeof cell === 'number') {
    // Beyond, nobody knows which integer it was.
    if (!Number.isSafeInteger(cell) || Object.is(cell, -0)) return undefined
    return BigInt(cell) > largest || BigInt(cell) < -largest ? undefined : cell
  }
  if (typeof cell === 'string') {
    const text = cell.trim()
    if (!isText || text.length > 20 || !INTEGER.test(text) || text === '-0') return undefined
    return integerOf(narrow(BigInt(text)), largest, { isText } as Rules)
  }
  if (typeof cell !== 'bigint') return undefined
  return cell > largest || cell < -largest ? undefined : narrow(cell)
}

function doubleOf(cell: Cell, { isText }: Rules): number | undefined {
  if (typeof cell === 'number') return cell
  if (typeof cell === 'bigint') return BigInt(Number(cell)) === cell ? Number(cell) : undefined
  if (typeof cell !== 'string' || !isText) return undefined
  const text = cell.trim()
  const notFinite = NOT_FINITE[text.toLowerCase()]
  if (notFinite !== undefined) return notFinite
  if (!DOUBLE.test(text)) return undefined
  const value = Number(text)
  if (!Number.isFinite(value)) return undefined
  // Other integers than the one that was written are no rounding that anybody expects.
  return INTEGER.test(text) && !Number.isSafeInteger(value) && BigInt(value) !== BigInt(text)
    ? undefined
    : value
}

function booleanOf(cell: Cell, { isText }: Rules): boolean | undefined {
  if (typeof cell === 'boolean') return cell
  if (typeof cell !== 'string' || !isText) return undefined
  const text = cell.trim().toLowerCase()
  return text === 'true' ? true : text === 'false' ? false : undefined
}

const TIMESTAMP =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?(Z|[+-]\d\d(?::?\d\d)?))?)?$/i

/**
 * A date or time of ISO 8601 in UTC; without a zone it is taken for UTC. Undefined for days that no calendar has, years
 * before 100, and digits of a second that the database would drop.
 */
export function timestampOf(text: string, digits: number): string | undefined {
  const match = TIMESTAMP.exec(text)
  if (!match) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0))
  const fraction = (match[7] ?? '').replace(/0+$/, '')
  if (year < 100 || hour > 23 || minute > 59 || second > 59 || fraction.length > digits) return undefined
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  const iso = new Date(date.getTime() - offsetMs(match[8])).toISOString()
  // Beyond the years 0 to 9999 there are more characters.
  return iso.length === 24 ? `${iso.slice(0, 19)}.${fraction || '0'}Z` : undefined
}

function offsetMs(zone = 'Z'): number {
  if (/z/i.test(zone)) return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3).replace(':', '') || 0)]
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

/** Why a cell does not fit, in words behind the place where it stands. */
export function misfit(cell: Cell, { kind, largest }: OwnColumn, rules: Rules): string {
  if (cell instanceof Uint8Array) return 'holds bytes, which are no text.'
  const text = typeof cell === 'object' ? stringify(cell) : String(cell)
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text
  if (kind === 'text') {
    if (text.includes('\0')) return 'holds the character NUL, which no database here takes.'
    if (HALF.test(text)) return 'holds half a character.'
    return `has ${Buffer.byteLength(text)} bytes; a text may have ${rules.longestText}.`
  }
  const isInteger = kind === 'integer' && (typeof cell === 'bigint' || INTEGER.test(text.trim()))
  if (isInteger)
    return `${shown} is beyond ${largest ?? rules.largestInteger}, the largest integer of this column.`
  const digits = kind === 'timestamp' && timestampOf(text.trim(), 9) !== undefined
  if (digits) return `${shown} has more digits of a second than the ${rules.timestampDigits} that are kept.`
  return `${JSON.stringify(shown)} is no ${kind}.`
}
