// What the search language means once it is read: comparisons and sort keys. No text, no SQL.
import type { Int64 } from '../wire/int64.ts'

export type EntityType = 'attribute' | 'metric' | 'parameter' | 'tag' | 'dataset'

export type NumericComparator = '=' | '!=' | '<' | '<=' | '>' | '>='
export type StringComparator = '=' | '!=' | 'LIKE' | 'ILIKE' | 'RLIKE'
export type ListComparator = 'IN' | 'NOT IN'
export type NullComparator = 'IS NULL' | 'IS NOT NULL'
export type Comparator = NumericComparator | StringComparator | ListComparator | NullComparator

/** A comparator with a value that fits it. Numbers may be infinite; NaN compares false with everything. */
export type Predicate =
  | { comparator: NumericComparator; value: Int64 }
  | { comparator: StringComparator; value: string }
  | { comparator: ListComparator; value: string[] }
  | { comparator: NullComparator; value: null }

/** One clause of a filter. All clauses of a filter must hold. */
export type Comparison = { type: EntityType; key: string } & Predicate

export interface OrderBy {
  type: EntityType
  key: string
  ascending: boolean
}
