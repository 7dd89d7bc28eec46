// Statements over answers that are kept in tables, as all databases take them; see materializing.ts.
import { type SQL, sql } from 'drizzle-orm'
import type { Engine } from './engine.ts'
import type { Kept, Measured } from './materializing.ts'
import { identifierOf, type TableName } from './own-columns.ts'
import { quoted } from './refusals.ts'

/** The name as an identifier. */
export const nameOf = ({ schema, table }: TableName): string => `${quoted(schema)}.${quoted(table)}`

export const isSameName = (a: TableName, b: TableName) => a.schema === b.schema && a.table === b.table

/** A value as a text in a statement. */
export const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`

export const columnsOf = ({ columns }: Kept): string[] => columns.map(({ name }) => quoted(name))

/** The statement that asks for the rows that are kept, with further columns behind. Line breaks end a comment behind the statement. */
export function rowsOf(kept: Kept, { where = '', more = '' } = {}): string {
  const conditions = kept.key.map((column) => `answer.${quoted(column)} IS NOT NULL`)
  const all = [...conditions, ...(where ? [where] : [])].join(' AND ')
  const columns = columnsOf(kept).map((column) => `answer.${column}`)
  return `SELECT ${columns.join(', ')}${more} FROM (\n${kept.statement}\n) AS answer${all && ` WHERE ${all}`}`
}

/** Holds for rows that may have come since the value was the greatest one. */
export const isSince = ({ incremental = '', from }: Kept & { from: string }, type: string): string =>
  `answer.${quoted(incremental)} >= CAST(${literal(from)} AS ${type})`

/** What becomes of rows whose key is there, behind INSERT. */
export function onConflict({ key, columns }: Kept, more: readonly string[] = []): string {
  const changes = columns
    .filter(({ name }) => !key.includes(name))
    .map(({ name }) => `${quoted(name)} = excluded.${quoted(name)}`)
  const target = [...key, ...more].map(quoted).join(', ')
  return `ON CONFLICT (${target}) DO ${changes.length > 0 ? `UPDATE SET ${changes.join(', ')}` : 'NOTHING'}`
}

/** Tables with the mark. */
export async function findMarked(engine: Engine, mark: string): Promise<TableName[]> {
  const { rows } = await engine.execute<TableName>(
    sql`SELECT table_schema AS "schema", table_name AS "table" FROM information_schema.table_constraints
        WHERE constraint_name = ${mark}`,
  )
  return rows
}

/** Looks at rows of a table. */
export async function measure(
  engine: Engine,
  { schema, table }: TableName,
  {
    incremental,
    generation = null,
    where = sql`true`,
  }: Pick<Kept, 'incremental'> & { generation?: number | null; where?: SQL },
): Promise<Measured> {
  const column = incremental === undefined ? undefined : sql.identifier(incremental)
  const types = await engine.rows(
    sql`SELECT data_type FROM information_schema.columns
        WHERE table_schema = ${schema} AND table_name = ${table} AND column_name = ${incremental ?? ''}`,
  )
  const type = String(types[0]?.[0] ?? '')
  const greatest = column && hasOrder(type) ? sql`max(${column})::TEXT` : sql`NULL`
  const rows = await engine.rows(
    sql`SELECT count(*), ${greatest} FROM ${identifierOf({ schema, table })} WHERE ${where}`,
  )
  const [count, value = null] = rows[0] ?? []
  return { rows: Number(count), greatest: value as string | null, type, generation }
}

/** Types whose values a text gives back, and that have an order. */
const COMPARABLE =
  /^(bigint|integer|smallint|double precision|real|numeric|text|character varying|date|timestamp with(out)? time zone)\b/

export const hasOrder = (type: string): boolean => COMPARABLE.test(type)
