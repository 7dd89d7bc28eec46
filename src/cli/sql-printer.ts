// What a format makes of rows of SQL.
import type { LineColumn } from '../platform/database/sql-lines.ts'

export type Row = unknown[]

/** Makes what is written of rows; called in the order begin, rows, end. */
export interface Printer {
  begin(columns: readonly LineColumn[]): string
  rows(rows: readonly Row[]): string | Uint8Array
  end(count: number): string | Uint8Array
}
