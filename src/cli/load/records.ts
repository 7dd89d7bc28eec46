// Records of a file, whatever its format: what readers give and the loader takes.

import type { Kind } from '../../platform/database/own-columns.ts'

/** What stands in a field; undefined where the record has none. */
export type Cell = string | number | bigint | boolean | object | null | undefined

export interface Row {
  /** Counted from 1: the line where the record begins, or of Parquet the record. */
  line: number
  /** In the order of the columns; fields at the end may be absent. */
  cells: Cell[]
}

export interface Records {
  /** Names of the columns as the file has them. Without a header it grows while rows are read. */
  columns: readonly string[]
  /** Whether all cells are texts, whatever they mean. */
  isText: boolean
  /** Types of columns that the file itself tells. */
  kinds?: ReadonlyMap<string, Kind>
  /** What `line` of a row counts. */
  unit: 'line' | 'row'
  rows: AsyncIterable<Row>
}

/** The file is not what it should be; the text says where. */
export class UnreadableFile extends Error {}

/** Cells in the order of columns of objects, which have other keys each. */
export function createColumns() {
  const columns: string[] = []
  const places = new Map<string, number>()
  return {
    columns,
    cellsOf(record: Readonly<Record<string, unknown>>): Cell[] {
      const cells: Cell[] = new Array(columns.length)
      for (const [name, value] of Object.entries(record)) {
        let place = places.get(name)
        if (place === undefined) {
          place = columns.push(name) - 1
          places.set(name, place)
        }
        cells[place] = value as Cell
      }
      return cells
    },
  }
}
