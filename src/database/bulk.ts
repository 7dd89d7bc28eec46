// Bulk writes that prove that every row landed.
import { type Column, getTableColumns, type SQL, sql, type Table } from 'drizzle-orm'
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'
import { unavailable } from '../errors.ts'
import { excluded } from './columns.ts'
import type { Engine } from './engine.ts'

type RowOf<T extends Table> = { [K in keyof T['$inferSelect']]: T['$inferSelect'][K] }

export interface Upsert {
  /** What happens to a row whose primary key is there already: `keepStored`, `takeNew`, or columns by SQL. */
  onConflict: (engine: Engine) => SQL
  /** Columns to answer for every row, as they are stored afterwards. */
  returning?: Column[]
}

/** The stored row stays as it is. The column must not be part of the primary key. */
export const keepStored = (column: Column) => (engine: Engine) =>
  sql`${sql.identifier(column.name)} = ${engine.dialect.stored(column)}`

/** The stored row takes the column of the new one. */
export const takeNew = (column: Column) => () => sql`${sql.identifier(column.name)} = ${excluded(column)}`

/**
 * Inserts rows, or upserts those whose primary key is there: one statement, one array per column, whatever the
 * number of rows. Primary keys within `rows` must be distinct.
 *
 * CrateDB skips rows of such a statement that it cannot write (a shard that is away, text that is too long, a
 * violated check) and reports success with a smaller count (measured on 6.4). Every row counts here, since a
 * conflict updates; a smaller count is therefore an error, and nothing is acknowledged that was not written.
 * `ON CONFLICT DO NOTHING` could not tell skipped rows from known ones.
 * @throws TEMPORARILY_UNAVAILABLE when not all rows landed; writing them again is safe
 */
export async function upsertRows<T extends PgTable>(
  engine: Engine,
  table: T,
  rows: readonly RowOf<T>[],
  { onConflict, returning = [] }: Upsert,
): Promise<Record<string, unknown>[]> {
  if (rows.length === 0) return []
  const key = primaryKeyOf(table).map((column) => sql.identifier(column.name))
  const answer = returning.map((column) => sql.identifier(column.name))
  const result = await engine.execute(sql`${bulkInsert(table, rows)}
    ON CONFLICT (${sql.join(key, sql`, `)}) DO UPDATE SET ${onConflict(engine)}${
      answer.length > 0 ? sql` RETURNING ${sql.join(answer, sql`, `)}` : sql.empty()
    }`)
  if (result.rowCount !== rows.length) {
    throw unavailable('The database did not take all rows. Please retry.', {
      table: getTableConfig(table).name,
      rows: rows.length,
      written: result.rowCount,
    })
  }
  return result.rows
}

function primaryKeyOf(table: PgTable): Column[] {
  const { columns, primaryKeys } = getTableConfig(table)
  return primaryKeys[0]?.columns ?? columns.filter((column) => column.primary)
}

function bulkInsert<T extends PgTable>(table: T, rows: readonly RowOf<T>[]): SQL {
  const columns = Object.entries(getTableColumns(table))
  const names = columns.map(([, column]) => sql.identifier(column.name))
  const arrays = columns.map(([key, column]) => {
    const values = rows.map((row) => (row as Record<string, unknown>)[key] ?? null)
    return sql`${sql.param(values)}::${sql.raw(column.getSQLType())}[]`
  })
  return sql`INSERT INTO ${table} (${sql.join(names, sql`, `)}) SELECT * FROM unnest(${sql.join(arrays, sql`, `)})`
}
