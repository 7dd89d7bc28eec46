// Where a table comes from: a file or a URL, its format, its encoding.
import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { TextDecoder } from 'node:util'
import { createGunzip } from 'node:zlib'
import { reasonOf } from '../../errors.ts'
import { UsageError } from '../errors.ts'
import { readCsv } from './csv.ts'
import { readJsonLines, readJsonList } from './json.ts'
import { readParquet } from './parquet.ts'
import { type Records, UnreadableFile } from './records.ts'

export const FORMATS = ['csv', 'json', 'jsonl', 'ndjson', 'parquet'] as const
export type Format = (typeof FORMATS)[number]

export interface Source {
  /** A path, or a URL of http or https. */
  from: string
  format: Format
  /** Of text; any that the WHATWG Encoding Standard names. */
  encoding: string
  delimiter: string
  nulls: readonly string[]
}

const isUrl = (from: string) => /^https?:\/\//i.test(from)
const pathOf = (from: string) => (isUrl(from) ? urlOf(from).pathname : from).toLowerCase()

function urlOf(from: string): URL {
  if (!URL.canParse(from))
    throw new UsageError('This is no URL that can be read; it is not shown, it may hold secrets.')
  return new URL(from)
}

/** The format that the end of the name tells. @throws UsageError when it tells none */
export function formatOf(from: string): Format {
  const extension = /\.(csv|tsv|json|jsonl|ndjson|parquet)(?:\.gz)?$/.exec(pathOf(from))?.[1]
  if (extension === undefined)
    throw new UsageError(`The name does not tell the format: say --format ${FORMATS.join(' or ')}.`)
  return extension === 'tsv' ? 'csv' : (extension as Format)
}

export const delimiterOf = (from: string): string => (/\.tsv(\.gz)?$/.test(pathOf(from)) ? '\t' : ',')

/**
 * Opens the source; its rows are read as they are asked for.
 * @throws UnreadableFile, or Error when it is not there
 */
export async function openSource(source: Source): Promise<Records> {
  if (source.format === 'parquet') return openParquet(source.from)
  const text = decoded(await bytesOf(source.from), source.encoding)
  if (source.format === 'csv') return readCsv(text, source)
  return source.format === 'json' ? readJsonList(text) : readJsonLines(text)
}

async function bytesOf(from: string): Promise<Readable> {
  const bytes = isUrl(from) ? await download(from) : await openFile(from)
  if (!pathOf(from).endsWith('.gz')) return bytes
  const unpacked = createGunzip()
  pipeline(bytes, unpacked).catch(() => {})
  return unpacked
}

async function openFile(path: string): Promise<Readable> {
  const entry = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new UsageError(`There is no file ${path}.`) : error
  })
  if (entry.isDirectory()) throw new UsageError(`${path} is a folder.`)
  return createReadStream(path)
}

async function download(url: string): Promise<Readable> {
  const { origin, pathname, username, password } = urlOf(url)
  // A signature in the query, or a password, is for nobody to see.
  const told = origin + pathname
  if (username || password)
    throw new UsageError(`The URL ${told} has a user or a password, which is not sent: fetch the file first.`)
  const response = await fetch(url).catch((error: unknown) => {
    const cause = error instanceof Error ? (error.cause ?? error) : error
    throw new Error(`${told} cannot be reached: ${reasonOf(cause)}`)
  })
  if (!response.ok || !response.body) throw new Error(`${told} is answered with status ${response.status}.`)
  return Readable.fromWeb(response.body as never)
}

/** Parquet is read from its end; from a URL it lies in a file meanwhile. */
async function openParquet(from: string): Promise<Records> {
  if (!isUrl(from)) {
    ;(await openFile(from)).destroy()
    return readParquet(from)
  }
  const path = join(tmpdir(), `crateflow-${randomUUID()}.parquet`)
  try {
    await pipeline(await download(from), createWriteStream(path))
    // The open file stays readable.
    return await readParquet(path)
  } finally {
    await rm(path, { force: true })
  }
}

/** Text of the bytes, without a byte order mark. */
async function* decoded(bytes: Readable, encoding: string): AsyncGenerator<string> {
  const decoder = decoderOf(encoding)
  let read = 0
  const decode = (chunk?: Uint8Array): string => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined })
    } catch {
      throw new UnreadableFile(
        `The file is not encoded as ${encoding} (within ${chunk?.length ?? 0} bytes behind byte ${read}): name its encoding, such as --encoding latin1.`,
      )
    }
  }
  for await (const chunk of bytes as AsyncIterable<Uint8Array>) {
    const text = decode(chunk)
    read += chunk.length
    if (text !== '') yield text
  }
  const rest = decode()
  if (rest !== '') yield rest
}

function decoderOf(encoding: string): TextDecoder {
  try {
    return new TextDecoder(encoding, { fatal: true })
  } catch {
    throw new UsageError(`There is no encoding ${encoding}; there are utf-8, latin1, utf-16le and others.`)
  }
}
