// Sort keys of searches, and pages that go on behind a row's place in the order instead of counting rows.
import { type Column, type SQL, sql } from 'drizzle-orm'
import { invalidParameter } from '../errors.ts'
import { parseInt64 } from '../wire/int64.ts'
import { orderMetric, orderNullsLast } from './to-sql.ts'

export interface SortKey {
  kind: 'text' | 'int64' | 'metric'
  value: Column | SQL
  /** Of metrics: whether the value stands for NaN; NULL where there is no metric. */
  isNan?: SQL
  ascending: boolean
}

/** Where a row stands: the texts of its sort keys; null for an absent value, `NaN` for a metric that is not a number. */
export type Place = (string | null)[]

/** ORDER BY of the keys: rows without a value last whatever the direction, NaN right before them. */
export const orderOf = (keys: readonly SortKey[]): SQL[] =>
  keys.map((key) =>
    key.kind === 'metric'
      ? orderMetric(key.value, isNanOf(key), key.ascending)
      : orderNullsLast(key.value, key.ascending),
  )

/**
 * Holds for the rows that come behind the place. The last key must be unique and never absent.
 * Spelled out key by key, since no engine compares rows of mixed directions with NULLs last.
 */
export function isBehind([key, ...rest]: readonly SortKey[], [at = null, ...places]: Place): SQL {
  if (!key) return sql`true`
  const behind = isKeyBehind(key, at)
  if (rest.length === 0) return behind as SQL
  const tie = sql`(${isKeyEqual(key, at)} AND ${isBehind(rest, places)})`
  return behind ? sql`(${behind} OR ${tie})` : tie
}

/** Nothing is behind an absent value. */
function isKeyBehind(key: SortKey, at: string | null): SQL | undefined {
  const { value, ascending } = key
  if (at === null) return undefined
  if (at === 'NaN' && key.kind === 'metric') return sql`${value} IS NULL`
  const further = sql`${value} ${sql.raw(ascending ? '>' : '<')} ${literal(key, at)}`
  if (key.kind === 'metric') return sql`(${further} OR ${isNanOf(key)} OR ${value} IS NULL)`
  return sql`(${further} OR ${value} IS NULL)`
}

function isKeyEqual(key: SortKey, at: string | null): SQL {
  if (at === null) return sql`${key.value} IS NULL`
  if (key.kind !== 'metric') return sql`${key.value} = ${literal(key, at)}`
  return at === 'NaN' ? isNanOf(key) : sql`(${key.value} = ${literal(key, at)} AND NOT ${isNanOf(key)})`
}

const TYPES = { text: 'text', int64: 'bigint', metric: 'double precision' } as const

const literal = ({ kind }: SortKey, at: string): SQL => sql`${at}::${sql.raw(TYPES[kind])}`

const isNanOf = ({ isNan = sql`false` }: SortKey): SQL => isNan

/** The text of a stored value. Zero keeps its sign: CrateDB sorts -0 before 0. */
export function placeOf(value: unknown, isNan: unknown): string | null {
  if (value === null || value === undefined) return null
  if (isNan === true) return 'NaN'
  return Object.is(value, -0) ? '-0' : String(value)
}

const READABLE: Record<SortKey['kind'], (text: string) => boolean> = {
  text: () => true,
  int64: (text) => parseInt64(text) !== undefined,
  metric: (text) => /^(NaN|-?\d+(\.\d+)?(e[+-]?\d+)?)$/i.test(text),
}

/**
 * Checks a place that a client brought back.
 * @throws INVALID_PARAMETER_VALUE when it is none of these keys
 */
export function checkPlace(keys: readonly Pick<SortKey, 'kind'>[], place: readonly unknown[]): Place {
  const fits = keys.every(({ kind }, position) => {
    const at = place[position]
    const isLast = position === keys.length - 1
    return at === null ? !isLast : typeof at === 'string' && READABLE[kind](at)
  })
  if (!fits || place.length !== keys.length) {
    throw invalidParameter(`Invalid page token, parsed value=${JSON.stringify(place)}`)
  }
  return place as Place
}
