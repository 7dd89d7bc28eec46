// How rows of SQL are printed, piece by piece: as a table, CSV, JSON or Parquet.
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { LineColumn } from '../platform/database/sql-lines.ts'
import { csvCell, csvQuoted } from './csv-cell.ts'
import type { Printer, Row } from './sql-printer.ts'

export const FORMATS = ['table', 'csv', 'json', 'parquet'] as const
export type Format = (typeof FORMATS)[number]

/** Lines of an answer; see platform/database/sql-lines.ts. */
export type Lines = AsyncGenerator<string>

/** Rows that are laid out together: the widths of a table's columns are those of the first. */
const AT_ONCE = 1000

/** @throws Error with the text of an error that ends the answer, or when its end is missing */
export async function printRows(lines: Lines, format: Format, out: Writable): Promise<void> {
  const printer = await printerOf(format)
  const write = async (piece: string | Uint8Array) => {
    if (piece.length > 0 && !out.write(piece)) await once(out, 'drain')
  }
  let rows: Row[] = []
  let ended = false
  for await (const line of lines) {
    const read = JSON.parse(line) as Row | { columns?: LineColumn[]; rows?: number; message?: string }
    if (Array.isArray(read)) {
      if (rows.push(read) < AT_ONCE) continue
      await write(printer.rows(rows))
      rows = []
    } else if (read.columns) await write(printer.begin(read.columns))
    else if (read.rows === undefined) throw new Error(read.message ?? 'The answer was cut off.')
    else {
      ended = true
      await write(printer.rows(rows))
      await write(printer.end(read.rows))
    }
  }
  if (!ended) throw new Error('The answer was cut off.')
}

async function printerOf(format: Format): Promise<Printer> {
  if (format === 'parquet') return (await import('./sql-parquet.ts')).parquetPrinter()
  return format === 'table' ? tablePrinter() : format === 'csv' ? csvPrinter() : jsonPrinter()
}

const textOf = (value: unknown): string =>
  value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)

/** Characters that would break a line, or do things to a terminal. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029]/gu

function tablePrinter(): Printer {
  let names: string[] = []
  let isRight: boolean[] = []
  let widths: number[] | undefined
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (isRight[i] ? cell.padStart(widths?.[i] ?? 0) : cell.padEnd(widths?.[i] ?? 0)))
      .join('  ')
      .trimEnd()
  return {
    begin(columns) {
      names = columns.map(({ name }) => name.replace(UNPRINTABLE, ' '))
      isRight = columns.map(({ type }) =>
        /^(bigint|smallint|integer|real|double precision|numeric)$/.test(type),
      )
      return ''
    },
    rows(rows) {
      const cells = rows.map((row) => row.map((value) => textOf(value).replace(UNPRINTABLE, ' ')))
      const begin = widths === undefined ? [names] : []
      widths ??= names.map((name, i) =>
        cells.reduce((most, row) => Math.max(most, row[i]?.length ?? 0), name.length),
      )
      return [...begin, ...cells].map((row) => `${line(row)}\n`).join('')
    },
    end: (count) => `(${count} ${count === 1 ? 'row' : 'rows'})\n`,
  }
}

/** @see RFC 4180; NULL is empty, an empty text is in quotes */
function csvPrinter(): Printer {
  const cell = (value: unknown): string => {
    const text = textOf(value)
    return text === '' && value !== null ? csvQuoted(text) : csvCell(text)
  }
  const line = (cells: readonly unknown[]) => `${cells.map(cell).join(',')}\n`
  return {
    begin: (columns) => line(columns.map(({ name }) => name)),
    rows: (rows) => rows.map(line).join(''),
    end: () => '',
  }
}

/** A list of objects; of columns with the same name, the last one counts. */
function jsonPrinter(): Printer {
  let names: string[] = []
  let separator = '[\n'
  return {
    begin(columns) {
      names = columns.map(({ name }) => name)
      return ''
    },
    rows(rows) {
      const objects = rows.map((row) =>
        JSON.stringify(Object.fromEntries(names.map((name, i) => [name, row[i]]))),
      )
      const text = objects.map((object) => {
        const before = separator
        separator = ',\n'
        return before + object
      })
      return text.join('')
    },
    end: () => (separator === '[\n' ? '[]\n' : '\n]\n'),
  }
}
