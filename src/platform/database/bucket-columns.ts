// The table of buckets of a table that is thinned: its columns, how a row of either table becomes part of a bucket, and which rows are due. The same on all
// databases.
import { and, type SQL, sql } from 'drizzle-orm'
import type { Aggregate } from '../wire/aggregates.ts'
import type { Engine } from './engine.ts'
import { isBefore, timeIn } from './old-rows.ts'
import { identifierOf } from './own-columns.ts'
import type { DueBuckets, Thinned, ThinnedColumn, TypedColumn } from './thinning.ts'

/** Columns of every such table, beside those of the key and of aggregates. */
export const BUCKET = {
  /** Follows from all that tells buckets apart: a primary key takes no NULL. */
  id: 'bucket_id',
  start: 'bucket',
  size: 'bucket_ms',
  rows: 'row_count',
  version: 'version',
} as const

/** What a row says of a column: a bucket's, or a row's own, which is a bucket of one. */
export interface Part {
  column: ThinnedColumn
  kind: 'count' | 'sum' | 'min' | 'max' | 'first' | 'first_at' | 'last' | 'last_at'
  /** Its name in the table of buckets. */
  name: string
  type: string
}

const NEEDS: Record<Aggregate, Part['kind'][]> = {
  count: ['count'],
  sum: ['sum'],
  min: ['min'],
  max: ['max'],
  first: ['first', 'first_at'],
  last: ['last', 'last_at'],
  mean: ['count', 'sum'],
}
const KINDS = ['count', 'sum', 'min', 'max', 'first', 'first_at', 'last', 'last_at'] as const
const INTEGERS = ['smallint', 'integer', 'bigint']

export const isWhole = ({ type }: TypedColumn): boolean => INTEGERS.includes(type)

/** Sums of integers go beyond integers. */
const typeOfSum = (column: ThinnedColumn): string =>
  isWhole(column) ? 'NUMERIC(38, 0)' : column.type === 'numeric' ? 'NUMERIC' : 'DOUBLE PRECISION'

function typeOf(kind: Part['kind'], column: ThinnedColumn, time: TypedColumn): string {
  if (kind === 'count') return 'BIGINT'
  if (kind === 'sum') return typeOfSum(column)
  return (kind.endsWith('_at') ? time : column).type.toUpperCase()
}

/** What is kept of the columns, in their order. */
export const partsOf = ({ columns, time }: Pick<Thinned, 'columns' | 'time'>): Part[] =>
  columns.flatMap((column) => {
    const needed = column.aggregates.flatMap((aggregate) => NEEDS[aggregate])
    return KINDS.filter((kind) => needed.includes(kind)).map((kind) => ({
      column,
      kind,
      name: `${column.name}_${kind}`,
      type: typeOf(kind, column, time),
    }))
  })

/** Columns that the database computes of others. */
const meansOf = ({ columns }: Pick<Thinned, 'columns'>): string[] =>
  columns.filter(({ aggregates }) => aggregates.includes('mean')).map(({ name }) => `${name}_mean`)

/** Names of all columns of the table of buckets. */
export const namesOf = (thinned: Pick<Thinned, 'by' | 'columns' | 'time'>): string[] => [
  ...Object.values(BUCKET),
  ...thinned.by.map(({ name }) => name),
  ...partsOf(thinned).map(({ name }) => name),
  ...meansOf(thinned),
]

export const id = (name: string): SQL => sql`${sql.identifier(name)}`

export const list = (all: readonly SQL[]): SQL => sql.join([...all], sql`, `)

/** The columns of the table of buckets, as CREATE TABLE takes them; `stored` stands behind what is computed of others. */
export function columnsOf(thinned: Thinned, stored = sql.empty()): SQL {
  const typed = (name: string, type: string) => sql`${id(name)} ${sql.raw(type)}`
  return sql.join(
    [
      sql`${id(BUCKET.id)} TEXT PRIMARY KEY`,
      typed(BUCKET.start, thinned.time.type.toUpperCase()),
      typed(BUCKET.size, 'BIGINT'),
      ...thinned.by.map(({ name, type }) => typed(name, type.toUpperCase())),
      typed(BUCKET.rows, 'BIGINT'),
      ...partsOf(thinned).map(({ name, type }) => typed(name, type)),
      ...meansOf(thinned).map((name) => {
        const own = name.slice(0, -'_mean'.length)
        return sql`${id(name)} DOUBLE PRECISION GENERATED ALWAYS AS (CASE WHEN ${id(`${own}_count`)} > 0
          THEN CAST(${id(`${own}_sum`)} AS DOUBLE PRECISION) / CAST(${id(`${own}_count`)} AS DOUBLE PRECISION) END) ${stored}`
      }),
      typed(BUCKET.version, 'BIGINT'),
      sql`CONSTRAINT ${id(thinned.mark)} CHECK (true)`,
    ],
    sql`, `,
  )
}

/** What rows are taken from: the table itself, or smaller buckets that larger ones take in. */
export type Source = 'rows' | 'buckets'

/** Holds for what is due. */
export function isDue(
  { time }: Pick<Thinned, 'time'>,
  { size, fromMs, untilMs }: DueBuckets,
  { source, isCounted }: { source: Source; isCounted: SQL | undefined },
): SQL {
  const column = source === 'rows' ? time : { name: BUCKET.start, type: time.type }
  const range = { table: { schema: '', table: '' }, column, untilMs }
  return and(
    isBefore(range),
    fromMs === undefined ? undefined : sql`${id(column.name)} >= ${timeIn(column, fromMs)}`,
    source === 'rows'
      ? isCounted
      : sql`${id(BUCKET.size)} < ${size}::BIGINT AND (${size}::BIGINT % ${id(BUCKET.size)}) = 0`,
  ) as SQL
}

/** What a row says, as its kind has it in the table of buckets. */
export function partIn(
  { time }: Pick<Thinned, 'time'>,
  { column, kind, name, type }: Part,
  source: Source,
): SQL {
  if (source === 'buckets') return id(name)
  const value = id(column.name)
  if (kind === 'count') return sql`CASE WHEN ${value} IS NULL THEN 0 ELSE 1 END`
  if (kind === 'sum') return sql`CAST(${value} AS ${sql.raw(type)})`
  return kind.endsWith('_at') ? sql`CASE WHEN ${value} IS NULL THEN NULL ELSE ${id(time.name)} END` : value
}

/** How many rows are due for each, smaller buckets that larger ones are to take in among them. */
export async function countDue(
  engine: Engine,
  thinned: Thinned,
  { due, isMade }: { due: readonly DueBuckets[]; isMade: boolean },
): Promise<number[]> {
  const { table, into, time } = thinned
  const isCounted = engine.dialect.thinning?.isCounted(time)
  const counts = due.map(() => 0)
  for (const source of ['rows', ...(isMade ? ['buckets' as const] : [])] as const) {
    const from = identifierOf(source === 'rows' ? table : into)
    const settle = engine.dialect.ownTables?.settle?.(from)
    if (settle) await engine.execute(settle)
    const sums = due.map(
      (one) => sql`sum(CASE WHEN ${isDue(thinned, one, { source, isCounted })} THEN 1 ELSE 0 END)`,
    )
    const [row = []] = await engine.rows(sql`SELECT ${list(sums)} FROM ${from}`)
    for (const [i, count] of row.entries()) counts[i] = (counts[i] ?? 0) + Number(count ?? 0)
  }
  return counts
}
