// Writes an archive: the rows of a source, family by family, the manifest last.
import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from '../../platform/wire/int64.ts'
import { addRow, type Digest, emptyDigest, hexOf } from '../digest.ts'
import { comparedOf, FAMILIES, type Family, type MovedTable, type Row, tablesOf } from '../families.store.ts'
import type { Source } from '../source.ts'
import { ARCHIVE_FORMAT, ARCHIVE_VERSION, fileOf, MANIFEST, type Manifest } from './format.ts'

export interface Writing {
  source: Source
  folder: string
  hasArtifacts: boolean
  nowMs: number
  note?: (table: MovedTable, rows: number) => void
}

/**
 * Writes all that the source has into a folder, which is made, or must be empty. Without its manifest, which comes last,
 * a folder is no archive.
 * @throws Error when there is something in the folder
 */
export async function writeArchive({
  source,
  folder,
  hasArtifacts,
  nowMs,
  note,
}: Writing): Promise<Manifest> {
  await mkdir(join(folder, 'tables'), { recursive: true })
  const others = (await readdir(folder)).filter((name) => !['tables', 'artifacts'].includes(name))
  if (others.length > 0) throw new Error(`The folder ${folder} is not empty.`)
  const tables: Manifest['tables'] = []
  for (const family of FAMILIES) tables.push(...(await writeFamily(source, family, folder, note)))
  const manifest: Manifest = {
    format: ARCHIVE_FORMAT,
    version: ARCHIVE_VERSION,
    created: new Date(nowMs).toISOString(),
    source: source.name,
    artifacts: hasArtifacts,
    tables,
  }
  await writeFile(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`)
  return manifest
}

async function writeFamily(
  source: Source,
  family: Family,
  folder: string,
  note: Writing['note'],
): Promise<Manifest['tables']> {
  const tables = tablesOf(family).filter((table) => source.has(table))
  const files = new Map(tables.map((table) => [table, openFile(folder, table)]))
  for await (const chunk of source.chunks(family)) {
    const ids = chunk.parents.map((row) => String(row[family.parent.of]))
    for (const table of tables) {
      const file = files.get(table) as TableFile
      const parts = table === family.parent ? [chunk.parents] : chunk.rows(table, ids)
      for await (const rows of parts) {
        await file.write(rows)
        note?.(table, rows.length)
      }
    }
  }
  const written: Manifest['tables'] = []
  for (const file of files.values()) written.push(await file.end())
  return written
}

interface TableFile {
  write(rows: readonly Row[]): Promise<void>
  end(): Promise<Manifest['tables'][number]>
}

function openFile(folder: string, table: MovedTable): TableFile {
  const file = fileOf(table.name)
  const stream: WriteStream = createWriteStream(join(folder, file))
  // Whoever writes next hears of it.
  let failure: Error | undefined
  stream.on('error', (error) => {
    failure = error
  })
  const hash: Hash = createHash('sha256')
  const digest: Digest = emptyDigest()
  const properties = comparedOf(table)
  return {
    async write(rows) {
      if (failure) throw failure
      let text = ''
      for (const row of rows) {
        addRow(digest, properties, row)
        text += `${stringify(row)}\n`
      }
      hash.update(text)
      if (!stream.write(text)) await Promise.race([once(stream, 'drain'), once(stream, 'close')])
    },
    async end() {
      stream.end()
      if (!stream.closed) await once(stream, 'close')
      if (failure) throw failure
      const { rows } = digest
      return { name: table.name, file, rows, sha256: hash.digest('hex'), digest: hexOf(digest) }
    },
  }
}
