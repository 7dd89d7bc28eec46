// Tag values of up to 100,000 characters in columns that CrateDB searches: their head is indexed, the rest is not.
import { and, type Column, eq, not, or, type SQL, sql } from 'drizzle-orm'
import { excluded } from '../../platform/database/columns.ts'
import type { Predicate } from '../../platform/search/comparison.ts'
import { compare } from '../../platform/search/to-sql.ts'
import { lengthOf, truncate } from '../../platform/wire/names.ts'

/** Characters of a value in the indexed column: at most 32,000 bytes, of the 32,766 that CrateDB takes. */
const HEAD_LENGTH = 8000

export interface Tag {
  key: string
  value: string
}

/** The columns of a tag's value. */
export interface StoredTag {
  key: string
  value: string
  isLong: boolean
  longValue: string | null
}

export function toStoredTag({ key, value }: Tag): StoredTag {
  const head = truncate(value, HEAD_LENGTH)
  const isLong = head.length < value.length
  return { key, value: head, isLong, longValue: isLong ? value : null }
}

export const fromStoredTag = ({ key, value, longValue }: StoredTag): Tag => ({
  key,
  value: longValue ?? value,
})

/** SET of an upsert: all columns of the value are those of the new row. */
export const takeNewTag = (columns: Record<'value' | 'isLong' | 'longValue', Column>) => (): SQL =>
  sql.join(
    [columns.value, columns.isLong, columns.longValue].map(
      (column) => sql`${sql.identifier(column.name)} = ${excluded(column)}`,
    ),
    sql`, `,
  )

/** Whether the tag's value meets the predicate. Rows are fetched for long values alone. */
export function compareTag(
  columns: Record<'value' | 'isLong' | 'longValue', Column>,
  predicate: Predicate,
): SQL | undefined {
  const { comparator, value } = predicate
  const isLong = eq(columns.isLong, true)
  const longMeets = compare(columns.longValue, predicate)
  if (typeof value === 'string' && (comparator === '=' || comparator === '!=')) {
    const isShort = lengthOf(value) <= HEAD_LENGTH
    if (comparator === '=') {
      const isHead = eq(columns.value, truncate(value, HEAD_LENGTH))
      return isShort ? and(isHead, not(isLong)) : and(isHead, isLong, longMeets)
    }
    return isShort ? or(compare(columns.value, predicate), isLong) : or(not(isLong), and(isLong, longMeets))
  }
  return or(and(not(isLong), compare(columns.value, predicate)), and(isLong, longMeets))
}
