// How rows of SQL are printed, piece by piece: as a table, CSV, JSON or Parquet.
import type { Writable } from 'node:stream'
import type { LineColumn } from '../platform/database/sql-lines.ts'
import { csvCell, csvQuoted } from './csv-cell.ts'
import { distinct, type Printer, type Row } from './sql-printer.ts'

export const FORMATS = ['table', 'csv', 'json', 'parquet'] as const
export type Format = (typeof FORMATS)[number]

/** Lines of an answer; see platform/database/sql-lines.ts. */
export type Lines = AsyncGenerator<string>

/** Rows that are laid out together: the widths of a table's columns are those of the first. */
const AT_ONCE = 1000

/**
 * Prints until nobody reads any more, as behind `| head`.
 * @throws Error with the text of an error that ends the answer, or when its end is missing
 */
export async function printRows(lines: Lines, format: Format, out: Writable): Promise<void> {
  const printer = await printerOf(format)
  let isRead = true
  const write = async (piece: string | Uint8Array) => {
    isRead &&= piece.length === 0 || (await isTaken(out, piece))
  }
  let rows: Row[] = []
  let ended = false
  for await (const line of lines) {
    if (!isRead) return
    const read = parsed(line)
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

/** @returns false once nobody reads any more */
const isTaken = (out: Writable, piece: string | Uint8Array): Promise<boolean> =>
  new Promise((resolve, reject) => {
    out.write(piece, (error) => {
      if (!error) resolve(true)
      else if ('code' in error && /^(EPIPE|ERR_STREAM_DESTROYED)$/.test(String(error.code))) resolve(false)
      else reject(error)
    })
  })

function parsed(line: string): Row | { columns?: LineColumn[]; rows?: number; message?: string } {
  try {
    return JSON.parse(line)
  } catch {
    throw new Error('The answer has a line that is no JSON: is it a Crateflow server?')
  }
}

async function printerOf(format: Format): Promise<Printer> {
  if (format === 'parquet') return (await import('./sql-parquet.ts')).parquetPrinter()
  return format === 'table' ? tablePrinter() : format === 'csv' ? csvPrinter() : jsonPrinter()
}

const textOf = (value: unknown): string =>
  value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)

/** Characters that would break a line, do things to a terminal or turn the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

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

/** A list of objects. */
function jsonPrinter(): Printer {
  let names: string[] = []
  let separator = '[\n'
  return {
    begin(columns) {
      names = distinct(columns).map(({ name }) => name)
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
