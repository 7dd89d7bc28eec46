// Deletes rows that are told apart by lists of values, and proves that they are gone.
import { and, type Column, eq, or, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { unavailable } from '../../errors.ts'
import type { Int64 } from '../wire/int64.ts'
import type { Engine } from './engine.ts'

/** Rows that have all of the values, and one of the list in each of the columns with one. */
export interface Listed {
  equal: readonly (readonly [Column, string | number | boolean | bigint])[]
  integers: readonly (readonly [Column, readonly Int64[]])[]
  /** Where integers alone do not tell them apart. */
  doubles?: readonly [Column, readonly number[]] | undefined
  /** How many rows that are at most. */
  count: number
}

/** Rows of a statement: some 100 ms on PGlite, where all else waits meanwhile. */
const SLICE = 10_000
/** Conditions of a statement. */
const MOST_CONDITIONS = 50
/** Times that rows are deleted before the database is taken to keep them. */
const MAX_ROUNDS = 3

/**
 * Deletes the rows. Those that were acknowledged before the last refresh of the table are seen. Repeatable. CrateDB reports success where a shard that is
 * away keeps rows: when fewer went than there should be, it is looked whether any is left.
 * @returns how many went
 * @throws TEMPORARILY_UNAVAILABLE when rows stay
 */
export async function deleteListed(
  engine: Engine,
  table: PgTable,
  listed: readonly Listed[],
): Promise<number> {
  let deleted = 0
  for (const some of slicesOf(listed)) {
    const where = or(...some.map((one) => isListed(engine, one))) as SQL
    const expected = some.reduce((sum, { count }) => sum + count, 0)
    for (let round = 0; ; round++) {
      if (round === MAX_ROUNDS) throw unavailable('The database did not delete all rows. Please retry.')
      const { rowCount } = await engine.execute(sql`DELETE FROM ${table} WHERE ${where}`)
      deleted += rowCount
      if (round === 0 && rowCount >= expected) break
      await engine.refresh(table)
      const left = await engine.rows(sql`SELECT 1 FROM ${table} WHERE ${where} LIMIT 1`)
      if (left.length === 0) break
    }
  }
  return deleted
}

function slicesOf(listed: readonly Listed[]): Listed[][] {
  const slices: Listed[][] = []
  let rows = Number.POSITIVE_INFINITY
  for (const one of listed) {
    const last = slices.at(-1)
    if (!last || rows + one.count > SLICE || last.length === MOST_CONDITIONS) {
      slices.push([one])
      rows = one.count
    } else {
      last.push(one)
      rows += one.count
    }
  }
  return slices
}

function isListed({ dialect }: Engine, { equal, integers, doubles }: Listed): SQL {
  return and(
    ...equal.map(([column, value]) => eq(column, value)),
    ...integers.map(([column, values]) =>
      values.length === 1 ? eq(column, values[0]) : dialect.isOneOfMany(column, values),
    ),
    doubles && sql`${doubles[0]} = ANY(${sql.param([...doubles[1]])}::double precision[])`,
  ) as SQL
}
