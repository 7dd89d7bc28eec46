// A page of the rows of a table, in an order that every row has a place in.
import { and, type SQL } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { Engine } from '../database/engine.ts'
import { checkPlace, isBehind, orderOf, type Place, placesOf, type SortKey } from './keyset.ts'

export interface PageBounds {
  after: readonly unknown[] | undefined
  offset: number
  limit: number
}

/**
 * A page of rows in an order, each with its place in it. Passes the refresh gate.
 * @throws INVALID_PARAMETER_VALUE when `after` is no place
 */
export async function findPage<T extends PgTable>(
  engine: Engine,
  table: T,
  { order, where, page }: { order: SortKey[]; where: SQL | undefined; page: PageBounds },
): Promise<(T['$inferSelect'] & { place: Place })[]> {
  await engine.refresh(table)
  const { after, offset, limit } = page
  const rows = await engine.db
    .select()
    .from(table as PgTable)
    .where(and(where, after && isBehind(order, checkPlace(order, after))))
    .orderBy(...orderOf(order))
    .limit(limit)
    .offset(offset)
  const placeOf = placesOf(table, order)
  return rows.map((row) => ({ ...row, place: placeOf(row) })) as (T['$inferSelect'] & { place: Place })[]
}
