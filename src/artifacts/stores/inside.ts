// Places inside a folder, held against links and exchanged folders: what is opened here lies within the folder.
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readlink, realpath, rmdir } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { invalidParameter } from '../../errors.ts'
import { noSuchArtifact } from './store.ts'

// O_NONBLOCK: opening a named pipe must not wait for its writer. Flags are absent where the system lacks them.
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const FOLDER_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_DIRECTORY ?? 0)

const outsideFolder = () => invalidParameter('Invalid path: resolved path is outside the artifact directory')

const isWithin = (root: string, path: string) =>
  path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)

export const errorCode = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? ''

/** What a file operation gives; undefined when the file, or a folder on the way to it, is not there. */
export async function orUndefined<T>(operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
    throw error
  }
}

/** The real place of an existing path, or undefined. @throws INVALID_PARAMETER_VALUE when links lead outside */
export async function realPlace(folder: string, parts: readonly string[]): Promise<string | undefined> {
  const root = await orUndefined(realpath(folder))
  const place = root && (await orUndefined(realpath(join(folder, ...parts))))
  if (!root || !place) return undefined
  if (!isWithin(root, place)) throw outsideFolder()
  return place
}

/**
 * The path by which the system knows what is open, whatever was exchanged meanwhile. Linux alone tells it;
 * elsewhere a folder that is exchanged for a link and back at the right moments is not noticed.
 */
const openedPlace = (handle: FileHandle) => readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined)

async function openWithin(folder: string, place: string, flags: number): Promise<FileHandle> {
  const handle = await open(place, flags)
  try {
    const opened = await openedPlace(handle)
    if (opened !== undefined && !isWithin(await realpath(folder), opened)) throw outsideFolder()
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Opens an existing file, or folder, for reading; undefined when there is none. */
export async function openInside(folder: string, parts: readonly string[]): Promise<FileHandle | undefined> {
  const place = await realPlace(folder, parts)
  return place === undefined ? undefined : orUndefined(openWithin(folder, place, READ_FLAGS))
}

/** A folder that is held open: `path` means this very folder until it is released. */
export interface HeldFolder {
  path: string
  release: () => Promise<void>
}

async function holdPlace(folder: string, place: string): Promise<HeldFolder> {
  if (!constants.O_DIRECTORY) return { path: place, release: async () => {} }
  const handle = await openWithin(folder, place, FOLDER_FLAGS)
  const isKnown = (await openedPlace(handle)) !== undefined
  return { path: isKnown ? `/proc/self/fd/${handle.fd}` : place, release: () => handle.close() }
}

/** Holds an existing folder; undefined when there is none. */
export async function holdFolder(folder: string, parts: readonly string[]): Promise<HeldFolder | undefined> {
  const place = await realPlace(folder, parts)
  return place === undefined ? undefined : orUndefined(holdPlace(folder, place))
}

/** A folder for a new file. `forget` takes away again what was created, unless something else lies in it now. */
export interface NewFolder extends HeldFolder {
  forget: () => Promise<void>
}

/** Creates a folder, and those above it, and holds it. @throws INVALID_PARAMETER_VALUE when a file is in the way */
export async function createFolder(
  folder: string,
  parts: readonly string[],
  path: string,
): Promise<NewFolder> {
  await makeFolders(folder)
  let depth = parts.length
  let existing = await realPlace(folder, parts)
  while (!existing && depth > 0) existing = await realPlace(folder, parts.slice(0, --depth))
  if (!existing) throw noSuchArtifact(path)
  const held: HeldFolder[] = []
  const release = async () => {
    await Promise.all(held.map((one) => one.release()))
  }
  try {
    held.push(await holdPlace(folder, existing))
    // Each is made in the one that is held: a path through several could be led elsewhere meanwhile.
    for (const part of parts.slice(depth)) held.push(await makeFolder(folder, join(lastPath(held), part)))
    const made = parts.slice(depth).map((part, at) => join(held[at]?.path ?? '', part))
    return { path: lastPath(held), release, forget: () => removeEmptyFolders(made.toReversed()) }
  } catch (error) {
    await release()
    if (errorCode(error) !== 'ENOTDIR') throw error
    throw invalidParameter(`Artifact path lies below a file, not a directory: '${path}'`)
  }
}

/** As `mkdir -p`. Node.js's own goes on for ever where no folder can be made, as in /proc. */
async function makeFolders(folder: string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return
    if (errorCode(error) !== 'ENOENT' || dirname(folder) === folder) throw error
    await makeFolders(dirname(folder))
    await mkdir(folder).catch((again: unknown) => {
      if (errorCode(again) !== 'EEXIST') throw again
    })
  }
}

const lastPath = (held: readonly HeldFolder[]) => held.at(-1)?.path ?? ''

async function makeFolder(folder: string, place: string): Promise<HeldFolder> {
  try {
    await mkdir(place)
  } catch (error) {
    // Another upload to the same new folder was quicker.
    if (errorCode(error) !== 'EEXIST') throw error
  }
  return holdPlace(folder, place)
}

async function removeEmptyFolders(places: readonly string[]): Promise<void> {
  try {
    for (const place of places) await rmdir(place)
  } catch {
    // It is in use by another upload, or gone already: then so be those above it.
  }
}
