// Compares the files with what the log says about them.
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { applyTo, Disk, type File, type Folder } from './disk.ts'
import { type Operation, readLog } from './log.ts'

type Missed = Operation & { data?: Buffer }

const BLOCK = 8192

/** The operations that lead from what the log says to what is there; none when the recorder noted everything. */
export function missedRecords(log: string, root: string): Missed[] {
  const disk = new Disk()
  for (const record of readLog(log)) disk.apply(record)
  return missedInFolder({ root, disk }, disk.root, '')
}

interface Compared {
  root: string
  disk: Disk
}

function missedInFolder(compared: Compared, folder: Folder, path: string): Missed[] {
  const { root, disk } = compared
  const missed: Missed[] = []
  const names = readdirSync(join(root, path))
  for (const name of folder.seen.keys()) {
    if (!names.includes(name)) missed.push({ op: 'unlink', path: join(path, name) })
  }
  for (const name of names) {
    const whole = join(path, name)
    const stats = lstatSync(join(root, whole))
    const known = disk.isInode(stats.ino, folder.seen.get(name))
    const kind = stats.isDirectory() ? 'folder' : 'file'
    if (!known) missed.push({ op: 'create', path: whole, ino: stats.ino, kind })
    if (kind === 'file') {
      const bytes = readFileSync(join(root, whole))
      missed.push(...missedInFile(bytes, known?.kind === 'file' ? known : undefined, stats.ino))
    } else if (known?.kind === 'folder') missed.push(...missedInFolder(compared, known, whole))
  }
  return missed
}

function missedInFile(bytes: Buffer, file: File | undefined, ino: number): Missed[] {
  const missed: Missed[] = []
  const content = file?.safe.copy()
  for (const change of file?.pending ?? []) if (content) applyTo(content, change)
  const known = content?.bytes ?? Buffer.alloc(0)
  if (known.length > bytes.length) missed.push({ op: 'size', ino, size: bytes.length })
  for (let position = 0; position < bytes.length; position += BLOCK) {
    const data = bytes.subarray(position, position + BLOCK)
    if (!data.equals(known.subarray(position, position + data.length)))
      missed.push({ op: 'write', ino, position, data })
  }
  return missed
}
