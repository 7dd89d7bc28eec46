// Copies the artifacts of experiments, file by file; what is there with the same length is left as it is.
import type { Readable } from 'node:stream'
import type { Relocation } from './locations.ts'

/** The part of an artifact store that a copy needs. */
export interface Files {
  list(path?: string): Promise<{ path: string; isDir: boolean; sizeBytes?: number }[]>
  open(path: string): Promise<{ stream: Readable; sizeBytes: number }>
  write(path: string, stream: Readable, options?: { sizeBytes?: number }): Promise<void>
}

export interface ArtifactCopy {
  files: number
  bytes: number
  /** Files that were there. */
  kept: number
  /** What could not be copied, in words. */
  failures: string[]
}

export interface ArtifactDeps {
  relocations: readonly Relocation[]
  /** Where the files of an experiment are. @throws Error for a place that is not reached */
  openSource: (relocation: Relocation) => Files
  /** Where they come. */
  openStore: (relocation: Relocation) => Files
  /** Whether a folder or file below the location of an experiment is one of its artifacts. Absent: all are. */
  isWanted?: (path: string) => boolean
  note?: (text: string) => void
}

/** Failures that are named. */
const NAMED = 20
/** Files of a folder that are copied at once. */
const AT_ONCE = 4

export async function copyArtifacts(deps: ArtifactDeps): Promise<ArtifactCopy> {
  const { relocations, openSource, openStore, isWanted = () => true, note } = deps
  const done: ArtifactCopy = { files: 0, bytes: 0, kept: 0, failures: [] }
  let failed = 0
  const fail = (what: string, error: unknown) => {
    failed++
    if (done.failures.length < NAMED) done.failures.push(`${what}: ${(error as Error).message}`)
  }
  for (const relocation of relocations) {
    const { from } = relocation
    try {
      const [source, target] = [openSource(relocation), openStore(relocation)]
      const failIn = (path: string, error: unknown) => fail(`${from}/${path}`, error)
      await copyFolder({ source, target, done, isWanted, fail: failIn }, '')
    } catch (error) {
      fail(from, error)
    }
    note?.(`artifacts: ${done.files} files, ${Math.round(done.bytes / 1e6)} MB`)
  }
  if (failed > done.failures.length) done.failures.push(`and ${failed - done.failures.length} more`)
  return done
}

interface Copy {
  source: Files
  target: Files
  done: ArtifactCopy
  isWanted: (path: string) => boolean
  fail: (path: string, error: unknown) => void
}

async function copyFolder(copy: Copy, folder: string): Promise<void> {
  const { source, target, done, isWanted, fail } = copy
  const entries = (await source.list(folder)).filter(({ path }) => isWanted(path))
  const there = new Map((await target.list(folder)).map((entry) => [entry.path, entry]))
  const files = entries.filter(({ isDir }) => !isDir)
  const isThere = ({ path, sizeBytes }: (typeof files)[number]) =>
    sizeBytes !== undefined && there.get(path)?.sizeBytes === sizeBytes
  done.kept += files.filter(isThere).length
  const due = files.filter((file) => !isThere(file)).map(({ path }) => path)
  const work = async () => {
    for (let path = due.shift(); path !== undefined; path = due.shift()) {
      try {
        const { stream, sizeBytes } = await source.open(path)
        await target.write(path, stream, { sizeBytes })
        done.files++
        done.bytes += sizeBytes
      } catch (error) {
        fail(path, error)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  for (const { path, isDir } of entries) if (isDir) await copyFolder(copy, path)
}
