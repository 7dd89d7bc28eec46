// Stretches of a search's order, so that a page is found without looking at what all runs hold.
import { and, type Column, eq, type SQL, sql } from 'drizzle-orm'
import type { Owners } from '../../platform/database/children.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { placeOf, type SortKey } from '../../platform/search/keyset.ts'
import { latestMetrics } from '../metrics/tables.ts'
import { type params, runs, type tags } from './tables.ts'

/** Larger stretches take as long as all runs. */
const MAX_SIZE = 10_000

/**
 * Among how many runs to look next for what is missing of a page: at first among four times as many, then among as
 * many as should do when conditions go on to hold as often. Undefined when all that are left are as good.
 */
export function nextSize(limit: number, found: number, looked: number): number | undefined {
  const missing = limit - found
  const size = looked === 0 ? 4 * limit : Math.max(looked, Math.ceil((1.5 * missing * looked) / found))
  return size <= MAX_SIZE ? size : undefined
}

/** Where the values of the first sort key are. */
export interface FirstKey {
  table: typeof runs | typeof latestMetrics | typeof params | typeof tags
  column: Column
  kind: SortKey['kind']
  ascending: boolean
  /** What its rows must be like: of the experiments, the stages, the key. */
  where: SQL | undefined
}

/** Where a stretch begins: at a value of the first sort key, or behind it. */
export interface Start {
  at: string | null
  isBehind: boolean
}

/** Some runs, among which to look for others. */
export interface Some {
  ids: Owners
  /** What holds for these runs alone, where their own columns tell. */
  isOne?: SQL | undefined
}

/** Runs that follow on each other. */
export interface Stretch extends Some {
  /** The value of the first sort key that its last runs have; no other runs have it. */
  last: string
}

/**
 * The next `size` runs (and ties) of the order, or more of them when many share a value. Undefined when there is no
 * such stretch: when few runs are left, when those that have no value of the key come next, or where the engine sorts
 * texts in two ways. It leaves out no run that comes before its last one; a page that it fills is therefore right.
 */
export async function findStretch(
  engine: Engine,
  key: FirstKey,
  { size, start }: { size: number; start: Start | undefined },
): Promise<Stretch | undefined> {
  if (start?.at === null || start?.at === 'NaN') return undefined
  if (key.kind === 'text' && !engine.dialect.sortsTextAlike) return undefined
  const { table, column, ascending } = key
  const type = sql.raw(column.getSQLType())
  const further = sql.raw(`${ascending ? '>' : '<'}${start?.isBehind ? '' : '='}`)
  const where = and(
    key.where,
    key.kind === 'metric' ? eq(latestMetrics.isNan, false) : undefined,
    start ? sql`${column} ${further} ${start.at}::${type}` : sql`${column} IS NOT NULL`,
  )
  const last = await findLast(engine, { ...key, where }, size)
  if (last === undefined) return undefined
  const ofStretch = and(where, sql`${column} ${sql.raw(ascending ? '<=' : '>=')} ${last}::${type}`) as SQL
  const ids = sql`SELECT ${table.runId} FROM ${table} WHERE ${ofStretch}`
  return { ids, isOne: table === runs ? ofStretch : undefined, last }
}

/** The value behind so many rows, where it is not that of as many rows more: the stretch might be all runs then. */
async function findLast(engine: Engine, key: FirstKey, size: number): Promise<string | undefined> {
  const { table, column, where, ascending } = key
  const rows = await engine.rows(sql`SELECT ${column} FROM ${table} WHERE ${where}
    ORDER BY ${column} ${sql.raw(ascending ? 'ASC' : 'DESC')} LIMIT ${size + 1} OFFSET ${size}`)
  const [last, next] = [placeOf(rows[0]?.[0], false), placeOf(rows[size]?.[0], false)]
  if (last === null) return undefined
  if (last !== next) return last
  return 4 * size <= MAX_SIZE ? findLast(engine, key, 4 * size) : undefined
}
