// Records of CSV, as RFC 4180 has it: quotes, line breaks within them, either line end.
import { pipeline, Readable } from 'node:stream'
import { type CsvError, type Info, parse } from 'csv-parse'
import { type Records, type Row, UnreadableFile } from './records.ts'

/** Characters of a record: whatever a quote that is never closed swallows stays in memory. */
const LONGEST_RECORD = 16 * 1024 * 1024

export interface CsvOptions {
  delimiter: string
  /** Unquoted fields that are NULL, beside the empty one. */
  nulls: readonly string[]
}

interface Parsed {
  record: (string | null)[]
  info: Info
}

/** @throws UnreadableFile when there is no header, and with the line of what is no CSV */
export async function readCsv(text: AsyncIterable<string>, options: CsvOptions): Promise<Records> {
  const nulls = new Set(['', ...options.nulls])
  const parser = parse({
    delimiter: options.delimiter,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: LONGEST_RECORD,
    cast: (value, { quoting }) => (!quoting && nulls.has(value) ? null : value),
  })
  // The parser gives the error of either to whoever reads it.
  pipeline(Readable.from(text), parser, () => {})
  const parsed = parser[Symbol.asyncIterator]() as AsyncIterator<Parsed>
  let lastLine = 0
  const next = async (): Promise<Parsed | undefined> => {
    try {
      const { done, value } = await parsed.next()
      if (done) return undefined
      lastLine = value.info.lines
      return value
    } catch (error) {
      throw wrong(error, lastLine + 1)
    }
  }
  const header = await next()
  if (!header) throw new UnreadableFile('The file is empty: its first line must name the columns.')
  const columns = header.record.map((name) => (name ?? '').trim())
  async function* rows(): AsyncGenerator<Row> {
    try {
      for (let one = await next(); one; one = await next()) {
        const line = beginOf(one)
        if (one.record.length !== columns.length)
          throw new UnreadableFile(
            `line ${line}: there are ${one.record.length} fields, and ${columns.length} columns in the first line.`,
          )
        yield { line, cells: one.record }
      }
    } finally {
      parser.destroy()
    }
  }
  return { columns, isText: true, unit: 'line', rows: rows() }
}

/** The parser tells the line where a record ends. */
function beginOf({ record, info }: Parsed): number {
  let breaks = 0
  for (const field of record) if (field?.includes('\n')) breaks += field.split('\n').length - 1
  return info.lines - breaks
}

function wrong(error: unknown, line: number): unknown {
  const { code } = error as CsvError
  if (typeof code !== 'string' || !code.startsWith('CSV_')) return error
  const whys: Record<string, string> = {
    CSV_QUOTE_NOT_CLOSED: 'a quote is opened and never closed.',
    CSV_MAX_RECORD_SIZE: 'the record is too long; is a quote opened and never closed?',
    CSV_INVALID_CLOSING_QUOTE: 'behind a closing quote comes neither a delimiter nor a line end.',
    INVALID_OPENING_QUOTE: 'a quote stands within a field that does not begin with one.',
  }
  return new UnreadableFile(
    `line ${line} or below: ${whys[code] ?? whys[code.replace('CSV_', '')] ?? (error as Error).message}`,
  )
}
