// Artifacts in a folder of this machine. Nothing outside that folder is read, written or listed, whatever links it holds.
import { randomBytes } from 'node:crypto'
import { type BigIntStats, constants } from 'node:fs'
import {
  type FileHandle,
  lstat,
  mkdtemp,
  open,
  opendir,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
} from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { invalidParameter, unavailable } from '../../errors.ts'
import {
  createFolder,
  errorCode,
  holdFolder,
  type NewFolder,
  openInside,
  orUndefined,
  realPlace,
} from './inside.ts'
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
/** Tries to open a file in a folder that others take away. */
const MAX_FOLDER_ATTEMPTS = 5
const READ_CHUNK_BYTES = 256 * 1024
const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)

/** @throws Error when this user cannot make the folder, or write into it */
async function checkFolder(folder: string): Promise<void> {
  let place = folder
  try {
    while (!(await orUndefined(stat(place))) && dirname(place) !== place) place = dirname(place)
    if (!(await stat(place)).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' })
    // Rights do not tell: nobody makes a folder in /proc.
    await rmdir(await mkdtemp(join(place, UPLOADING_PREFIX)))
  } catch (error) {
    // What is there can be read and deleted, which makes room.
    if (['ENOSPC', 'EDQUOT'].includes(errorCode(error))) return
    if (errorCode(error) === 'ENOTDIR') throw new Error(`${place} is a file, not a folder.`)
    throw new Error(`this user cannot write into ${place} (${errorCode(error)}).`)
  }
}

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
    if (['ENAMETOOLONG', 'ELOOP', 'EINVAL'].includes(errorCode(error))) throw invalidPath()
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
    check: () => checkFolder(folder),
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
    count: (path) => onDisk(() => count(folder, path)),
  }
}

async function list(folder: string, path: string): Promise<FileInfo[]> {
  const parts = partsOf(path)
  // A file is no folder either: it has nothing to list.
  const held = await holdFolder(folder, parts)
  if (!held) return []
  try {
    const entries = await readdir(held.path, { withFileTypes: true })
    const shown = entries.filter((entry) => !entry.name.startsWith(UPLOADING_PREFIX))
    const infos = await Promise.all(
      shown.map((entry) => {
        const inner = [...parts, entry.name]
        if (entry.isSymbolicLink()) return describeLink(folder, inner)
        return entry.isFile() || entry.isDirectory()
          ? describeEntry(join(held.path, entry.name), inner)
          : undefined
      }),
    )
    return infos.filter((info) => info !== undefined).sort(comparePaths)
  } finally {
    await held.release()
  }
}

/** A file or folder; undefined when it was just deleted. */
async function describeEntry(place: string, parts: readonly string[]): Promise<FileInfo | undefined> {
  const stats = await orUndefined(lstat(place))
  if (!stats) return undefined
  const path = parts.join('/')
  return stats.isDirectory() ? { path, isDir: true } : { path, isDir: false, sizeBytes: stats.size }
}

/** What a link leads to; undefined when it dangles, loops or leads outside. */
async function describeLink(folder: string, parts: readonly string[]): Promise<FileInfo | undefined> {
  const place = await realPlace(folder, parts).catch(() => undefined)
  return place === undefined ? undefined : describeEntry(place, parts)
}

async function openFile(folder: string, path: string): Promise<{ file: FileHandle; stats: BigIntStats }> {
  const parts = partsOf(path)
  const isUploading = parts.at(-1)?.startsWith(UPLOADING_PREFIX)
  const file = isUploading ? undefined : await openInside(folder, parts)
  if (!file) throw noSuchArtifact(path)
  try {
    const stats = await file.stat({ bigint: true })
    if (!stats.isFile()) throw new DirectoryError(path)
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
  const { held, file, temporary } = await openTemporary(folder, parts, path)
  const target = join(held.path, name)
  try {
    if ((await orUndefined(lstat(target)))?.isDirectory()) throw new DirectoryError(path)
    await fill(file, stream, sizeBytes)
    await rename(temporary, target)
  } catch (error) {
    await file.close()
    await rm(temporary, { force: true })
    await held.forget()
    if (['EISDIR', 'ENOTEMPTY', 'EEXIST'].includes(errorCode(error))) throw new DirectoryError(path)
    throw errorCode(error) === 'ENOENT' ? folderGone(error) : error
  } finally {
    await held.release()
  }
}

async function fill(file: FileHandle, stream: Readable, sizeBytes?: number): Promise<void> {
  let written = 0
  for await (const chunk of stream) {
    await file.writeFile(chunk)
    written += chunk.length
  }
  if (sizeBytes !== undefined && written !== sizeBytes) throw shortUpload()
  await file.close()
}

const folderGone = (error: unknown) =>
  unavailable('The folder of the artifact was deleted meanwhile. Please retry.', error)

/** A name that no list shows. */
const hiddenName = () => UPLOADING_PREFIX + randomBytes(9).toString('hex')

interface Temporary {
  held: NewFolder
  file: FileHandle
  temporary: string
}

/** Creates the folder of an upload, and a file in it that nobody sees yet. */
async function openTemporary(folder: string, parts: readonly string[], path: string): Promise<Temporary> {
  const name = hiddenName()
  for (let attempt = 1; ; attempt++) {
    let held: NewFolder | undefined
    try {
      held = await createFolder(folder, parts, path)
      const temporary = join(held.path, name)
      return { held, temporary, file: await open(temporary, CREATE_FLAGS, 0o666) }
    } catch (error) {
      await held?.release()
      // A deletion, or another upload that failed, took the folder away.
      if (errorCode(error) !== 'ENOENT') throw error
      if (attempt === MAX_FOLDER_ATTEMPTS) throw folderGone(error)
    }
  }
}

async function deletePath(folder: string, path: string): Promise<void> {
  const parts = partsOf(path)
  const name = parts.pop()
  if (name === undefined) throw invalidPath()
  const held = await holdFolder(folder, parts)
  if (!held) return
  try {
    const target = join(held.path, name)
    const stats = await orUndefined(lstat(target))
    // A link is deleted itself, never what it leads to.
    if (stats?.isDirectory()) await deleteFolder(held.path, target)
    else if (stats) await orUndefined(unlink(target))
  } finally {
    await held.release()
  }
}

async function count(folder: string, path: string): Promise<number> {
  const parts = partsOf(path)
  const name = parts.pop()
  if (name === undefined) throw invalidPath()
  const held = await holdFolder(folder, parts)
  if (!held) return 0
  try {
    const target = join(held.path, name)
    const stats = await orUndefined(lstat(target))
    return stats?.isDirectory() ? await countInside(target) : stats ? 1 : 0
  } finally {
    await held.release()
  }
}

/** Links count as files: they are not followed. */
async function countInside(place: string): Promise<number> {
  const entries = await orUndefined(opendir(place))
  let files = 0
  for await (const entry of entries ?? []) {
    files += entry.isDirectory() ? await countInside(join(place, entry.name)) : 1
  }
  return files
}

/** Out of the way first: who uploads meanwhile makes the folder anew, and what was under way there is no obstacle. */
async function deleteFolder(parent: string, target: string): Promise<void> {
  const doomed = join(parent, hiddenName())
  await orUndefined(rename(target, doomed))
  await rm(doomed, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
}
