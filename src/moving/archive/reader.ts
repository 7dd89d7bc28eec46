// An archive as the source of a move. Its files are read from the front to the back, and within a chunk again if need be.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isAbsolute, join, normalize } from 'node:path'
import { invalidParameter } from '../../errors.ts'
import { isJsonObject, parseJson } from '../../platform/wire/int64.ts'
import type { Family, MovedTable, Row } from '../families.store.ts'
import { CHUNK_PARENTS, CHUNK_ROWS, type Chunk, type Source } from '../source.ts'
import { doublesOf } from '../tables.store.ts'
import { MANIFEST, type Manifest, readManifest } from './format.ts'

/** Rows that are answered at once. */
const PART_ROWS = 5_000

export interface ArchiveSource extends Source {
  manifest: Manifest
}

/** The lines of a table. */
interface TableFile {
  path: string
  /** As it is called in errors. */
  called: string
}

type TableFiles = ReadonlyMap<string, TableFile>

/**
 * @param called the archive as users name it, where it was unpacked into another folder
 * @throws INVALID_PARAMETER_VALUE for a folder that is no archive, or whose files were changed
 */
export async function openArchive(folder: string, called = folder): Promise<ArchiveSource> {
  const json = await readFile(join(folder, MANIFEST), 'utf8').catch(() => {
    throw invalidParameter(`${called} is no archive, or one that was not finished: it has no ${MANIFEST}.`)
  })
  const manifest = readManifest(json)
  const files = new Map<string, TableFile>()
  for (const { name, file, sha256 } of manifest.tables) {
    const place = { path: placeOf(folder, file), called: join(called, file) }
    await checkFile(place, sha256)
    files.set(name, place)
  }
  return {
    manifest,
    name: `archive ${called} of ${manifest.source}`,
    has: ({ name }) => files.has(name),
    chunks: (family) => chunksOf(family, files),
    estimate: async () => new Map(manifest.tables.map(({ name, rows }) => [name, rows])),
    notes: () => [],
    close: async () => {},
  }
}

/** @throws INVALID_PARAMETER_VALUE for a path that leaves the archive */
function placeOf(folder: string, file: string): string {
  if (isAbsolute(file) || normalize(file).startsWith('..'))
    throw invalidParameter(`${MANIFEST} names ${file}.`)
  return join(folder, file)
}

async function checkFile({ path, called }: TableFile, sha256: string): Promise<void> {
  const hash = createHash('sha256')
  try {
    for await (const part of createReadStream(path)) hash.update(part as Buffer)
  } catch {
    throw invalidParameter(`${called} is missing in the archive.`)
  }
  if (hash.digest('hex') !== sha256)
    throw invalidParameter(`${called} is not what its checksum says: the archive is damaged.`)
}

async function* chunksOf(family: Family, files: TableFiles): AsyncGenerator<Chunk> {
  const parents = files.get(family.parent.name)
  if (parents === undefined) return
  const children = new Map<string, Cursor>()
  for (const table of family.children) {
    const file = files.get(table.name)
    if (file !== undefined) children.set(table.name, createCursor(file, table))
  }
  let chunk: Row[] = []
  const chunkOf = (rows: Row[]): Chunk => {
    const own = new Set(rows.map((row) => String(row[family.parent.of])))
    return {
      parents: rows,
      async *rows(table, ids) {
        const wanted = new Set(ids)
        for await (const part of children.get(table.name)?.read(own) ?? [])
          yield part.filter((row) => wanted.has(String(row[table.of])))
      },
    }
  }
  for await (const { row } of linesFrom(parents, family.parent, START)) {
    chunk.push(row)
    if (chunk.length < CHUNK_PARENTS) continue
    yield* within(chunk, children, family, chunkOf)
    chunk = []
  }
  if (chunk.length > 0) yield* within(chunk, children, family, chunkOf)
}

/** The chunk, and then every cursor behind what belongs to it. Parents with many rows go by themselves. */
async function* within(
  parents: Row[],
  children: ReadonlyMap<string, Cursor>,
  family: Family,
  chunkOf: (rows: Row[]) => Chunk,
): AsyncGenerator<Chunk> {
  const own = new Set(parents.map((row) => String(row[family.parent.of])))
  const heavy = family.children.filter(({ order }) => order)
  let rows = 0
  for (const { name } of heavy) rows += (await children.get(name)?.count(own)) ?? 0
  // Rows of several parents lie between each other, so they can be told apart by reading them once more for each piece.
  const pieces = rows > CHUNK_ROWS ? parents.map((row) => [row]) : [parents]
  for (const piece of pieces) {
    const chunk = chunkOf(parents)
    yield { ...chunk, parents: piece }
  }
  for (const cursor of children.values()) await cursor.pass(own)
}

/** How far a file is read. */
interface Place {
  byte: number
  /** Lines in front of it. */
  lines: number
}

const START: Place = { byte: 0, lines: 0 }

/** A place in a file, in front of the rows of the chunk that is read now. */
interface Cursor {
  read(owners: ReadonlySet<string>): AsyncIterable<Row[]>
  count(owners: ReadonlySet<string>): Promise<number>
  pass(owners: ReadonlySet<string>): Promise<void>
}

function createCursor(file: TableFile, table: MovedTable): Cursor {
  let start = START
  async function* own(owners: ReadonlySet<string>): AsyncGenerator<Line> {
    for await (const line of linesFrom(file, table, start)) {
      if (!owners.has(String(line.row[table.of]))) return
      yield line
    }
  }
  return {
    async *read(owners) {
      let part: Row[] = []
      for await (const { row } of own(owners)) {
        part.push(row)
        if (part.length < PART_ROWS) continue
        yield part
        part = []
      }
      if (part.length > 0) yield part
    },
    async count(owners) {
      let rows = 0
      for await (const _line of own(owners)) rows++
      return rows
    },
    async pass(owners) {
      let end = start
      for await (const line of own(owners)) end = line.end
      start = end
    },
  }
}

interface Line {
  row: Row
  /** Behind the line. */
  end: Place
}

/** @throws INVALID_PARAMETER_VALUE for a line that is no row */
async function* linesFrom(
  { path, called }: TableFile,
  table: MovedTable,
  start: Place,
): AsyncGenerator<Line> {
  const doubles = doublesOf(table)
  let rest: Buffer = Buffer.alloc(0)
  let { byte, lines } = start
  for await (const part of createReadStream(path, { start: byte, highWaterMark: 1 << 20 })) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, part as Buffer]) : (part as Buffer)
    let from = 0
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      const row = readRow(bytes.toString('utf8', from, end), `${called}:${++lines}`)
      // Large doubles read as integers otherwise.
      for (const property of doubles) if (row[property] !== null) row[property] = Number(row[property])
      byte += end + 1 - from
      from = end + 1
      yield { row, end: { byte, lines } }
    }
    rest = bytes.subarray(from)
  }
  if (rest.length > 0) throw invalidParameter(`${called}:${lines + 1}: the line has no end.`)
}

function readRow(text: string, place: string): Row {
  let row: unknown
  try {
    row = parseJson(text)
  } catch (error) {
    throw invalidParameter(`${place}: the line is no JSON: ${(error as Error).message}`)
  }
  if (!isJsonObject(row)) throw invalidParameter(`${place}: the line is no JSON object.`)
  return row
}
