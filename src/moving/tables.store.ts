// Statements over the tables that move, in a store of ours: reading by owner, and upserts.
import { and, type Column, eq, getTableColumns, getTableName, gt, type SQL, sql } from 'drizzle-orm'
import { getTableConfig, type PgColumn, type PgTable } from 'drizzle-orm/pg-core'
import { unavailable } from '../errors.ts'
import { type BulkWrite, createUpsert, takeAll, takeNew, writeAll } from '../platform/database/bulk.ts'
import { ownedBy } from '../platform/database/children.ts'
import type { Engine } from '../platform/database/engine.ts'
import { isBehind, orderOf, placeOf, type SortKey } from '../platform/search/keyset.ts'
import type { MovedTable, Row } from './families.store.ts'

const columnOf = (table: PgTable, property: string): PgColumn =>
  (getTableColumns(table) as Record<string, PgColumn>)[property] as PgColumn

/** Properties of the table that hold doubles. */
export const doublesOf = ({ table }: MovedTable): string[] =>
  Object.entries(getTableColumns(table)).flatMap(([property, column]) =>
    column.getSQLType() === 'double precision' ? [property] : [],
  )

/** Rows of the table that belong to these parents. The caller has passed the refresh gate. */
export async function readOwned(engine: Engine, moved: MovedTable, ids: readonly string[]): Promise<Row[]> {
  if (ids.length === 0) return []
  const { table, of, where } = moved
  const columns = Object.entries(getTableColumns(table))
  const owned = ownedBy(engine.dialect, { table, of: columnOf(table, of) }, [...new Set(ids)])
  const statement = engine.db.select(getTableColumns(table)).from(owned.from).where(and(owned.where, where))
  // Drizzle takes twice as long to make the same rows of the answer.
  const { sql: text, params } = statement.toSQL()
  const rows = await engine.rows({ text, params })
  return rows.map((values) => {
    const row: Row = {}
    for (let i = 0; i < columns.length; i++) {
      const [property, column] = columns[i] as [string, Column]
      const value = values[i]
      row[property] = value === null ? null : column.mapFromDriverValue(value)
    }
    return row
  })
}

/** How many rows of the table each of these parents has; none is left out as 0. The caller has passed the refresh gate. */
export async function countOwned(
  engine: Engine,
  moved: MovedTable,
  ids: readonly string[],
): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map()
  const { table, of, where } = moved
  const column = columnOf(table, of)
  const owned = ownedBy(engine.dialect, { table, of: column }, [...new Set(ids)])
  const rows = await engine.db
    .select({ id: column, count: sql<string>`count(*)` })
    .from(owned.from)
    .where(and(owned.where, where))
    .groupBy(column)
  return new Map(rows.map(({ id, count }) => [String(id), Number(count)]))
}

/**
 * How many rows of one parent there are for each value of the first property of their order. The caller has passed the
 * refresh gate.
 */
export async function countGroups(
  engine: Engine,
  moved: MovedTable,
  id: string,
): Promise<Map<string, number>> {
  const { table, of, where, order: [first = of] = [] } = moved
  const column = columnOf(table, first)
  const rows = await engine.db
    .select({ value: column, count: sql<string>`count(*)` })
    .from(table)
    .where(and(eq(columnOf(table, of), id), where))
    .groupBy(column)
  return new Map(rows.map(({ value, count }) => [String(value), Number(count)]))
}

/** A stretch of one parent's rows. */
export interface PageOf {
  id: string
  /** Only rows with this value of the first property of the order, which goes on with the next. */
  group?: string
  after: Row | undefined
  limit: number
}

/**
 * A page of one parent's rows in their order, behind a row. The order may leave ties, so a full page ends before the last
 * group of equal rows, whose rest may be on the next one.
 */
export async function readPage(
  engine: Engine,
  moved: MovedTable,
  { id, group, after, limit }: PageOf,
): Promise<Row[]> {
  const { table, of, where } = moved
  const [first = of, ...rest] = moved.order ?? []
  const order = group === undefined ? [first, ...rest] : rest
  const keys = sortKeys(table, order)
  const place = after && order.map((property) => placeOf(after[property], false))
  const [key] = keys
  const rows: Row[] = await engine.db
    .select(getTableColumns(table))
    .from(table)
    .where(
      and(
        eq(columnOf(table, of), id),
        where,
        group === undefined ? undefined : eq(columnOf(table, first), group),
        // Said apart, the engines find the first row by their indexes.
        place && key && sql`${key.value} >= ${place[0]}::${sql.raw((key.value as Column).getSQLType())}`,
        place && isBehind(keys, place),
      ),
    )
    .orderBy(...orderOf(keys))
    .limit(limit)
  return rows.length < limit ? rows : withoutLastTie(rows, order)
}

