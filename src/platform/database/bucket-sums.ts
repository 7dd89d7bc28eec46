// Buckets of rows as they are put together outside of the database: pure rules over values as texts, as databases spell them.
import { createHash } from 'node:crypto'
import { floorTo, readInt64 } from '../wire/int64.ts'
import { isWhole, type Part } from './bucket-columns.ts'

/** A value as the database spells it. */
export type Value = string | null

/** A bucket, or what is to be put into one. */
export interface Sums {
  by: readonly Value[]
  /** When the bucket begins, in milliseconds. */
  start: string
  rows: string
  /** By part. */
  values: readonly Value[]
}

export interface StoredSums extends Sums {
  id: string
  /** 0 while it is in no table. */
  version: number
}

/** The start of the bucket that a time is in. */
export const startOf = (ms: string, size: number): string => String(floorTo(readInt64(ms), size))

/** What tells buckets apart, as one text. */
export const idOf = ({ by, start }: Pick<Sums, 'by' | 'start'>, size: number): string =>
  createHash('sha256')
    .update(JSON.stringify([size, start, by]))
    .digest('hex')

/** NaN is greater than all else, as databases have it. */
const compareNumbers = (a: number, b: number): number =>
  Number.isNaN(a) ? (Number.isNaN(b) ? 0 : 1) : Number.isNaN(b) || a < b ? -1 : a > b ? 1 : 0
const compareIntegers = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)

const isInteger = ({ column, kind }: Part): boolean =>
  kind === 'count' || kind.endsWith('_at') || isWhole(column)

const compare = (part: Part, a: string, b: string): number =>
  isInteger(part) ? compareIntegers(BigInt(a), BigInt(b)) : compareNumbers(Number(a), Number(b))

const add = (part: Part, a: string, b: string): string =>
  isInteger(part) ? String(BigInt(a) + BigInt(b)) : String(Number(a) + Number(b))

/** What both say together. First and last are told by time, then by value. */
export function together<Of extends Sums>(parts: readonly Part[], one: Of, other: Sums): Of {
  const placeOf = new Map(parts.map(({ name }, i) => [name, i]))
  const takesOther = (part: Part, i: number): boolean => {
    const at = placeOf.get(`${part.column.name}_${part.kind}_at`) ?? i
    const [mine, theirs] = [one.values[at] ?? null, other.values[at] ?? null]
    if (mine === null || theirs === null) return theirs !== null
    const order =
      compare(parts[at] as Part, theirs, mine) || compare(part, other.values[i] ?? '', one.values[i] ?? '')
    return part.kind === 'first' ? order < 0 : order > 0
  }
  const values = parts.map((part, i): Value => {
    const [mine, theirs] = [one.values[i] ?? null, other.values[i] ?? null]
    if (part.kind === 'first' || part.kind === 'last') return takesOther(part, i) ? theirs : mine
    if (mine === null || theirs === null) return mine ?? theirs
    if (part.kind === 'count' || part.kind === 'sum') return add(part, mine, theirs)
    const isLeast = part.kind === 'min' || part.kind === 'first_at'
    return compare(part, mine, theirs) <= 0 === isLeast ? mine : theirs
  })
  return { ...one, values, rows: String(BigInt(one.rows) + BigInt(other.rows)) }
}

/** Buckets of the rows, each put together. */
export function gather(parts: readonly Part[], rows: readonly Sums[], size: number): Map<string, Sums> {
  const buckets = new Map<string, Sums>()
  for (const row of rows) {
    const id = idOf(row, size)
    const bucket = buckets.get(id)
    buckets.set(id, bucket ? together(parts, bucket, row) : row)
  }
  return buckets
}
