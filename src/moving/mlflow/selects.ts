// Statements over tables of stock MLflow, whose columns depend on its version: one that is missing reads as NULL.
import type { Raw } from './values.ts'

/** `alias.column`, or SQL; or a column whose text is wanted, whatever its type. */
export type Selected = string | { text: string }

/** From where, and which columns by the names they are answered under. */
export interface Select {
  /** Tables by their alias; `t` is the first. */
  tables: Readonly<Record<string, string>>
  /** What joins the tables behind the first, and on what. */
  joins?: string
  columns: Readonly<Record<string, Selected>>
}

export interface Clause {
  where?: string | undefined
  params?: readonly unknown[]
  order?: string
  limit?: number
}

export type Columns = ReadonlyMap<string, ReadonlySet<string>>

const hasColumn = (columns: Columns, table: string, column: string) =>
  columns.get(table)?.has(column) === true

/** `"a"."b"` for `a.b`. */
export const quote = (name: string): string =>
  name
    .split('.')
    .map((part) => `"${part}"`)
    .join('.')

const NAME = /^\w+\.\w+$/

/** The statement; its answers are the columns in their order. */
export function selectText(columns: Columns, select: Select, clause: Clause): string {
  const fields = Object.values(select.columns).map((selected) => {
    const column = typeof selected === 'string' ? selected : selected.text
    if (!NAME.test(column)) return column
    const [alias = '', name = ''] = column.split('.')
    if (!hasColumn(columns, select.tables[alias] ?? '', name)) return 'NULL'
    return typeof selected === 'string' ? quote(column) : `CAST(${quote(column)} AS TEXT)`
  })
  const { where, order, limit } = clause
  return [
    `SELECT ${fields.join(', ')} FROM ${quote(select.tables.t ?? '')} t`,
    select.joins,
    where && `WHERE ${where}`,
    order && `ORDER BY ${order}`,
    limit !== undefined && `LIMIT ${limit}`,
  ]
    .filter(Boolean)
    .join(' ')
}

/** Rows by the names of their columns. */
export function named(select: Select, rows: readonly unknown[][]): Raw[] {
  const names = Object.keys(select.columns)
  return rows.map((row) => {
    const raw: Raw = {}
    for (let i = 0; i < names.length; i++) raw[names[i] as string] = row[i]
    return raw
  })
}

/** `column IN (?, ?, …)`; ids are as many as go into a chunk. */
export const isOneOf = (column: string, ids: readonly unknown[]): string =>
  ids.length === 0 ? '1 = 0' : `${quote(column)} IN (${ids.map(() => '?').join(', ')})`

/** Ids repeated up to a power of two, so that few distinct statements are prepared. */
export function padded(ids: readonly unknown[]): unknown[] {
  const all = [...ids]
  let size = 1
  while (size < all.length) size *= 2
  while (all.length > 0 && all.length < size) all.push(all.at(-1))
  return all
}
