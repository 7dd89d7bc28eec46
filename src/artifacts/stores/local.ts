// Artifacts in a folder of this machine. Nothing outside that folder is read, written or listed, whatever links it holds.
import { randomBytes } from 'node:crypto'
import { type BigIntStats, constants } from 'node:fs'
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  unlink,
} from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { invalidParameter } from '../../errors.ts'
import {
  type ArtifactStat,
  type ArtifactStore,
  type ByteRange,
  comparePaths,
  DirectoryError,
  type FileInfo,
  invalidPath,
  noSuchArtifact,
  type OpenArtifact,
  pathParts,
  shortUpload,
} from './store.ts'

/** Names of uploads that are not complete; stock MLflow hides and reserves the same ones. */
const UPLOADING_PREFIX = '.artifact.uploading.'
/** Longest file name that file systems take. */
const MAX_NAME_BYTES = 255
const READ_CHUNK_BYTES = 256 * 1024
// O_NONBLOCK: opening a named pipe must not wait for its writer. Both flags are absent on Windows.
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)

const outsideFolder = () => invalidParameter('Invalid path: resolved path is outside the artifact directory')
const isWithin = (root: string, path: string) =>
  path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)

const errorCode = (error: unknown) => (error as NodeJS.ErrnoException).code
const isAbsent = (error: unknown) => errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR'

function partsOf(path: string): string[] {
  const parts = pathParts(path)
  if (parts.some((part) => Buffer.byteLength(part) > MAX_NAME_BYTES)) throw invalidPath()
  return parts
}

/** Runs a file operation; names that the file system cannot take are invalid paths. */
async function onDisk<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation()
  } catch (error) {
    if (['ENAMETOOLONG', 'ELOOP', 'EINVAL'].includes(errorCode(error) ?? '')) throw invalidPath()
    throw error
  }
}

