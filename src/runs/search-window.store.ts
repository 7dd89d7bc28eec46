// The first stretch of a search's order, so that a page is found without joining all runs with what they hold.
import { and, type Column, eq, type SQL, sql } from 'drizzle-orm'
import { equalsAny } from '../database/columns.ts'
import type { Engine } from '../database/engine.ts'
import { latestMetrics } from '../metrics/tables.ts'
import { type Place, placeOf, type SortKey } from '../search/keyset.ts'
import { type params, runs, type tags } from './tables.ts'

/** Larger stretches take as long as all runs. */
const MAX_SIZE = 10_000

/** Among how many runs to look for a page: few do when conditions hold for most, more when they hold for some. */
export const windowSizes = (limit: number): number[] =>
  [4 * limit, 64 * limit].filter((size) => size <= MAX_SIZE)

/** Where the values of the first sort key are. */
export interface FirstKey {
  table: typeof runs | typeof latestMetrics | typeof params | typeof tags
  column: Column
  kind: SortKey['kind']
  ascending: boolean
  /** What its rows must be like: of the experiments, the stages, the key. */
  where: SQL | undefined
}

/**
 * A statement for the ids of the `size` runs (and ties) that come first in the order behind the place, or undefined when there is no
 * such stretch: for texts, when few runs are left, or when those that have no value of the key come next. Whatever the stretch, it
 * leaves out no run that comes before its last one; a page that it fills is therefore the right page.
 */
export async function findWindow(
  engine: Engine,
  key: FirstKey,
  { size, at }: { size: number; at: Place[number] | undefined },
): Promise<SQL | undefined> {
  // CrateDB sorts text by UTF-8 in a table and by UTF-16 behind a join: a stretch of the one is none of the other.
  if (key.kind === 'text' || at === null || at === 'NaN') return undefined
  const { table, column, ascending } = key
  const type = sql.raw(column.getSQLType())
  const behind = sql.raw(ascending ? '>=' : '<=')
  const before = sql.raw(ascending ? '<=' : '>=')
  const where = and(
    key.where,
    key.kind === 'metric' ? eq(latestMetrics.isNan, false) : undefined,
    at === undefined ? sql`${column} IS NOT NULL` : sql`${column} ${behind} ${at}::${type}`,
  )
  const rows = await engine.rows(sql`SELECT ${column} FROM ${table} WHERE ${where}
    ORDER BY ${column} ${sql.raw(ascending ? 'ASC' : 'DESC')} LIMIT ${size + 1} OFFSET ${size}`)
  if (rows.length === 0) return undefined
  const [bound, further] = [placeOf(rows[0]?.[0], false), placeOf(rows[size]?.[0], false)]
  // So many runs share the value that the stretch might be all of them.
  if (bound === further) return undefined
  const last = sql`${column} ${before} ${bound}::${type}`
  return sql`SELECT ${table.runId} FROM ${table} WHERE ${and(where, last)}`
}

/** The runs of the experiments in the lifecycle stages. */
export const ofExperiments = (experimentIds: string[], stages: string[]): SQL | undefined =>
  and(equalsAny(runs.experimentId, experimentIds), equalsAny(runs.lifecycleStage, stages))
