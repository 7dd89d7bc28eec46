// Tables of people's own beside those of the server: what columns they have, how they are made, how rows get in.
import { sql } from 'drizzle-orm'
import type { Engine, Statement } from './engine.ts'
import {
  identifierOf,
  type Kind,
  type OwnColumn,
  type OwnValue,
  type StoredColumn,
  type TableName,
} from './own-columns.ts'

const TYPES: Record<Kind, string> = {
  integer: 'BIGINT',
  double: 'DOUBLE PRECISION',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  text: 'TEXT',
}
/** How values of a kind are bound; timestamps as ISO 8601, which is cast in the database. */
const BOUND: Record<Kind, string> = { ...TYPES, timestamp: 'TEXT' }

/** Types of stored columns that values of a kind fit, without losing any of it. */
const STORED: Record<string, Kind> = {
  bigint: 'integer',
  integer: 'integer',
  smallint: 'integer',
  'double precision': 'double',
  boolean: 'boolean',
  'timestamp with time zone': 'timestamp',
  'timestamp without time zone': 'timestamp',
  text: 'text',
  'character varying': 'text',
}
const LARGEST: Record<string, bigint> = { integer: 2n ** 31n - 1n, smallint: 2n ** 15n - 1n }

/** A column of a new table. */
export const newColumn = (name: string, kind: Kind): OwnColumn => ({ name, kind, type: TYPES[kind] })

/** The columns of a table or view in their order; undefined when there is none of this name. */
export async function describeTable(
  engine: Engine,
  { schema, table }: TableName,
): Promise<StoredColumn[] | undefined> {
  const { rows } = await engine.execute<{ name: string; type: string }>(
    sql`SELECT column_name AS name, data_type AS type FROM information_schema.columns
        WHERE table_schema = ${schema} AND table_name = ${table} ORDER BY ordinal_position`,
  )
  if (rows.length === 0) return undefined
  return rows.map(({ name, type }) => {
    const kind = STORED[type]
    const largest = LARGEST[type]
    const column = kind && { name, kind, type: type.toUpperCase(), ...(largest && { largest }) }
    return { name, type, column }
  })
}

/** Makes the table. @throws Error with the database's text, when it is there already too */
export async function createTable(
  engine: Engine,
  name: TableName,
  { columns, shards, replicas }: { columns: readonly OwnColumn[]; shards: number; replicas: string },
): Promise<void> {
  const { tableOptions } = engine.dialect.ownTables ?? {}
  const listed = sql.join(
    columns.map((column) => sql`${sql.identifier(column.name)} ${sql.raw(column.type)}`),
    sql`, `,
  )
  const options = tableOptions?.({ shards, replicas, columns: columns.length }) ?? sql.empty()
  await engine.execute(sql`CREATE TABLE ${identifierOf(name)} (${listed}) ${options}`)
}

/** Drops the table with all its rows, if it is there. */
export async function dropTable(engine: Engine, name: TableName): Promise<void> {
  await engine.execute(sql`DROP TABLE IF EXISTS ${identifierOf(name)}`)
}

/**
 * Returns the writer of rows: one statement, one array per column, however many rows.
 * It answers how many rows the database says it took; CrateDB skips those that it cannot write.
 */
export function createRowWriter(
  engine: Engine,
  name: TableName,
  columns: readonly OwnColumn[],
): (arrays: readonly OwnValue[][]) => Promise<number> {
  const names = sql.join(
    columns.map((column) => sql.identifier(column.name)),
    sql`, `,
  )
  const values = sql.join(
    columns.map(({ kind, type }) => {
      const all = sql`unnest(${sql.param([])}::${sql.raw(BOUND[kind])}[])`
      return BOUND[kind] === type ? all : sql`CAST(${all} AS ${sql.raw(type)})`
    }),
    sql`, `,
  )
  const { text } = engine.compile(sql`INSERT INTO ${identifierOf(name)} (${names}) SELECT ${values}`)
  return async (arrays) => {
    const statement: Statement = { text, params: [...arrays] }
    const [result] = await engine.executeAll([statement])
    return result?.rowCount ?? 0
  }
}

/** Afterwards everybody sees the rows that were written. */
export async function settleTable(engine: Engine, name: TableName): Promise<void> {
  const statement = engine.dialect.ownTables?.settle?.(identifierOf(name))
  if (statement) await engine.execute(statement)
}
