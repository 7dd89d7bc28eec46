// Column types and statement pieces that drizzle does not bring, spelled so that every engine takes them.
import { type Column, eq, getTableColumns, or, Placeholder, type SQL, sql } from 'drizzle-orm'
import { customType, type PgTable, pgTable, text } from 'drizzle-orm/pg-core'
import { type Int64, readInt64 } from '../wire/int64.ts'

/** BIGINT as a number, or a bigint beyond 2^53. */
export const int64 = customType<{ data: Int64; driverData: string | number | bigint }>({
  dataType: () => 'bigint',
  fromDriver: readInt64,
})

/** BIGINT as decimal text: ids of 18 digits do not fit a JavaScript number. */
export const idColumn = customType<{ data: string; driverData: string | number | bigint }>({
  dataType: () => 'bigint',
  fromDriver: (value) => String(value),
})

/** Milliseconds since the epoch and other integers that always fit 2^53. */
export const milliseconds = customType<{ data: number; driverData: string | number | bigint }>({
  dataType: () => 'bigint',
  fromDriver: (value) => Number(value),
})

/** CrateDB answers lists without the escapes that `"` and `\` need, so nobody could read them (measured on 6.4). */
const toListed = (text: string) =>
  text.replace(/[%"\\]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
const fromListed = (listed: string) =>
  listed.replace(/%(2[25]|5C)/g, (_code, hex) => String.fromCharCode(Number.parseInt(hex, 16)))

/** A list of texts, each kept with `%22` for `"`, `%5C` for `\` and `%25` for `%`. */
export const textList = customType<{ data: string[]; driverData: string[] }>({
  dataType: () => 'text[]',
  toDriver: (texts) => texts.map(toListed),
  fromDriver: (listed) => listed.map(fromListed),
})

/** Holds where the text is in the list. */
export const isInList = (text: string, list: Column): SQL => sql`${toListed(text)} = ANY(${list})`

/** Keys repeated up to a power of two, so that few distinct statements are prepared. */
export function padKeys(keys: readonly string[]): string[] {
  const padded = [...keys]
  let size = 1
  while (size < padded.length) size *= 2
  while (padded.length < size) padded.push(padded[padded.length - 1] as string)
  return padded
}

/**
 * `column = $1 OR column = $2 …`: CrateDB reads by primary key, hence sees every acknowledged write, only in this
 * form; `= ANY($1)` and `IN ($1, $2)` with bound parameters go through the index instead (measured on 6.4).
 * Use up to about 100 keys.
 */
export const equalsEachKey = (column: Column, keys: readonly string[]): SQL =>
  or(...padKeys(keys).map((key) => sql`${column} = ${key}`)) ?? sql`false`

/** Values of a column, or those that come later, as one bound array. */
export const arrayOf = (column: Column, values: Iterable<string> | Placeholder): SQL =>
  sql`${values instanceof Placeholder ? values : sql.param([...values])}::${sql.raw(column.getSQLType())}[]`

/** `column = ANY($1)`: on CrateDB for reads behind the refresh gate. */
export const equalsAny = (column: Column, values: readonly string[] | Placeholder): SQL =>
  sql`${column} = ANY(${arrayOf(column, values)})`

const integers = (column: Column, values: readonly Int64[]): SQL =>
  sql`${sql.param([...values])}::${sql.raw(column.getSQLType())}[]`

/** `column = ANY($1)` over integers. */
export const isAnyInteger = (column: Column, values: readonly Int64[]): SQL =>
  sql`${column} = ANY(${integers(column, values)})`

/**
 * The same through a hash table: for a statement that is kept prepared, PostgreSQL goes through the whole array for each row
 * from the sixth time on (13,000 steps of 200,000 points: 41 s instead of 0.1 s, measured on 15). `IS TRUE` keeps it
 * from joining by loops, which it takes to be as good while it has no statistics.
 */
export const isHashedInteger = (column: Column, values: readonly Int64[]): SQL =>
  sql`(${column} IN (SELECT unnest(${integers(column, values)}))) IS TRUE`

/** The same by `=` for a single value: PostgreSQL then reads an index in its order. */
export const equalsOneOf = (column: Column, values: readonly string[]): SQL =>
  values.length === 1 ? eq(column, values[0]) : equalsAny(column, values)

/** `excluded.column` inside ON CONFLICT … DO UPDATE. */
export const excluded = (column: Column): SQL => sql`excluded.${sql.identifier(column.name)}`

/**
 * What an UPDATE sets to change columns only where the condition holds; undefined changes nothing. The condition stands
 * in SET, since CrateDB runs an UPDATE by primary key (which is atomic and sees the newest row) only when WHERE holds
 * nothing but the key (measured on 6.4).
 */
export function changesIf<Table extends PgTable>(
  table: Table,
  condition: SQL,
  changes: Partial<Table['$inferSelect']>,
): Record<string, SQL> {
  const columns: Record<string, Column> = getTableColumns(table)
  return Object.fromEntries(
    Object.entries(changes)
      .filter(([, value]) => value !== undefined)
      .map(([property, value]) => {
        const column = columns[property] as Column
        const changed = sql`${sql.param(value, column)}::${sql.raw(column.getSQLType())}`
        return [property, sql`CASE WHEN ${condition} THEN ${changed} ELSE ${sql.identifier(column.name)} END`]
      }),
  )
}

/** A table of journals, as migrations make it. */
export const journalTable = (name: string) =>
  pgTable(name, {
    name: text('name').primaryKey(),
    /** Who may write the journal. */
    ownerId: text('owner_id').notNull(),
    /** JSON; null when nothing is under way. */
    journal: text('journal'),
  })

export type JournalTable = ReturnType<typeof journalTable>
