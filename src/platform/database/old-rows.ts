// Rows of tables by their time: which columns tell one, which rows are old, and what statements say it; the same on all databases.
import { and, type SQL, sql } from 'drizzle-orm'
import { invalidParameter } from '../../errors.ts'
import type { TimeColumn, TimeRange } from './aging.ts'
import type { Engine } from './engine.ts'
import { identifierOf, type TableName } from './own-columns.ts'
import { LEAST_BIGINT_MS } from './periods.ts'

/** Types of columns that tell times, and how a time is bound for them; integers are milliseconds since 1970. */
const TIME_TYPES: Record<string, (ms: number) => SQL> = {
  'timestamp with time zone': (ms) => sql`${isoOf(ms)}::TIMESTAMP WITH TIME ZONE`,
  'timestamp without time zone': (ms) => sql`${isoOf(ms).replace('Z', '')}::TIMESTAMP WITHOUT TIME ZONE`,
  // A day has passed when the next one has begun.
  date: (ms) => sql`${isoOf(ms).slice(0, 10)}::DATE`,
  bigint: (ms) => sql`${String(ms)}::BIGINT`,
}

const isoOf = (ms: number): string => new Date(ms).toISOString()

/** Whether rows can be told old by a column of the type. */
export const tellsTime = (type: string): boolean => Object.hasOwn(TIME_TYPES, type)

/** A time as a value of the column. @throws INVALID_PARAMETER_VALUE for a column of another type */
export function timeIn({ name, type }: TimeColumn, ms: number): SQL {
  const spell = TIME_TYPES[type]
  if (!spell) throw invalidParameter(`Column ${name} is of type ${type}, which tells no time.`)
  return spell(ms)
}

/** Holds for rows of the range. */
export const isBefore = ({ column, untilMs, where }: TimeRange): SQL =>
  and(sql`${sql.identifier(column.name)} < ${timeIn(column, untilMs)}`, where) as SQL

/** The statement that deletes the range, as a whole: for reading. */
export const deletionOfRange = (range: TimeRange): SQL =>
  sql`DELETE FROM ${identifierOf(range.table)} WHERE ${isBefore(range)}`

/** Kinds and types of a table or view by column; undefined when there is none of this name. */
export async function describeData(
  engine: Engine,
  { schema, table }: TableName,
): Promise<{ isTable: boolean; columns: Map<string, string> } | undefined> {
  const tables = await engine.execute<{ table_type: string }>(
    sql`SELECT table_type FROM information_schema.tables WHERE table_schema = ${schema} AND table_name = ${table}`,
  )
  const [found] = tables.rows
  if (!found) return undefined
  const { rows } = await engine.execute<{ column_name: string; data_type: string }>(
    sql`SELECT column_name, data_type FROM information_schema.columns
        WHERE table_schema = ${schema} AND table_name = ${table}`,
  )
  const columns = new Map(rows.map(({ column_name, data_type }) => [column_name, data_type]))
  return { isTable: found.table_type === 'BASE TABLE', columns }
}

/** How many rows the range has, and how many the table; both see what was acknowledged before. */
export async function countRange(engine: Engine, range: TimeRange): Promise<{ old: number; all: number }> {
  const table = identifierOf(range.table)
  const settle = engine.dialect.ownTables?.settle?.(table)
  if (settle) await engine.execute(settle)
  const { rows } = await engine.execute<{ all: unknown; old: unknown }>(
    sql`SELECT count(*) AS "all", sum(CASE WHEN ${isBefore(range)} THEN 1 ELSE 0 END) AS "old" FROM ${table}`,
  )
  return { old: Number(rows[0]?.old ?? 0), all: Number(rows[0]?.all ?? 0) }
}

/** The greatest value of an integer column where all are too small to be milliseconds since 1970, such as seconds: by it all rows would be old. */
export async function findMisread(engine: Engine, { table, column }: TimeRange): Promise<number | undefined> {
  if (column.type !== 'bigint') return undefined
  const name = identifierOf(table)
  const settle = engine.dialect.ownTables?.settle?.(name)
  if (settle) await engine.execute(settle)
  const rows = await engine.rows(sql`SELECT max(${sql.identifier(column.name)}) FROM ${name}`)
  const latest = rows[0]?.[0]
  return latest !== null && latest !== undefined && Number(latest) < LEAST_BIGINT_MS
    ? Number(latest)
    : undefined
}

/** The statement with its values in it, for reading: nobody runs this text. */
export function spell(engine: Engine, statement: SQL): string {
  const { text, params } = engine.compile(statement)
  return text.replace(/\$(\d+)/g, (_match, number) => {
    const value = params[Number(number) - 1]
    if (value === null || value === undefined) return 'NULL'
    return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value)
  })
}
