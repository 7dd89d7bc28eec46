// Sort keys of searches, and pages that go on behind a row's place in the order instead of counting rows.
import { Column, getTableColumns, is, type SQL, sql, type Table } from 'drizzle-orm'
import { invalidParameter } from '../../errors.ts'
import { parseInt64 } from '../wire/int64.ts'
import { isStorableText } from '../wire/message.ts'
import { pythonLiteral } from '../wire/python.ts'
import { orderMetric, orderNullsLast } from './to-sql.ts'

export interface SortKey {
  kind: 'text' | 'int64' | 'double' | 'boolean' | 'metric'
  value: Column | SQL
  /** Of metrics: whether the value stands for NaN; NULL where there is no metric. */
  isNan?: SQL
  ascending: boolean
  /** Never absent, which spares the engine from looking for rows without a value. */
  required?: boolean
}

/** Where a row stands: the texts of its sort keys; null for an absent value, `NaN` for a metric that is not a number. */
export type Place = (string | null)[]

/** ORDER BY of the keys: rows without a value last whatever the direction, NaN right before them. */
export const orderOf = (keys: readonly SortKey[]): SQL[] =>
  keys.map((key) => {
    if (key.kind === 'metric') return orderMetric(key.value, isNanOf(key), key.ascending)
    if (!key.required) return orderNullsLast(key.value, key.ascending)
    return sql`${key.value} ${sql.raw(key.ascending ? 'ASC' : 'DESC')}`
  })

/**
 * Holds for the rows that come behind the place. The keys together must be unique.
 * Spelled out key by key, since no engine compares rows of mixed directions with NULLs last.
 */
export const isBehind = (keys: readonly SortKey[], place: Place): SQL =>
  isBehindFrom(keys, place) ?? sql`false`

function isBehindFrom([key, ...rest]: readonly SortKey[], [at = null, ...places]: Place): SQL | undefined {
  if (!key) return undefined
  const behind = isKeyBehind(key, at)
  const further = isBehindFrom(rest, places)
  const tie = further && sql`(${isKeyEqual(key, at)} AND ${further})`
  return behind && tie ? sql`(${behind} OR ${tie})` : (behind ?? tie)
}

/** Nothing is behind an absent value, nor behind true. */
function isKeyBehind(key: SortKey, at: string | null): SQL | undefined {
  const { kind, value, ascending } = key
  if (at === null) return undefined
  if (kind === 'boolean') return at === 'true' ? undefined : sql`${value}`
  if (kind === 'metric' && at === 'NaN') return sql`${value} IS NULL`
  const further = sql`${value} ${sql.raw(ascending ? '>' : '<')} ${literal(key, at)}`
  if (kind === 'metric') return sql`(${further} OR ${isNanOf(key)} OR ${value} IS NULL)`
  return key.required ? further : sql`(${further} OR ${value} IS NULL)`
}

function isKeyEqual(key: SortKey, at: string | null): SQL {
  if (at === null) return sql`${key.value} IS NULL`
  if (key.kind !== 'metric') return sql`${key.value} = ${literal(key, at)}`
  return at === 'NaN' ? isNanOf(key) : sql`(${key.value} = ${literal(key, at)} AND NOT ${isNanOf(key)})`
}

const TYPES = {
  text: 'text',
  int64: 'bigint',
  double: 'double precision',
  boolean: 'boolean',
  metric: 'double precision',
} as const

const literal = ({ kind }: SortKey, at: string): SQL => sql`${at}::${sql.raw(TYPES[kind])}`

const isNanOf = ({ isNan = sql`false` }: SortKey): SQL => isNan

/** The text of a stored value. Zero keeps its sign: CrateDB sorts -0 before 0. */
export function placeOf(value: unknown, isNan: unknown): string | null {
  if (value === null || value === undefined) return null
  if (isNan === true) return 'NaN'
  return Object.is(value, -0) ? '-0' : String(value)
}

const isNumber = (text: string) => /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text))

const READABLE: Record<SortKey['kind'], (text: string) => boolean> = {
  text: isStorableText,
  int64: (text) => parseInt64(text) !== undefined,
  double: isNumber,
  boolean: (text) => text === 'true' || text === 'false',
  metric: (text) => text === 'NaN' || isNumber(text),
}

/**
 * Checks a place that a client brought back.
 * @throws INVALID_PARAMETER_VALUE when it is none of these keys
 */
export function checkPlace(keys: readonly SortKey[], place: readonly unknown[]): Place {
  const fits = keys.every(({ kind, required }, position) => {
    const at = place[position]
    return at === null ? !required : typeof at === 'string' && READABLE[kind](at)
  })
  if (!fits || place.length !== keys.length) {
    throw invalidParameter(`Invalid page token, parsed value=${pythonLiteral(place)}`)
  }
  return place as Place
}

/**
 * How the place of a row of the table is read. Keys that are no columns of it are in the row as `value_<position>`, and whether
 * a metric is NaN as `nan_<position>`.
 */
export function placesOf(table: Table, keys: readonly SortKey[]): (row: Record<string, unknown>) => Place {
  const columns = Object.entries(getTableColumns(table))
  const fields = keys.map(({ value }, position) =>
    is(value, Column)
      ? { value: columns.find(([, column]) => column === value)?.[0] ?? '', nan: undefined }
      : { value: `value_${position}`, nan: `nan_${position}` },
  )
  return (row) => fields.map(({ value, nan }) => placeOf(row[value], nan === undefined ? false : row[nan]))
}
