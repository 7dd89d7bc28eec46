// What tables of people's own have in all databases: columns of few types; and where databases differ.
import { type SQL, sql } from 'drizzle-orm'

/** What becomes of values: five types that all databases have. */
export const KINDS = ['integer', 'double', 'boolean', 'timestamp', 'text'] as const
export type Kind = (typeof KINDS)[number]

export interface TableName {
  schema: string
  table: string
}

export const identifierOf = ({ schema, table }: TableName): SQL =>
  sql`${sql.identifier(schema)}.${sql.identifier(table)}`

/** What a kind of database says of such tables. */
export interface OwnTables {
  /** Where tables go whose schema nobody names. */
  schema: string
  /** Schemas that are the database's own. */
  foreignSchemas: readonly string[]
  /** Digits of a second that a timestamp keeps. */
  timestampDigits: number
  /** Of BIGINT; the least is as far from 0, or one farther. */
  largestInteger: bigint
  /** UTF-8 bytes of a text at most; any where it is absent. */
  longestText?: number
  /** UTF-8 bytes of a column's name at most. */
  longestName: number
  /** What a column's name cannot have, beside control characters. */
  refusedInNames?: RegExp
  /** What stands behind the columns of a new table. */
  tableOptions?: (layout: { shards: number; replicas: string; columns: number }) => SQL
  /** The statement that makes rows visible to all; absent where they are at once. */
  settle?: (table: SQL) => SQL
}

export interface OwnColumn {
  name: string
  kind: Kind
  /** Its type in SQL. */
  type: string
  /** Of an integer column: the outermost values that it takes are this and its negative. */
  largest?: bigint
}

/** A column of a table that is there already; without a kind it is of a type that is not written. */
export interface StoredColumn {
  name: string
  type: string
  column: OwnColumn | undefined
}

/** Values of a row by column: integers as numbers or bigints, timestamps as ISO 8601 in UTC. */
export type OwnValue = string | number | bigint | boolean | null