const sortKeys = (table: PgTable, order: readonly string[]): SortKey[] =>
  order.map((property) => {
    const value = columnOf(table, property)
    const type = value.getSQLType()
    const kind = type === 'bigint' ? 'int64' : type === 'double precision' ? 'double' : 'text'
    return { kind, value, ascending: true, required: true }
  })

/** Rows without the last ones that are equal in these properties. */
export function withoutLastTie<R extends Row>(rows: readonly R[], order: readonly string[]): R[] {
  const last = rows.at(-1)
  if (!last) return []
  const isTied = (row: R) => order.every((property) => row[property] === last[property])
  return rows.slice(0, rows.findLastIndex((row) => !isTied(row)) + 1)
}

/** A page of parents by id, behind an id. The caller has passed the refresh gate. */
export async function readParents(
  engine: Engine,
  { table, of, where }: MovedTable,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<Row[]> {
  const id = columnOf(table, of)
  return engine.db
    .select(getTableColumns(table))
    .from(table)
    .where(and(where, after === undefined ? undefined : gt(id, sql`${after}::${sql.raw(id.getSQLType())}`)))
    .orderBy(id)
    .limit(limit)
}

export const countRows = async (engine: Engine, { table, where }: MovedTable): Promise<number> => {
  const { rows } = await engine.execute<{ count: string }>(
    sql`SELECT count(*) AS count FROM ${sql.identifier(getTableName(table))} ${where && sql`WHERE ${where}`}`,
  )
  return Number(rows[0]?.count ?? 0)
}

export type Upsert = (rows: readonly Row[], how: { isFresh: boolean }) => Promise<void>

/**
 * Returns the writer of a table: upserts by primary key. Rows that are there take what is new, but for what their
 * store keeps to itself. Fresh rows go by INSERT, where that is faster, and again by upsert if one was there.
 * @param replace what is there is replaced as a whole
 */
export function createWriter(engine: Engine, moved: MovedTable, { replace = false } = {}): Upsert {
  const { table } = moved
  const key = keyProperties(table)
  const onConflict = replace ? takeAll(table) : takeCompared(moved, key)
  const upsert = createUpsert(engine, table, { onConflict }) as (rows: readonly Row[]) => BulkWrite
  const insert = createUpsert(engine, table, { onConflict, isNew: () => true }) as typeof upsert
  const hasLists = Object.values(getTableColumns(table)).some((column) => column.getSQLType().endsWith('[]'))
  return async (rows, { isFresh }) => {
    // A statement takes no row twice.
    const distinct = new Map(
      rows.map((row) => [key.map((property) => String(row[property])).join('\0'), row]),
    )
    if (hasLists) return upsertOneByOne(engine, moved, [...distinct.values()], replace ? [] : moved.own)
    await writeAll(engine, [(isFresh ? insert : upsert)([...distinct.values()])])
  }
}

/** Rows with lists, which are few: a statement of arrays has no place for arrays of arrays. */
async function upsertOneByOne(
  engine: Engine,
  { table }: MovedTable,
  rows: readonly Row[],
  kept: readonly string[],
): Promise<void> {
  const key = keyProperties(table)
  for (const row of rows) {
    const changes = Object.entries(row).filter(
      ([property]) => !key.includes(property) && !kept.includes(property),
    )
    const written = await engine.db
      .insert(table)
      .values(row)
      .onConflictDoUpdate({
        target: key.map((property) => columnOf(table, property)),
        set: Object.fromEntries(changes),
      })
      .returning({ id: columnOf(table, key[0] ?? '') })
    if (written.length !== 1) throw unavailable('The database did not take all rows. Please retry.')
  }
}

function keyProperties(table: PgTable): string[] {
  const { columns, primaryKeys } = getTableConfig(table)
  const key = primaryKeys[0]?.columns ?? columns.filter(({ primary }) => primary)
  return Object.entries(getTableColumns(table)).flatMap(([property, column]) =>
    key.some(({ name }) => name === column.name) ? [property] : [],
  )
}

function takeCompared({ table, own }: MovedTable, key: readonly string[]) {
  const others = Object.entries(getTableColumns(table)).filter(
    ([property]) => !key.includes(property) && !own.includes(property),
  )
  return (): SQL =>
    sql.join(
      others.map(([, column]) => takeNew(column)()),
      sql`, `,
    )
}
