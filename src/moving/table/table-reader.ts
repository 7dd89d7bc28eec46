// Reads a user's table page by page, by its high-water column and its key, and never writes to it.
import { parseJson, stringify } from '../../platform/wire/int64.ts'
import type { SqlReader } from '../mlflow/sql-reader.ts'
import type { Mapping } from './mapping.ts'

/** A row: the texts of its columns, NULL as null. */
export type TableRow = ReadonlyMap<string, string | null>

export interface Page {
  rows: TableRow[]
  /** The high-water value of each row, as `pages` takes it back; undefined without such a column. */
  marks: (string | undefined)[]
}

export interface TableReader {
  /** In words: the database and the table. */
  name: string
  /** The database keeps times in the column, which CrateDB spells as digits. */
  hasTimes(column: string): boolean
  /** Rows of the table behind the mark, or about as many. For progress alone. */
  count(from: string | undefined): Promise<number>
  /** Rows in the order of the high-water column and the key, from a mark on, rows with that very mark as well. */
  pages(from: string | undefined): AsyncGenerator<Page>
  /** Keys of rows that no page has, since a part of their key or their high-water value is NULL; the first of them. */
  withoutKey(): Promise<{ rows: number; keys: TableRow[] }>
  /** Keys that several rows have; the first of them. */
  repeatedKeys(): Promise<TableRow[]>
  close(): Promise<void>
}

/** Rows of a page. */
const PAGE_ROWS = 1000
/** Keys that are told. */
const TOLD = 20

/** How a kind of database wants values of a column spelled. */
interface Spelling {
  /** The identifier in quotes. */
  quote: (name: string) => string
  /** A column as it is answered: a text, or what becomes one. */
  value: (column: string, type: string) => string
  /** A bound value that the database compares with the column. */
  bound: (type: string) => string
}

const inDoubleQuotes = (name: string) => `"${name.replaceAll('"', '""')}"`
const ZONED = 'timestamp with time zone'

const SPELLINGS: Record<SqlReader['kind'], Spelling> = {
  // Texts of times with a zone would depend on the session's.
  server: {
    quote: inDoubleQuotes,
    value: (column, type) =>
      type === ZONED ? `CAST(${column} AT TIME ZONE 'UTC' AS TEXT)` : `CAST(${column} AS TEXT)`,
    bound: (type) =>
      type === ZONED ? `(CAST(? AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC')` : `CAST(? AS ${type})`,
  },
  // Values have types of their own there, whatever their column's is.
  sqlite: { quote: inDoubleQuotes, value: (column) => column, bound: () => '?' },
  // Its sessions are in UTC.
  mysql: { quote: inDoubleQuotes, value: (column) => `CAST(${column} AS TEXT)`, bound: () => '?' },
}

/** What identifies rows must be sortable, and come back as it was. */
const NO_KEYS = /^(object|array|json|jsonb|user-defined|bytea|geo_|xml|float_vector|.*\[\]|.*_array)/i
const INTEGERS = /^(big|small|tiny|medium)?int(eger)?\b|^double|^real|^numeric|^decimal/i

