// What a format makes of rows of SQL.
import type { LineColumn } from '../platform/database/sql-lines.ts'

export type Row = unknown[]

/** Makes what is written of rows; called in the order begin, rows, end. */
export interface Printer {
  begin(columns: readonly LineColumn[]): string
  rows(rows: readonly Row[]): string | Uint8Array
  end(count: number): string | Uint8Array
}

/** Columns with the same name get numbers, where a format has one of each: `loss`, `loss_2`. */
export function distinct(columns: readonly LineColumn[]): LineColumn[] {
  const taken = new Set(columns.map(({ name }) => name))
  const seen = new Set<string>()
  return columns.map(({ name, type }) => {
    let given = name
    for (let times = 2; seen.has(given); times++) {
      const numbered = `${name}_${times}`
      if (!taken.has(numbered)) given = numbered
    }
    seen.add(given)
    taken.add(given)
    return { name: given, type }
  })
}
