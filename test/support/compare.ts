// Compares two answers by field policy: every field is declared, an undeclared field is a difference.
import { parseJsonAsSpelled } from '../../src/platform/wire/int64.ts'

/** Same value on both sides. */
export const MUST_MATCH = 'must match'
/** Same double, however it is written (1e20 or 100000000000000000000); 'NaN' equals 'NaN'. */
export const SAME_NUMBER = 'same number'
/** The same but for its last digits: logarithms of C and of JavaScript differ there. */
export const CLOSE_NUMBER = 'close number'
/** Same text, or texts of the same JSON: spaces between its tokens do not matter. */
export const SAME_TEXT_OR_JSON = 'same text or JSON'
/** Same JSON type on both sides; empty text only equals empty text. */
export const TYPE_MUST_MATCH = 'type must match'
/** Neither presence nor value matters. */
export const IGNORE = 'ignore'

export type Policy =
  | typeof MUST_MATCH
  | typeof SAME_NUMBER
  | typeof CLOSE_NUMBER
  | typeof SAME_TEXT_OR_JSON
  | typeof TYPE_MUST_MATCH
  | typeof IGNORE

/** Policies of an object's fields, of a list's items, of a map with any keys, or of one value. */
export type Shape =
  | Policy
  | { fields: Record<string, Shape> }
  | ListShape
  | { values: Shape }
  | { json: Shape }

/** Order counts unless the lists are sorted `by` one of the items' fields, or by them `all`, before. */
export interface ListShape {
  items: Shape
  by?: string
}

export const object = (fields: Record<string, Shape>): Shape => ({ fields })
export const list = (items: Shape): Shape => ({ items })
/** A list whose order MLflow leaves open (its SQL has no ORDER BY). */
export const unordered = (items: Shape, by: string): Shape => ({ items, by })

/** A text of JSON, whose numbers are compared as they are spelled. */
export const json = (value: Shape): Shape => ({ json: value })

export interface Difference {
  path: string
  stock: unknown
  ours: unknown
  why: string
}

/** The differences between two decoded bodies, none when they agree. */
export function compare(shape: Shape, stock: unknown, ours: unknown, path = ''): Difference[] {
  const differ = (why: string) => [{ path, stock, ours, why }]
  if (shape === IGNORE) return []
  if (shape === SAME_NUMBER) return Object.is(Number(stock), Number(ours)) ? [] : differ('value')
  if (shape === CLOSE_NUMBER) return isClose(Number(stock), Number(ours)) ? [] : differ('value')
  if (shape === SAME_TEXT_OR_JSON) return compare(MUST_MATCH, readJson(stock), readJson(ours), path)
  if (typeOf(stock) !== typeOf(ours)) return differ('type')
  if (shape === TYPE_MUST_MATCH) return (stock === '') === (ours === '') ? [] : differ('empty or not')
  if (shape === MUST_MATCH)
    return JSON.stringify(sorted(stock)) === JSON.stringify(sorted(ours)) ? [] : differ('value')
  if ('json' in shape) return compareJson(shape.json, stock, ours, path)
  if ('items' in shape) return compareLists(shape, stock, ours, path)
  if (typeOf(stock) !== 'object') return differ('no object')
  const keys = new Set([...Object.keys(stock as object), ...Object.keys(ours as object)])
  return [...keys].flatMap((key) => {
    const policy = 'values' in shape ? shape.values : shape.fields[key]
    const [a, b] = [(stock as Fields)[key], (ours as Fields)[key]]
    if (!policy) return [{ path: `${path}.${key}`, stock: a, ours: b, why: 'undeclared field' }]
    return compare(policy, a, b, `${path}.${key}`)
  })
}

function compareJson(shape: Shape, stock: unknown, ours: unknown, path: string): Difference[] {
  try {
    const [a, b] = [stock, ours].map((text) => parseJsonAsSpelled(String(text)))
    return compare(shape, a, b, path)
  } catch {
    return [{ path, stock, ours, why: 'no JSON' }]
  }
}

const isClose = (a: number, b: number) =>
  Object.is(a, b) || Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b))

/** The decoded list or object in a text, else the value itself. */
function readJson(value: unknown): unknown {
  if (typeof value !== 'string' || !/^[[{]/.test(value)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

type Fields = Record<string, unknown>

function compareLists({ items, by }: ListShape, stock: unknown, ours: unknown, path: string): Difference[] {
  if (!Array.isArray(stock) || !Array.isArray(ours)) {
    return stock === undefined ? [] : [{ path, stock, ours, why: 'no list' }]
  }
  const [a, b] = by ? [sortedBy(stock, by), sortedBy(ours, by)] : [stock, ours]
  if (a.length !== b.length) return [{ path, stock: a, ours: b, why: 'length' }]
  return a.flatMap((item, index) => compare(items, item, b[index], `${path}[${index}]`))
}

function sortedBy(rows: Fields[], key: string): Fields[] {
  const rank = (row: Fields) => {
    const value = key === 'all' ? row : row[key]
    return typeof value === 'object' ? JSON.stringify(sorted(value)) : String(value)
  }
  return [...rows].sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
}

/** Objects with their keys in order, so that equal ones print equally. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeOf(value) !== 'object') return value
  const entries = Object.entries(value as Fields).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]))
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'list' : typeof value
}