/** @throws MappingError for a table or column that is not there, or a column of a type that does not fit its use */
export async function openTable(reader: SqlReader, name: string, mapping: Mapping): Promise<TableReader> {
  const { table, schema = reader.schema } = mapping.table
  if (reader.kind === 'sqlite' && schema !== undefined && schema !== 'main')
    throw mapping.mistake(
      ['table'],
      `a file of SQLite has no schemas: say the plain name, ${table}, or '"${schema}.${table}"' if the point is part of it`,
    )
  const types = await readTypes(reader, schema, table)
  checkColumns(mapping, types, schema ? `${schema}.${table}` : table)
  const { quote, value, bound } = SPELLINGS[reader.kind]
  const typeOf = (column: string) => types.get(column) ?? ''
  const from = schema ? `${quote(schema)}.${quote(table)}` : quote(table)
  const columns = [...new Set(mapping.columns().map(({ column }) => column))]
  const { high_water: highWater, key } = mapping
  const order = [...new Set([...(highWater === undefined ? [] : [highWater]), ...key])]
  const places = order.map((column) => columns.indexOf(column))
  const listOf = (names: readonly string[]) => names.map((one) => value(quote(one), typeOf(one))).join(', ')
  const isWhole = order.map((column) => `${quote(column)} IS NOT NULL`).join(' AND ')
  const fromMark = (mark: string | undefined) =>
    mark === undefined || highWater === undefined
      ? { text: '', params: [] }
      : { text: ` AND ${quote(highWater)} >= ${bound(typeOf(highWater))}`, params: [parseJson(mark)] }

  /** Holds behind a place. The first condition, said apart, lets an index find it. */
  function behind(place: readonly unknown[]): { text: string; params: unknown[] } {
    const params: unknown[] = [place[0]]
    const compare = (at: number, sign: string) =>
      `${quote(order[at] as string)} ${sign} ${bound(typeOf(order[at] as string))}`
    const further = (at: number): string => {
      params.push(place[at])
      if (at === order.length - 1) return compare(at, '>')
      params.push(place[at])
      return `(${compare(at, '>')} OR (${compare(at, '=')} AND ${further(at + 1)}))`
    }
    const rest = further(0)
    return { text: ` AND ${compare(0, '>=')} AND ${rest}`, params }
  }

  async function* pages(mark: string | undefined): AsyncGenerator<Page> {
    const begin = fromMark(mark)
    const sorted = order.map(quote).join(', ')
    for (let place: unknown[] | undefined; ; ) {
      const next = place ? behind(place) : { text: '', params: [] }
      const rows = await reader.rows(
        `SELECT ${listOf(columns)} FROM ${from} WHERE ${isWhole}${begin.text}${next.text} ORDER BY ${sorted} LIMIT ${PAGE_ROWS}`,
        [...begin.params, ...next.params],
      )
      if (rows.length === 0) return
      const markAt = places[0] as number
      yield {
        rows: rows.map((values) => rowOf(columns, values)),
        marks: rows.map((values) => (highWater === undefined ? undefined : stringify(values[markAt]))),
      }
      if (rows.length < PAGE_ROWS) return
      place = places.map((at) => rows.at(-1)?.[at])
    }
  }

  return {
    name: `${name}, table ${schema ? `${schema}.${table}` : table}`,
    hasTimes: (column) => typeOf(column).startsWith('timestamp'),
    async count(mark) {
      const begin = fromMark(mark)
      const [row] = await reader.rows(
        `SELECT count(*) FROM ${from} WHERE ${isWhole}${begin.text}`,
        begin.params,
      )
      return Number(row?.[0] ?? 0)
    },
    pages,
    async withoutKey() {
      const lacks = `NOT (${isWhole})`
      const [counted] = await reader.rows(`SELECT count(*) FROM ${from} WHERE ${lacks}`, [])
      const rows = Number(counted?.[0] ?? 0)
      if (rows === 0) return { rows, keys: [] }
      const found = await reader.rows(`SELECT ${listOf(order)} FROM ${from} WHERE ${lacks} LIMIT ${TOLD}`, [])
      return { rows, keys: found.map((values) => rowOf(order, values)) }
    },
    async repeatedKeys() {
      const places = key.map((_, i) => i + 1).join(', ')
      const found = await reader.rows(
        `SELECT ${listOf(key)}, count(*) FROM ${from} WHERE ${isWhole} GROUP BY ${places} HAVING count(*) > 1 LIMIT ${TOLD}`,
        [],
      )
      return found.map((values) => rowOf(key, values))
    },
    close: () => reader.close(),
  }
}

const rowOf = (columns: readonly string[], values: readonly unknown[]): TableRow =>
  new Map(columns.map((column, i) => [column, textOf(values[i])]))

const textOf = (value: unknown): string | null =>
  value === null || value === undefined
    ? null
    : value instanceof Uint8Array
      ? Buffer.from(value).toString('hex')
      : String(value)

async function readTypes(
  reader: SqlReader,
  schema: string | undefined,
  table: string,
): Promise<ReadonlyMap<string, string>> {
  const rows =
    reader.kind === 'sqlite'
      ? await reader.rows('SELECT name, type FROM pragma_table_info(?)', [table])
      : await reader.rows(
          'SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position',
          [schema, table],
        )
  return new Map(rows.map(([column, type]) => [String(column), String(type).toLowerCase()]))
}

function checkColumns(mapping: Mapping, types: ReadonlyMap<string, string>, table: string): void {
  if (types.size === 0)
    throw mapping.mistake(['table'], `there is no table ${table}, or none that may be read`)
  for (const { column, path, use } of mapping.columns()) {
    const type = types.get(column)
    if (type === undefined)
      throw mapping.mistake(path, `the table has no column ${column}; it has ${[...types.keys()].join(', ')}`)
    if (use === 'key' && NO_KEYS.test(type))
      throw mapping.mistake(path, `the column ${column} is of type ${type}, which identifies no rows`)
    if (use === 'timestamp' && INTEGERS.test(type))
      throw mapping.mistake(
        path,
        `the column ${column} is of type ${type}: say "unit: ms" or "unit: s" beside it`,
      )
  }
}
