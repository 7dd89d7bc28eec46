// Archives in one file, archive.tar.gz: packed from a folder and unpacked into one.
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import tar from 'tar-stream'
import { invalidParameter } from '../../errors.ts'

export const isPacked = (path: string): boolean => /\.(tar\.gz|tgz)$/i.test(path)

/** The name is that of a file of another kind of archive. */
export const isOtherPacked = (path: string): boolean =>
  !isPacked(path) && /\.(zip|tar|gz|bz2|xz|zst|7z|rar|tbz2?|txz|tzst)$/i.test(path)

/** Packs all files of a folder, the manifest last as it was written. */
export async function pack(folder: string, file: string): Promise<void> {
  const packed = tar.pack()
  const written = pipeline(packed, createGzip(), createWriteStream(file))
  const names = (await readdir(folder, { recursive: true })).sort(manifestLast)
  for (const name of names) {
    const stats = await stat(join(folder, name))
    if (!stats.isFile()) continue
    const { size, mtime } = stats
    await pipeline(createReadStream(join(folder, name)), packed.entry({ name, size, mtime }))
  }
  packed.finalize()
  await written
}

const manifestLast = (a: string, b: string): number =>
  Number(a === 'manifest.json') - Number(b === 'manifest.json') || (a < b ? -1 : 1)

/** @throws INVALID_PARAMETER_VALUE for an entry that would come outside of the folder */
export async function unpack(file: string, folder: string): Promise<void> {
  const entries = tar.extract()
  const read = pipeline(createReadStream(file), createGunzip(), entries)
  const failed = read.catch((error: Error) => {
    throw invalidParameter(`${file} cannot be unpacked: ${error.message}.`)
  })
  failed.catch(() => {})
  for await (const entry of entries) {
    const { name, type } = entry.header
    if (isAbsolute(name) || normalize(name).startsWith('..')) throw invalidParameter(`${file} holds ${name}.`)
    const place = join(folder, name)
    if (type === 'file') {
      await mkdir(dirname(place), { recursive: true })
      await pipeline(entry, createWriteStream(place))
    } else entry.resume()
  }
  await failed
}