async function orUndefined<T>(operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/**
 * A store in the folder `root`, which is created with the first upload.
 * @see mlflow/store/artifact/local_artifact_repo.py LocalArtifactRepository
 */
export function openLocalStore(root: string): ArtifactStore {
  const folder = resolve(root)
  return {
    list: (path = '') => onDisk(() => list(folder, path)),
    stat: (path) =>
      onDisk(async () => {
        const { file, stats } = await openFile(folder, path)
        await file.close()
        return describe(stats)
      }),
    open: (path, range) => onDisk(() => openForReading(folder, path, range)),
    write: (path, stream, options) => onDisk(() => write(folder, path, stream, options?.sizeBytes)),
    delete: (path) => onDisk(() => deletePath(folder, path)),
  }
}

/** The real place of an existing path, or undefined. @throws INVALID_PARAMETER_VALUE when links lead outside */
async function realPlace(folder: string, parts: readonly string[]): Promise<string | undefined> {
  const root = await orUndefined(realpath(folder))
  const place = root && (await orUndefined(realpath(join(folder, ...parts))))
  if (!root || !place) return undefined
  if (!isWithin(root, place)) throw outsideFolder()
  return place
}

async function list(folder: string, path: string): Promise<FileInfo[]> {
  const parts = partsOf(path)
  const place = await realPlace(folder, parts)
  if (!place || !(await stat(place)).isDirectory()) return []
  const entries = await readdir(place, { withFileTypes: true })
  const shown = entries.filter((entry) => !entry.name.startsWith(UPLOADING_PREFIX))
  const infos = await Promise.all(
    shown.map(async (entry): Promise<FileInfo | undefined> => {
      const inner = [...parts, entry.name]
      if (entry.isDirectory()) return { path: inner.join('/'), isDir: true }
      return entry.isFile() || entry.isSymbolicLink() ? describeEntry(folder, inner) : undefined
    }),
  )
  return infos.filter((info) => info !== undefined).sort(comparePaths)
}

/** A file or the target of a link; undefined for links that dangle or lead outside, and for files just deleted. */
async function describeEntry(folder: string, parts: readonly string[]): Promise<FileInfo | undefined> {
  try {
    const place = await realPlace(folder, parts)
    const stats = place && (await orUndefined(lstat(place)))
    if (!stats) return undefined
    const path = parts.join('/')
    return stats.isDirectory() ? { path, isDir: true } : { path, isDir: false, sizeBytes: stats.size }
  } catch {
    return undefined
  }
}

async function openFile(folder: string, path: string): Promise<{ file: FileHandle; stats: BigIntStats }> {
  const parts = partsOf(path)
  const place = await realPlace(folder, parts)
  if (!place || parts.at(-1)?.startsWith(UPLOADING_PREFIX)) throw noSuchArtifact(path)
  const file = await orUndefined(open(place, READ_FLAGS))
  if (!file) throw noSuchArtifact(path)
  try {
    const stats = await file.stat({ bigint: true })
    if (!stats.isFile()) throw new DirectoryError(path)
    // A folder on the way may have been exchanged for a link since it was looked at.
    if ((await realPlace(folder, parts)) !== place) throw noSuchArtifact(path)
    return { file, stats }
  } catch (error) {
    await file.close()
    throw error
  }
}

const describe = (stats: BigIntStats): ArtifactStat => ({
  totalBytes: Number(stats.size),
  lastModified: new Date(Number(stats.mtimeMs)),
  etag: `"${stats.mtimeNs.toString(36)}-${stats.size.toString(36)}-${stats.ino.toString(36)}"`,
})

async function openForReading(folder: string, path: string, range?: ByteRange): Promise<OpenArtifact> {
  const { file, stats } = await openFile(folder, path)
  const described = describe(stats)
  const { start, end } = range ?? { start: 0, end: described.totalBytes - 1 }
  const sizeBytes = end - start + 1
  // An empty file has no last byte to read to; a growing one is read up to the size told to the client.
  const bounds = sizeBytes > 0 ? { start, end } : { start: 0 }
  const stream = file.createReadStream({ ...bounds, highWaterMark: READ_CHUNK_BYTES })
  return { ...described, stream, sizeBytes }
}

async function write(folder: string, path: string, stream: Readable, sizeBytes?: number): Promise<void> {
  const parts = partsOf(path)
  const name = parts.pop()
  if (name === undefined) throw new DirectoryError(path)
  if (name.startsWith(UPLOADING_PREFIX)) {
    throw invalidParameter(
      `Invalid artifact file name: '${name}'. Artifact names starting with '${UPLOADING_PREFIX}' are reserved.`,
    )
  }
  const place = await ensureFolder(folder, parts, path)
  const target = join(place, name)
  if ((await orUndefined(lstat(target)))?.isDirectory()) throw new DirectoryError(path)
  const temporary = join(place, UPLOADING_PREFIX + randomBytes(9).toString('hex'))
  try {
    await writeWhole(temporary, stream, sizeBytes)
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true })
    if (['EISDIR', 'ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) throw new DirectoryError(path)
    throw error
  }
}

async function writeWhole(place: string, stream: Readable, sizeBytes?: number): Promise<void> {
  const file = await open(place, CREATE_FLAGS, 0o666)
  try {
    let written = 0
    for await (const chunk of stream) {
      await file.writeFile(chunk)
      written += chunk.length
    }
    if (sizeBytes !== undefined && written !== sizeBytes) throw shortUpload()
  } finally {
    await file.close()
  }
}

/** Creates the folder of an upload and answers its real place. */
async function ensureFolder(folder: string, parts: readonly string[], path: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  // Below the deepest folder that exists there are no links yet, so nothing is created outside.
  let depth = parts.length
  let existing = await realPlace(folder, parts)
  while (!existing && depth > 0) existing = await realPlace(folder, parts.slice(0, --depth))
  if (!existing) throw noSuchArtifact(path)
  const place = join(existing, ...parts.slice(depth))
  try {
    await mkdir(place, { recursive: true })
  } catch (error) {
    if (errorCode(error) !== 'ENOTDIR' && errorCode(error) !== 'EEXIST') throw error
    throw invalidParameter(`Artifact path lies below a file, not a directory: '${path}'`)
  }
  const real = await realPlace(folder, parts)
  if (real !== place) throw outsideFolder()
  return place
}

async function deletePath(folder: string, path: string): Promise<void> {
  const parts = partsOf(path)
  const name = parts.pop()
  if (name === undefined) throw invalidPath()
  const parent = await realPlace(folder, parts)
  const stats = parent && (await orUndefined(lstat(join(parent, name))))
  if (!parent || !stats) return
  const target = join(parent, name)
  // A link is deleted itself, never what it leads to.
  if (stats.isDirectory()) await rm(target, { recursive: true, force: true })
  else await orUndefined(unlink(target))
}
