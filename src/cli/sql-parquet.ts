// Rows of SQL as a Parquet file, a row group at a time.
import { ByteWriter, type ColumnSource, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer'
import type { LineColumn } from '../platform/database/sql-lines.ts'
import { distinct, type Printer, type Row } from './sql-printer.ts'

interface ParquetColumn {
  name: string
  type: NonNullable<ColumnSource['type']>
  convert: (value: unknown) => unknown
}

/** Rows of a group: readers skip by groups, and each is in memory as a whole. */
const GROUP_ROWS = 50_000

const number = (value: unknown) => Number(value)
const UTC = (value: unknown) => new Date(`${String(value).replace(' ', 'T')}Z`)

/** What the types of SQL become; lists and JSON are JSON, all others texts. */
function columnOf({ name, type }: LineColumn): ParquetColumn {
  if (type === 'boolean') return { name, type: 'BOOLEAN', convert: (value) => value }
  if (type === 'smallint' || type === 'integer') return { name, type: 'INT32', convert: number }
  if (type === 'bigint') return { name, type: 'INT64', convert: (value) => BigInt(value as string | number) }
  if (type === 'real' || type === 'double precision' || type === 'numeric')
    return { name, type: 'DOUBLE', convert: number }
  if (type === 'timestamp') return { name, type: 'TIMESTAMP', convert: UTC }
  if (type === 'json' || type.endsWith('[]')) return { name, type: 'JSON', convert: (value) => value }
  return { name, type: 'STRING', convert: String }
}

export function parquetPrinter(): Printer {
  const bytes = new ByteWriter()
  let columns: ParquetColumn[] = []
  let writer: ParquetWriter | undefined
  let group: Row[] = []

  /** What has been written since, which need not be kept. */
  function taken(): Uint8Array {
    const piece = new Uint8Array(bytes.buffer.slice(0, bytes.index))
    bytes.index = 0
    return piece
  }

  function write(): void {
    const columnData = columns.map(({ name, convert }, i) => ({
      name,
      data: group.map((row) => (row[i] === null ? null : convert(row[i]))),
    }))
    if (group.length > 0) writer?.write({ columnData, rowGroupSize: GROUP_ROWS })
    group = []
  }

  return {
    begin(given) {
      columns = distinct(given).map(columnOf)
      const schema = schemaFromColumnData({
        columnData: columns.map(({ name, type }) => ({ name, type, data: [], nullable: true })),
      })
      writer = new ParquetWriter({ writer: bytes, schema, createdBy: 'crateflow' })
      return ''
    },
    rows(rows) {
      group.push(...rows)
      if (group.length < GROUP_ROWS) return ''
      write()
      return taken()
    },
    end() {
      write()
      writer?.finish()
      return taken()
    },
  }
}
