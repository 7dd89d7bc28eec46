// PostgreSQL's rule of all rules, looked after at each write of a recording: no page reaches its file before the log that
// speaks of it is safe.
import { type Content, Disk, type File } from './disk.ts'
import { type LogRecord, readLog } from './log.ts'

const SEGMENT_NAME = /^[0-9A-F]{24}$/
const SEGMENT_BYTES = 16 * 1024 * 1024
const PAGE_BYTES = 8192
/** Files of tables and indexes with their maps, in pages that begin with a place in the log. */
const PAGES = /\/(base\/\d+|global)\/\d+(_\w+)?(\.\d+)?$/

export interface PageWrites {
  pages: number
  /** Pages that were written while the log was not synced as far as it was written. */
  amongUnsynced: number
  /** Positions of the writes that came before their log. */
  tooEarly: number[]
}

export function watchPages(log: string, store: string): PageWrites {
  const disk = new Disk()
  const watched: PageWrites = { pages: 0, amongUnsynced: 0, tooEarly: [] }
  const paths = new Map<number, string>()
  // A file that was never synced is being made by a REINDEX or the like: nothing speaks of it before that commits.
  const finished = new Set<number>()
  for (const record of readLog(log)) {
    disk.apply(record)
    if (record.op === 'create') {
      paths.set(record.ino, record.path)
      finished.delete(record.ino)
    } else if (record.op === 'begin') finished.add(record.ino)
    if (record.op !== 'write' || record.zeros !== undefined) continue
    if (!PAGES.test(paths.get(record.ino) ?? '') || !finished.has(record.ino)) continue
    const unsynced = unsyncedLog(disk, store)
    watched.pages++
    if (unsynced.length > 0) watched.amongUnsynced++
    if (lastPlaceIn(record) > safeEnd(unsynced)) watched.tooEarly.push(record.end)
  }
  return watched
}

/** The latest place in the log that a written page names. */
function lastPlaceIn({ data }: LogRecord): number {
  let last = 0
  for (let at = 0; at + 8 <= data.length; at += PAGE_BYTES)
    last = Math.max(last, data.readUInt32LE(at) * 2 ** 32 + data.readUInt32LE(at + 4))
  return last
}

interface UnsyncedWrite {
  /** Where the file begins in the log. */
  start: number
  safe: Content
  position: number
  data: Buffer
}

function unsyncedLog(disk: Disk, store: string): UnsyncedWrite[] {
  const folder = disk.find(`${store}/pg_wal`)
  if (folder?.kind !== 'folder') return []
  return [...folder.seen]
    .filter((entry): entry is [string, File] => SEGMENT_NAME.test(entry[0]) && entry[1].kind === 'file')
    .flatMap(([name, { safe, pending }]) =>
      pending.flatMap((change) => ('data' in change ? { start: startOf(name), safe, ...change } : [])),
    )
}

/** The name holds the timeline, the number of 4 GiB, and the number of 16 MiB therein. */
const startOf = (name: string) =>
  Number.parseInt(name.slice(8, 16), 16) * 2 ** 32 + Number.parseInt(name.slice(16), 16) * SEGMENT_BYTES

/** Up to where all of the log is safe: a page of it that grows is written again from its beginning, to the same effect. */
function safeEnd(unsynced: readonly UnsyncedWrite[]): number {
  let end = Number.POSITIVE_INFINITY
  for (const { start, safe, position, data } of unsynced) {
    const known = safe.bytes.subarray(position, position + data.length)
    let same = 0
    while (same < known.length && known[same] === data[same]) same++
    if (same < data.length) end = Math.min(end, start + position + same)
  }
  return end
}
