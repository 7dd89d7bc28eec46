// A disk as it may be at a moment: what is safe on it, and what was done since and may be there or not.
import { basename, dirname } from 'node:path'
import type { LogRecord, Operation } from './log.ts'

export interface Write {
  at: number
  position: number
  data: Buffer
}

export interface SizeChange {
  at: number
  size: number
}

/** The bytes of a file. */
export class Content {
  size = 0
  #bytes = Buffer.alloc(0)

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.size)
  }

  write(position: number, data: Uint8Array): void {
    this.#reserve(position + data.length)
    this.#bytes.set(data, position)
    this.size = Math.max(this.size, position + data.length)
  }

  resize(size: number): void {
    this.#reserve(size)
    this.#bytes.fill(0, size)
    this.size = size
  }

  copy(): Content {
    const copy = new Content()
    copy.write(0, this.bytes)
    return copy
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return
    const larger = Buffer.alloc(Math.max(size, this.#bytes.length * 2))
    larger.set(this.bytes)
    this.#bytes = larger
  }
}

export interface File {
  kind: 'file'
  safe: Content
  pending: (Write | SizeChange)[]
}

/** Names that change together: those of a rename within a folder. */
export interface NameChange {
  at: number
  names: [string, Inode | undefined][]
}

export interface Folder {
  kind: 'folder'
  /** Names as processes see them. */
  seen: Map<string, Inode>
  safe: Map<string, Inode>
  pending: NameChange[]
}

export type Inode = File | Folder

const newFolder = (): Folder => ({ kind: 'folder', seen: new Map(), safe: new Map(), pending: [] })

export function applyTo(content: Content, change: Write | SizeChange): void {
  if ('size' in change) content.resize(change.size)
  else content.write(change.position, change.data)
}

export function applyNames(names: Map<string, Inode>, change: NameChange): void {
  for (const [name, inode] of change.names) {
    if (inode) names.set(name, inode)
    else names.delete(name)
  }
}

/**
 * Follows a log. It promises no more than POSIX does: a sync of a file covers its contents and not its name, a sync of
 * a folder its names; the two halves of a rename to another folder are safe one by one. A rename within a folder is
 * atomic, on which PostgreSQL relies.
 */
export class Disk {
  readonly root = newFolder()
  /** By the numbers that the real file system has given them; these are given again when a file is gone. */
  readonly #inodes = new Map<number, Inode>()
  readonly #syncs = new Map<string, { inode: Inode; at: number }>()

  apply(record: LogRecord | (Operation & { data: Buffer; end: number })): void {
    const { end: at } = record
    if (record.op === 'create') this.#create(record, at)
    else if (record.op === 'write') {
      const data = record.zeros === undefined ? record.data : Buffer.alloc(record.zeros)
      this.#file(record.ino).pending.push({ at, position: record.position, data })
    } else if (record.op === 'size') this.#file(record.ino).pending.push({ at, size: record.size })
    else if (record.op === 'rename') this.#rename(record.from, record.to, at)
    else if (record.op === 'link') this.#change(record.path, this.#inode(record.ino), at)
    else if (record.op === 'unlink') this.#change(record.path, undefined, at)
    else if (record.op === 'begin') this.#syncs.set(record.sync, { inode: this.#inode(record.ino), at })
    else this.#settle(record.sync)
  }

  /** The inode if it has this number. */
  isInode(ino: number, inode: Inode | undefined): Inode | undefined {
    return inode && this.#inodes.get(ino) === inode ? inode : undefined
  }

  #inode(ino: number): Inode {
    const inode = this.#inodes.get(ino)
    if (!inode) throw new Error(`Nobody has made inode ${ino}`)
    return inode
  }

  #file(ino: number): File {
    const inode = this.#inode(ino)
    if (inode.kind !== 'file') throw new Error(`Inode ${ino} is no file`)
    return inode
  }

  /** What processes see at a path. */
  find(path: string): Inode | undefined {
    let found: Inode | undefined = this.root
    for (const name of path.split('/').filter((part) => part !== '.'))
      found = found?.kind === 'folder' ? found.seen.get(name) : undefined
    return found
  }

  #folderOf(path: string): Folder {
    const folder = this.find(dirname(path))
    if (folder?.kind !== 'folder') throw new Error(`No folder ${dirname(path)}`)
    return folder
  }

  #create({ path, ino, kind }: Operation & { op: 'create' }, at: number): void {
    if (path === '.') {
      this.#inodes.set(ino, this.root)
      return
    }
    const inode: Inode = kind === 'file' ? { kind, safe: new Content(), pending: [] } : newFolder()
    this.#inodes.set(ino, inode)
    this.#change(path, inode, at)
  }

  #change(path: string, inode: Inode | undefined, at: number): void {
    this.#changeNames(this.#folderOf(path), { at, names: [[basename(path), inode]] })
  }

  #changeNames(folder: Folder, change: NameChange): void {
    applyNames(folder.seen, change)
    folder.pending.push(change)
  }

  #rename(from: string, to: string, at: number): void {
    const inode = this.#folderOf(from).seen.get(basename(from))
    if (!inode) throw new Error(`No file ${from}`)
    if (dirname(from) !== dirname(to)) {
      this.#change(to, inode, at)
      this.#change(from, undefined, at)
      return
    }
    const names: NameChange['names'] = [
      [basename(from), undefined],
      [basename(to), inode],
    ]
    this.#changeNames(this.#folderOf(from), { at, names })
  }

  #settle(sync: string): void {
    const begun = this.#syncs.get(sync)
    if (!begun) throw new Error(`Sync ${sync} has no begin`)
    this.#syncs.delete(sync)
    const { inode, at } = begun
    if (inode.kind === 'file') {
      const covered = inode.pending.filter((change) => change.at <= at)
      for (const change of covered) applyTo(inode.safe, change)
      inode.pending = inode.pending.slice(covered.length)
    } else {
      const covered = inode.pending.filter((change) => change.at <= at)
      for (const change of covered) applyNames(inode.safe, change)
      inode.pending = inode.pending.slice(covered.length)
    }
  }
}
