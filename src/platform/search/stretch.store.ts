// Stretches of a search's order, so that a page is found without looking at what all rows hold.
import { and, type Column, type SQL, sql } from 'drizzle-orm'
import type { Owners } from '../database/children.ts'
import type { Engine } from '../database/engine.ts'
import { isBehind, type Place, placeOf, type SortKey } from './keyset.ts'

/** Larger stretches take as long as all rows. */
export const MAX_SIZE = 10_000

/** Where the values of the first sort key are. */
export interface FirstKey {
  column: Column
  /** The id, beside it, of the row that is looked for. */
  id: Column
  /** Whether that row has the values itself. */
  isOwn: boolean
  kind: SortKey['kind']
  ascending: boolean
  /** What rows with values must be like: of the experiments, the stages, the key, numbers. */
  where: SQL | undefined
}

/** Where a stretch begins: at a value of the first sort key, or behind it. */
interface Start {
  at: string | null
  isBehind: boolean
}

/** Some rows, among which to look for others. */
export interface Some {
  ids: Owners
  /** What holds for these rows alone, where their own columns tell. */
  isOne?: SQL | undefined
}

/** Which rows to look at: all, those behind a place in the order, some. */
export interface Part {
  after?: Place | undefined
  /** Only those whose first sort key comes behind this value. */
  behind?: string | undefined
  /** Only these. */
  within?: Some | undefined
}

/** Holds for the rows behind the place or the value that the part names, if it names one. */
export const isInOrder = (keys: readonly SortKey[], { after, behind }: Part): SQL | undefined =>
  behind === undefined ? after && isBehind(keys, after) : isBehind(keys.slice(0, 1), [behind])

/**
 * Goes through the order of a search, stretch by stretch, until its page is full.
 * @param look finds so many rows of a part, in the order
 * @param after where the page before has ended
 */
export function createWalk<Row>(engine: Engine, { key, limit, after, look }: WalkOptions<Row>) {
  const found: Row[] = []
  let looked = 0
  let start: Start | undefined = after?.[0] === undefined ? undefined : { at: after[0], isBehind: false }
  let rest: Part = { after }
  const lookAt = async (part: Part) => {
    for (const row of await look(part, limit - found.length)) found.push(row)
  }
  return {
    found,
    isFull: () => found.length === limit,
    /** How many rows the stretches had. */
    looked: () => looked,
    /** Looks at the next stretch of `size` rows; answers false where there is none. */
    async lookFurther(size: number): Promise<boolean> {
      const stretch = await findStretch(engine, key, { size, start })
      if (!stretch) return false
      await lookAt({ ...rest, within: stretch })
      looked += size
      start = { at: stretch.last, isBehind: true }
      rest = { behind: stretch.last }
      return true
    },
    /** Looks at all that is left, or at these alone. */
    lookAtRest: (within?: Some) => lookAt({ ...rest, within }),
  }
}

interface WalkOptions<Row> {
  key: FirstKey
  limit: number
  after: Place | undefined
  look: (part: Part, limit: number) => Promise<Row[]>
}

/** Rows that follow on each other. */
interface Stretch extends Some {
  /** The value of the first sort key that its last rows have; no other rows have it. */
  last: string
}

/**
 * The next `size` rows (and ties) of the order, or more of them when many share a value. Undefined when there is no
 * such stretch: when few rows are left, when those that have no value of the key come next, or where the engine sorts
 * texts in two ways. It leaves out no row that comes before its last one; a page that it fills is therefore right.
 */
async function findStretch(
  engine: Engine,
  key: FirstKey,
  { size, start }: { size: number; start: Start | undefined },
): Promise<Stretch | undefined> {
  if (start?.at === null || start?.at === 'NaN') return undefined
  if (key.kind === 'text' && !engine.dialect.sortsTextAlike) return undefined
  const { column, id, ascending } = key
  const type = sql.raw(column.getSQLType())
  const further = sql.raw(`${ascending ? '>' : '<'}${start?.isBehind ? '' : '='}`)
  const where = and(
    key.where,
    start ? sql`${column} ${further} ${start.at}::${type}` : sql`${column} IS NOT NULL`,
  )
  const last = await findLast(engine, { ...key, where }, size)
  if (last === undefined) return undefined
  const ofStretch = and(where, sql`${column} ${sql.raw(ascending ? '<=' : '>=')} ${last}::${type}`) as SQL
  const ids = sql`SELECT ${id} FROM ${column.table} WHERE ${ofStretch}`
  return { ids, isOne: key.isOwn ? ofStretch : undefined, last }
}

/** The value behind so many rows, where it is not that of as many rows more: the stretch might be all rows then. */
async function findLast(engine: Engine, key: FirstKey, size: number): Promise<string | undefined> {
  const { column, where, ascending } = key
  const rows = await engine.rows(sql`SELECT ${column} FROM ${column.table} WHERE ${where}
    ORDER BY ${column} ${sql.raw(ascending ? 'ASC' : 'DESC')} LIMIT ${size + 1} OFFSET ${size}`)
  const [last, next] = [placeOf(rows[0]?.[0], false), placeOf(rows[size]?.[0], false)]
  if (last === null) return undefined
  if (last !== next) return last
  return 4 * size <= MAX_SIZE ? findLast(engine, key, 4 * size) : undefined
}
