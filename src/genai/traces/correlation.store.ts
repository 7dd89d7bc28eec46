// Counting the traces that filters find, alone and together.
import { and, type SQL, sql } from 'drizzle-orm'
import type { Engine } from '../../platform/database/engine.ts'
import { makeReady, meets } from './search.store.ts'
import type { TraceComparison } from './search.ts'
import { traces } from './tables.ts'

/**
 * How many traces of the experiments meet all filters of a list, for each of the lists, in one statement; an empty filter is met
 * by all. Sees every write acknowledged before the call.
 */
export async function countTraces(
  engine: Engine,
  experimentIds: string[],
  lists: TraceComparison[][][],
): Promise<number[]> {
  await makeReady(engine, { filter: lists.flat(2) })
  const counts = lists.map((filters, index): SQL => {
    // Each filter by itself: what it asks of spans must hold for one span, not for that of another filter.
    const where = and(...filters.map((filter) => meets(engine, { experimentIds, filter })))
    return sql`SELECT ${sql.raw(String(index))} AS filter, count(*) AS n FROM ${traces} WHERE ${where}`
  })
  const { rows } = await engine.execute<{ filter: number; n: unknown }>(sql.join(counts, sql` UNION ALL `))
  const found = new Map(rows.map(({ filter, n }) => [Number(filter), Number(n)]))
  return lists.map((_, index) => found.get(index) ?? 0)
}
