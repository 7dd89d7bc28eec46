// Bulk writes that prove that every row landed.
import { type Column, getTableColumns, type SQL, sql, type Table } from 'drizzle-orm'
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'
import { unavailable } from '../errors.ts'
import { excluded } from './columns.ts'
import type { Engine, Statement } from './engine.ts'

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

/** A bulk statement with its rows. */
export interface BulkWrite {
  table: string
  rows: number
  statement: Statement
}

/**
 * Returns the maker of bulk statements that insert rows, or upsert those whose primary key is there: one statement,
 * one array per column, whatever the number of rows. Its text is made once. Primary keys within the rows of one
 * statement must be distinct.
 */
export function createUpsert<T extends PgTable>(
  engine: Engine,
  table: T,
  { onConflict, returning = [] }: Upsert,
): (rows: readonly RowOf<T>[]) => BulkWrite {
  const key = primaryKeyOf(table).map((column) => sql.identifier(column.name))
  const answer = returning.map((column) => sql.identifier(column.name))
  const columns = Object.keys(getTableColumns(table))
  const { text, params } = engine.compile(sql`${bulkInsert(table)}
    ON CONFLICT (${sql.join(key, sql`, `)}) DO UPDATE SET ${onConflict(engine)}${
      answer.length > 0 ? sql` RETURNING ${sql.join(answer, sql`, `)}` : sql.empty()
    }`)
  const rest = params.slice(columns.length)
  const { name } = getTableConfig(table)
  return (rows) => {
    const arrays = columns.map((column) =>
      rows.map((row) => (row as Record<string, unknown>)[column] ?? null),
    )
    return {
      table: name,
      rows: rows.length,
      statement: { text, params: [...arrays, ...rest] },
    }
  }
}

/**
 * Runs bulk writes that do not depend on each other, and answers each one's returned rows.
 *
 * CrateDB skips rows of such a statement that it cannot write (a shard that is away, text that is too long, a
 * violated check) and reports success with a smaller count (measured on 6.4). Every row counts here, since a
 * conflict updates; a smaller count is therefore an error, and nothing is acknowledged that was not written.
 * `ON CONFLICT DO NOTHING` could not tell skipped rows from known ones.
 * @throws TEMPORARILY_UNAVAILABLE when not all rows landed; writing them again is safe
 */
export async function writeAll(
  engine: Engine,
  writes: readonly BulkWrite[],
): Promise<Record<string, unknown>[][]> {
  const filled = writes.filter(({ rows }) => rows > 0)
  if (filled.length === 0) return writes.map(() => [])
  const results = await engine.executeAll(filled.map(({ statement }) => statement))
  return writes.map((write) => {
    if (write.rows === 0) return []
    const { rows = [], rowCount = 0 } = results[filled.indexOf(write)] ?? {}
    if (rowCount === write.rows) return rows as Record<string, unknown>[]
    throw unavailable('The database did not take all rows. Please retry.', {
      table: write.table,
      rows: write.rows,
      written: rowCount,
    })
  })
}

/** Upserts rows of one table. @see createUpsert, writeAll */
export async function upsertRows<T extends PgTable>(
  engine: Engine,
  table: T,
  rows: readonly RowOf<T>[],
  upsert: Upsert,
): Promise<Record<string, unknown>[]> {
  if (rows.length === 0) return []
  const [returned] = await writeAll(engine, [createUpsert(engine, table, upsert)(rows)])
  return returned ?? []
}

function primaryKeyOf(table: PgTable): Column[] {
  const { columns, primaryKeys } = getTableConfig(table)
  return primaryKeys[0]?.columns ?? columns.filter((column) => column.primary)
}

/** `INSERT INTO table (a, b) SELECT * FROM unnest($1::text[], $2::bigint[])`, the arrays still empty. */
function bulkInsert(table: PgTable): SQL {
  const columns = Object.values(getTableColumns(table))
  const names = columns.map((column) => sql.identifier(column.name))
  const arrays = columns.map((column) => sql`${sql.param([])}::${sql.raw(column.getSQLType())}[]`)
  return sql`INSERT INTO ${table} (${sql.join(names, sql`, `)}) SELECT * FROM unnest(${sql.join(arrays, sql`, `)})`
}
