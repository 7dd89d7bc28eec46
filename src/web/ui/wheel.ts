// Takes the built web UI out of a wheel of MLflow. Nothing that a wheel says is trusted before it was checked.
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { type Entry, openPromise, type ZipFile } from 'yauzl'
import { UiError } from './errors.ts'

/** Where the UI lies in the wheel. */
const BUILD = 'mlflow/server/js/build/'
const LICENSES = /^mlflow-[^/]+\.dist-info\/(?:licenses\/)?((?:LICENSE|NOTICE)[^/]*)$/
const RECORD = /^mlflow-[^/]+\.dist-info\/RECORD$/

/** What a UI may measure: the stock one has 408 files of 27 MB, the largest 4.5 MB. */
const MAX_FILES = 5_000
const MAX_FILE_BYTES = 64 * 1024 * 1024
const MAX_BYTES = 512 * 1024 * 1024

const FILE_TYPE_MASK = 0o170_000
const REGULAR_FILE = 0o100_000

/** The SHA-256 of a file, in hex. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/**
 * Extracts the UI and the licence texts of the wheel. Every file is compared with the wheel's own list of hashes.
 * @param folder empty; files are written below it
 * @returns the paths that were written, with `/`
 * @throws UiError when the wheel is damaged, holds no UI, or names files outside of the folder
 */
export async function extractUi(wheel: string, folder: string): Promise<string[]> {
  try {
    const { zip, entries } = await openWheel(wheel)
    try {
      return await extractEntries(zip, entries, folder)
    } finally {
      zip.close()
    }
  } catch (error) {
    if (error instanceof UiError || (error as NodeJS.ErrnoException).code?.startsWith('E')) throw error
    // Whatever zlib and the reader of zip files throw is about the wheel.
    throw new UiError(`The wheel is damaged: ${(error as Error).message}.`, { cause: error })
  }
}

async function openWheel(wheel: string): Promise<{ zip: ZipFile; entries: Entry[] }> {
  const zip = await openPromise(wheel, { autoClose: false, strictFileNames: true })
  const entries: Entry[] = []
  try {
    for await (const entry of zip.eachEntry()) entries.push(entry)
    return { zip, entries }
  } catch (error) {
    zip.close()
    throw error
  }
}

async function extractEntries(zip: ZipFile, entries: readonly Entry[], folder: string): Promise<string[]> {
  const record = entries.find(({ fileName }) => RECORD.test(fileName))
  const wanted = new Map<string, Entry>()
  for (const entry of entries) {
    const path = targetOf(entry.fileName)
    if (path === undefined) continue
    if (wanted.has(path)) throw new UiError(`The wheel is damaged: it holds ${entry.fileName} twice.`)
    wanted.set(path, entry)
  }
  if (!wanted.has('index.html') || !record) throw new UiError('The wheel holds no built web UI.')
  requireBounded([...wanted.values(), record])
  const hashes = readRecord(await readEntry(zip, record))
  for (const [path, entry] of wanted) {
    await extractEntry(zip, entry, { target: join(folder, path), hash: hashes.get(entry.fileName) })
  }
  return [...wanted.keys()]
}

/** Where an entry goes, relative to the folder; undefined for one that is not wanted. */
function targetOf(name: string): string | undefined {
  if (name.endsWith('/')) return undefined
  const path = name.startsWith(BUILD) ? name.slice(BUILD.length) : LICENSES.exec(name)?.[1]
  if (path === undefined) return undefined
  const isPlain = path
    .split('/')
    .every((part) => part !== '' && !part.startsWith('.') && !/[\\:\0]/.test(part))
  if (!isPlain) throw new UiError(`The wheel is damaged: it holds the name ${JSON.stringify(name)}.`)
  return path
}

function requireBounded(entries: readonly Entry[]): void {
  const sizes = entries.map(({ uncompressedSize }) => uncompressedSize)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  if (sizes.length > MAX_FILES || Math.max(...sizes) > MAX_FILE_BYTES || total > MAX_BYTES) {
    throw new UiError(`The wheel is too large: ${sizes.length} files, ${total} bytes.`)
  }
}

/**
 * Hashes by name, as they stand in the list: base64 without padding.
 * @see https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
 */
function readRecord(text: string): Map<string, string> {
  const rows = text.split(/\r?\n/).map((line) => /^"?([^,"]+)"?,sha256=([\w-]{43}),\d+$/.exec(line))
  return new Map(rows.flatMap((row) => (row?.[1] && row[2] ? [[row[1], row[2]]] : [])))
}

async function readEntry(zip: ZipFile, entry: Entry): Promise<string> {
  return (await buffer(await zip.openReadStreamPromise(entry))).toString('utf8')
}

async function extractEntry(
  zip: ZipFile,
  entry: Entry,
  { target, hash }: { target: string; hash: string | undefined },
): Promise<void> {
  const mode = (entry.externalFileAttributes >>> 16) & FILE_TYPE_MASK
  if (mode !== 0 && mode !== REGULAR_FILE) {
    throw new UiError(`The wheel is damaged: ${entry.fileName} is no plain file.`)
  }
  const digest = createHash('sha256')
  const hashing = new Transform({
    transform(chunk, _encoding, done) {
      digest.update(chunk)
      done(undefined, chunk)
    },
  })
  await mkdir(dirname(target), { recursive: true })
  await pipeline(await zip.openReadStreamPromise(entry), hashing, createWriteStream(target, { flags: 'wx' }))
  if (digest.digest('base64url') !== hash) {
    throw new UiError(`The wheel is damaged: ${entry.fileName} is not what its list of files says.`)
  }
  // Wherever it is extracted, a file has the same time, and with it the same entity tag.
  const time = entry.getLastModDate({ timezone: 'UTC' })
  await utimes(target, time, time)
}
