// What a power cut leaves: all that is safe, and of what was not synced any part, in any order.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  applyNames,
  applyTo,
  type Content,
  type Disk,
  type File,
  type Folder,
  type Inode,
  type Write,
} from './disk.ts'
import type { Random } from './random.ts'

/** How likely it is that something reached the disk without a sync. */
export interface Fate {
  name: string
  /** A change of names in a folder. */
  names: number
  /** A write to a segment of the write-ahead log. */
  wal: number
  /** Any other write. */
  contents: number
  /** A write that reached the disk has done so in parts. */
  torn: number
}

export const FATES: readonly Fate[] = [
  { name: 'nothing more than was synced', names: 0, wal: 0, contents: 0, torn: 0 },
  { name: 'everything', names: 1, wal: 1, contents: 1, torn: 0 },
  { name: 'names without contents', names: 1, wal: 0, contents: 0, torn: 0 },
  { name: 'contents without names', names: 0, wal: 1, contents: 1, torn: 0 },
  { name: 'the log alone, torn', names: 1, wal: 1, contents: 0, torn: 1 },
  { name: 'all but the log', names: 1, wal: 0, contents: 1, torn: 0 },
  { name: 'all but the log, torn', names: 0.5, wal: 0.1, contents: 1, torn: 0.7 },
  { name: 'little', names: 0.2, wal: 0.1, contents: 0.1, torn: 0.5 },
  { name: 'half', names: 0.5, wal: 0.5, contents: 0.5, torn: 0.5 },
  { name: 'most', names: 0.8, wal: 0.9, contents: 0.9, torn: 0.2 },
]

/** What disks write in one piece. */
const SECTORS = [512, 4096]

/** How much of what was not synced there was at a cut. */
export interface Lost {
  kept: number
  dropped: number
  torn: number
}

/** Makes the files as they are after the power has failed. */
export function makeRemains(disk: Disk, folder: string, fate: Fate, random: Random): Lost {
  const lost: Lost = { kept: 0, dropped: 0, torn: 0 }
  const contents = new Map<File, Content>()

  const isKept = (chance: number) => {
    const kept = random() < chance
    lost[kept ? 'kept' : 'dropped']++
    return kept
  }

  function contentOf(file: File, isWal: boolean): Content {
    const known = contents.get(file)
    if (known) return known
    const content = file.pending.length > 0 ? file.safe.copy() : file.safe
    contents.set(file, content)
    for (const change of file.pending) {
      if (!isKept(isWal ? fate.wal : fate.contents)) continue
      if ('size' in change || random() >= fate.torn) applyTo(content, change)
      else {
        lost.torn++
        tear(content, change, random)
      }
    }
    return content
  }

  function makeFolder(inode: Folder, path: string): void {
    mkdirSync(path, { recursive: true })
    const names = new Map<string, Inode>(inode.safe)
    for (const change of inode.pending) if (isKept(fate.names)) applyNames(names, change)
    for (const [name, child] of names) {
      const childPath = join(path, name)
      if (child.kind === 'folder') makeFolder(child, childPath)
      else writeFileSync(childPath, contentOf(child, childPath.includes('/pg_wal/')).bytes)
    }
  }

  makeFolder(disk.root, folder)
  return lost
}

/** Some sectors of a write are there, the others are as they were before; the file has its new length. */
function tear(content: Content, { position, data }: Write, random: Random): void {
  const sector = SECTORS[Math.floor(random() * SECTORS.length)] ?? 512
  const end = position + data.length
  if (end > content.size) content.resize(end)
  for (let from = position; from < end; ) {
    const to = Math.min(end, (Math.floor(from / sector) + 1) * sector)
    if (random() < 0.5) content.write(from, data.subarray(from - position, to - position))
    from = to
  }
}
