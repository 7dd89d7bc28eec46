// Records of Parquet, a row group at a time: each is in memory as a whole.
import { open } from 'node:fs/promises'
import * as zlib from 'node:zlib'
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  type SchemaElement,
} from 'hyparquet'
import { reasonOf } from '../../errors.ts'
import type { Kind } from '../../platform/database/own-columns.ts'
import { createColumns, type Records, type Row, UnreadableFile } from './records.ts'

type Decompress = (input: Uint8Array) => Uint8Array
/** Node.js before 22.15 has none. */
const { zstdDecompressSync } = zlib as { zstdDecompressSync?: Decompress }

const decompressors = {
  GZIP: (input: Uint8Array) => zlib.gunzipSync(input),
  BROTLI: (input: Uint8Array) => zlib.brotliDecompressSync(input),
  ...(zstdDecompressSync && { ZSTD: zstdDecompressSync }),
}

/** Digits that a double keeps of any decimal. */
const EXACT_DIGITS = 15

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Times as ISO 8601 with all their digits. */
function isoOf(units: bigint, digits: number): string {
  const perSecond = 10n ** BigInt(digits)
  const fraction = ((units % perSecond) + perSecond) % perSecond
  const seconds = (units - fraction) / perSecond
  const date = new Date(Number(seconds) * 1000)
  if (Number.isNaN(date.getTime())) return String(units)
  return `${date.toISOString().slice(0, -5)}.${String(fraction).padStart(digits, '0')}Z`
}

const parsers = {
  timestampFromMilliseconds: (ms: bigint) => isoOf(BigInt(ms), 3),
  timestampFromMicroseconds: (micros: bigint) => isoOf(BigInt(micros), 6),
  timestampFromNanoseconds: (nanos: bigint) => isoOf(BigInt(nanos), 9),
  dateFromDays: (days: number) => new Date(days * 86_400_000).toISOString().replace(/T.*/, ''),
  stringFromBytes: (bytes: Uint8Array) => bytes && utf8.decode(bytes),
}

/**
 * Reads a file of this machine. Text, numbers, booleans, dates and times come as they are, lists and maps as JSON.
 * @throws UnreadableFile for what is no Parquet, and for decimals of more digits than a double has
 */
export async function readParquet(path: string): Promise<Records> {
  const handle = await open(path)
  const { size } = await handle.stat()
  const file: AsyncBuffer = {
    byteLength: size,
    async slice(start, end = size) {
      const { buffer } = await handle.read(new Uint8Array(end - start), 0, end - start, start)
      return buffer.buffer as ArrayBuffer
    },
  }
  const metadata = await parquetMetadataAsync(file).catch(async (error) => {
    await handle.close()
    throw new UnreadableFile(`The file is no Parquet: ${reasonOf(error)}`)
  })
  refuseWideDecimals(metadata)
  const { columns, cellsOf } = createColumns()
  const kinds = new Map<string, Kind>()
  for (const element of topLevel(metadata)) {
    cellsOf({ [element.name]: null })
    const kind = kindOf(element)
    if (kind) kinds.set(element.name, kind)
  }
  async function* rows(): AsyncGenerator<Row> {
    let line = 0
    try {
      for (const { num_rows } of metadata.row_groups) {
        const [rowStart, rowEnd] = [line, line + Number(num_rows)]
        const reading = { file, metadata, rowStart, rowEnd, utf8: false, compressors: decompressors, parsers }
        const objects = await parquetReadObjects(reading).catch((error: unknown) => {
          throw new UnreadableFile(`rows ${rowStart + 1} to ${rowEnd}: ${explained(error)}`)
        })
        for (const object of objects) yield { line: ++line, cells: cellsOf(object) }
      }
    } finally {
      await handle.close()
    }
  }
  return { columns, isText: false, kinds, unit: 'row', rows: rows() }
}

function explained(error: unknown): string {
  const text = reasonOf(error)
  return /ZSTD/.test(text) && !zstdDecompressSync ? `${text} (Node.js 22.15 and newer read it)` : text
}

/** The columns: the children of the root, whose own children stand behind each of them. */
function topLevel({ schema }: FileMetaData): SchemaElement[] {
  const columns: SchemaElement[] = []
  let at = 1
  const skip = (): void => {
    const children = schema[at++]?.num_children ?? 0
    for (let i = 0; i < children; i++) skip()
  }
  while (at < schema.length) {
    columns.push(schema[at] as SchemaElement)
    skip()
  }
  return columns
}

/** What the type of a column becomes; undefined for times, whose digits tell, and for what else has to be seen. */
function kindOf(element: SchemaElement): Kind | undefined {
  const { type, converted_type: converted, logical_type: logical, repetition_type: repetition } = element
  if (repetition === 'REPEATED' || element.num_children) return 'text'
  if (type === 'BOOLEAN') return 'boolean'
  if (type === 'DOUBLE' || type === 'FLOAT' || converted === 'DECIMAL' || logical?.type === 'FLOAT16')
    return 'double'
  if (converted === 'UTF8' || converted === 'JSON' || logical?.type === 'STRING') return 'text'
  const isNumber = (type === 'INT32' || type === 'INT64') && !converted && !logical
  return isNumber || logical?.type === 'INTEGER' || converted?.startsWith('INT_') ? 'integer' : undefined
}

function refuseWideDecimals({ schema }: FileMetaData): void {
  for (const { name, converted_type, precision = 0 } of schema) {
    if (converted_type === 'DECIMAL' && precision > EXACT_DIGITS)
      throw new UnreadableFile(
        `The column ${name} has decimals of ${precision} digits, and a double keeps ${EXACT_DIGITS}: write it as text or double.`,
      )
  }
}
