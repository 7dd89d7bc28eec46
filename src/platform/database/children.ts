// What belongs to rows (a run's params, a model's tags) as searches ask for it: looked up row by row, or read as a whole.
//
// PostgreSQL chooses between joins by statistics. A new store has none, those of a growing one lag behind, and
// a join that was chosen without them takes minutes over some thousand runs. Subselects that it cannot turn into joins
// are looked up by the primary key for each row, whatever it knows of the tables.
import {
  and,
  type Column,
  eq,
  getTableColumns,
  getTableName,
  is,
  or,
  Placeholder,
  SQL,
  Subquery,
  sql,
} from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { arrayOf, equalsAny } from './columns.ts'
import type { Dialect } from './engine.ts'

/** Rows that belong to others. */
export interface Children {
  table: PgTable
  /** The column that tells whose they are: the first one of an index. */
  of: Column
  /** What the rest of that index finds, where another one could seem to fit all conditions as well. */
  key?: SQL | undefined
  /** Which of them count. */
  where: SQL | undefined
  /** What holds for all that may count, where they are read without their owners. */
  slice?: SQL | undefined
}

/** Ids, ids that come later, or a SELECT of them; none of them twice. */
export type Owners = readonly string[] | Placeholder | SQL

/** Holds for what belongs to one of the owners. */
export const isOwned = (of: Column, owners: Owners): SQL =>
  is(owners, SQL) ? sql`${of} IN (${owners})` : equalsAny(of, owners)

/**
 * The rows that belong to the owners by one of the columns: what to select from, under the table's name, and where. PostgreSQL takes each id of a bound
 * array for a two-hundredth of a table of which it has no statistics, and would read all of it for a hundred ids.
 */
export function ownedBy<Table extends PgTable>(
  { looksUp }: Pick<Dialect, 'looksUp'>,
  { table, of }: { table: Table; of: Column | Column[] },
  owners: Owners,
): { from: Table; where: SQL | undefined } {
  const columns = [of].flat() as [Column, ...Column[]]
  if (!looksUp) return { from: table, where: or(...columns.map((column) => isOwned(column, owners))) }
  const ids = is(owners, SQL)
    ? owners
    : sql`SELECT unnest(${arrayOf(columns[0], owners instanceof Placeholder ? owners : new Set(owners))})`
  const isOwn = or(...columns.map((column) => sql`${column} = owner.id`))
  const rows = sql`SELECT own.* FROM (${ids}) AS owner (id)
    CROSS JOIN LATERAL (SELECT * FROM ${table} WHERE ${isOwn} OFFSET 0) AS own`
  // Drizzle asks of it no more than its name.
  const from = new Subquery(rows, getTableColumns(table), getTableName(table)) as unknown as Table
  return { from, where: undefined }
}

/** Holds for an owner that has such a child. `OFFSET 0` is what keeps PostgreSQL from joining. */
export function hasChild({ looksUp }: Pick<Dialect, 'looksUp'>, owner: Column, children: Children): SQL {
  const { table, of, key, where, slice } = children
  if (!looksUp) return sql`${owner} IN (SELECT ${of} FROM ${table} WHERE ${and(slice, key, where)})`
  const isOwn = eq(of, owner)
  if (!key) return sql`EXISTS (SELECT 1 FROM ${table} WHERE ${and(isOwn, where)} OFFSET 0)`
  const own = sql`(SELECT * FROM ${table} WHERE ${and(isOwn, key)} OFFSET 0) AS ${table}`
  return sql`EXISTS (SELECT 1 FROM ${own} ${where && sql`WHERE ${where}`} OFFSET 0)`
}
