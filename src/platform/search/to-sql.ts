// Turns comparisons and sort keys into SQL conditions with bound parameters, in words that every engine knows.
import { Column, is, type SQL, sql } from 'drizzle-orm'
import type { Int64 } from '../wire/int64.ts'
import type { NumericComparator, Predicate } from './comparison.ts'
import { atomicRegex, backtracks, shortestPattern } from './like.ts'
import { wholeTextRegex } from './regex.ts'

/**
 * `column comparator value`. As in SQL, a NULL in the column satisfies nothing but IS NULL: `!=` and NOT IN drop it.
 * An expression in place of a column counts as text.
 * LIKE minds case, ILIKE does not where letters are ASCII, as on SQLite; `%` and `_` are wildcards that nothing escapes.
 * RLIKE takes Python's regular expressions, see regex.ts.
 * What is no plain column must be a text.
 * @see mlflow/utils/search_utils.py SearchUtils.get_sql_comparison_func
 */
export function compare(column: Column | SQL, predicate: Predicate, dialect: LikeDialect = {}): SQL {
  const { comparator, value } = predicate
  switch (comparator) {
    case 'IS NULL':
    case 'IS NOT NULL':
      return sql`${column} ${sql.raw(comparator)}`
    case 'IN':
      return isOneOf(column, value)
    case 'NOT IN':
      return sql`NOT (${isOneOf(column, value)})`
    case 'LIKE':
    case 'ILIKE':
      return compareLike(column, comparator, { pattern: shortestPattern(value), dialect })
    case 'RLIKE':
      return compareRegex(column, wholeTextRegex(value), dialect)
    default:
      if (typeof value !== 'string') return compareNumber(column, comparator, value)
      return sql`${column} ${sql.raw(comparator)} ${value}`
  }
}

/** What engines differ in. */
interface LikeDialect {
  /** Matches LIKE by backtracking, and has Java's regular expressions. */
  readonly likeBacktracks?: boolean
}

function compareLike(
  column: Column | SQL,
  comparator: 'LIKE' | 'ILIKE',
  { pattern, dialect }: { pattern: string; dialect: LikeDialect },
): SQL {
  // Whether other letters than ASCII's are alike depends on the engine, and on the locale of a PostgreSQL database.
  if (comparator === 'ILIKE' && /[^\0-\x7f]/.test(pattern)) {
    const lower = sql`translate(${column}, ${sql.raw(`'${UPPER}', '${UPPER.toLowerCase()}'`)})`
    const lowerPattern = pattern.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    return compareLike(lower, 'LIKE', { pattern: lowerPattern, dialect })
  }
  if (dialect.likeBacktracks && backtracks(pattern)) {
    return sql`${withoutIndex(column)} ${sql.raw(comparator === 'LIKE' ? '~' : '~*')} ${atomicRegex(pattern)}`
  }
  // PostgreSQL finds a text in another in half the time of LIKE.
  const inner = /^%([^%_]+)%$/.exec(pattern)?.[1]
  if (inner && comparator === 'LIKE' && !dialect.likeBacktracks) return sql`strpos(${column}, ${inner}) > 0`
  return sql`${column} ${sql.raw(comparator)} ${literalBackslashes(pattern)}`
}

/**
 * The texts themselves: CrateDB finds nothing by regular expression in a column without an index, and compares the parts instead of the texts in one
 * with an index of parts, unless the column is joined with something.
 */
export const withoutIndex = (column: Column | SQL): SQL => sql`(${column} || '')`

/** CrateDB matches whole texts, and by automata as long as a pattern has none of Java's extensions. */
const compareRegex = (column: Column | SQL, pattern: string, { likeBacktracks }: LikeDialect): SQL =>
  likeBacktracks ? sql`${withoutIndex(column)} ~ ${pattern}` : sql`${column} ~ ${`^${pattern}$`}`

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'

const typeOf = (column: Column | SQL): string => (is(column, Column) ? column.getSQLType() : 'text')

const isOneOf = (column: Column | SQL, values: string[]): SQL =>
  sql`${column} = ANY(${sql.param(values)}::${sql.raw(typeOf(column))}[])`

/** A backslash is a plain character to SQLite, and the default escape character of PostgreSQL and CrateDB. */
const literalBackslashes = (pattern: string): string => pattern.replaceAll('\\', '\\\\')

/** Holds for no row. CrateDB drops all else beside a literal `false` and then misses the parameters it had. */
const nothing = (column: Column | SQL): SQL =>
  sql`(${column} > ${'Infinity'}::double precision AND ${column} < ${'Infinity'}::double precision)`

const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)

function compareNumber(column: Column | SQL, comparator: NumericComparator, value: Int64): SQL {
  // What SQLite makes of it; to PostgreSQL, NaN is greater than all numbers.
  if (Number.isNaN(value)) return nothing(column)
  const operator = sql.raw(comparator)
  if (typeOf(column) === 'double precision') {
    return sql`${column} ${operator} ${String(value)}::double precision`
  }
  // CrateDB 6.4 overflows at `column > 9223372036854775807` and its mirror, and answers every row.
  if ((comparator === '>' && value === MAX_INT64) || (comparator === '<' && value === MIN_INT64)) {
    return nothing(column)
  }
  const isExact = typeof value === 'bigint' || Number.isSafeInteger(value)
  if (isExact) return sql`${column} ${operator} ${String(value)}::bigint`
  return sql`${column}::double precision ${operator} ${String(value)}::double precision`
}

/** Sorts by the value, rows without one last whatever the direction. */
export const orderNullsLast = (value: Column | SQL, ascending: boolean): SQL =>
  ascending ? sql`${value} ASC NULLS LAST` : sql`${value} DESC NULLS LAST`

/**
 * Sorts by a metric: numbers first, then NaN, then rows without the metric, whatever the direction.
 * @param isNan whether the value stands for NaN; NULL where there is no metric
 */
export const orderMetric = (value: Column | SQL, isNan: Column | SQL, ascending: boolean): SQL =>
  sql`CASE WHEN ${isNan} THEN 1 WHEN ${value} IS NULL THEN 2 ELSE 0 END, ${value} ${sql.raw(ascending ? 'ASC' : 'DESC')}`
