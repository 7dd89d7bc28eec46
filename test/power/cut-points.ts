// Where the power fails: positions in the log of a recording, of each kind as many.
import { readLog } from './log.ts'
import type { Random } from './random.ts'
import type { Recording, Span } from './recording.ts'

export type CutKind =
  | 'anywhere'
  | 'at an acknowledgement'
  | 'at an acknowledgement, the log being unsynced'
  | 'in a checkpoint'
  | 'at a switch of the log'
  | 'in a sync of the log'
  | 'at a removal of a file'
  | 'in a start or stop'
  | 'in a recovery'
  | 'in the creation'

export interface CutPoint {
  kind: CutKind
  at: number
  /** Of what is left to chance in the remains. */
  seed: number
}

/** Out of 40 cuts; each cut of a creation costs a creation. */
export const SHARES: Record<CutKind, number> = {
  anywhere: 4,
  'at an acknowledgement': 5,
  'at an acknowledgement, the log being unsynced': 8,
  'in a checkpoint': 5,
  'at a switch of the log': 5,
  'in a sync of the log': 4,
  'at a removal of a file': 3,
  'in a start or stop': 3,
  'in a recovery': 2,
  'in the creation': 1,
}

/** Operations before and after a new segment of the log that count as its switch. */
const AROUND = 12
const SEGMENT = /pg_wal\/[0-9A-F]{24}$/
const TABLE = /\/base\/\d+\/\d+/

/** In the order of the log; kinds that the recording has no moments of are left out. */
export function chooseCuts(recording: Recording, count: number, random: Random): CutPoint[] {
  const places = findPlaces(recording)
  const cuts: CutPoint[] = []
  const shares = Object.entries(SHARES) as [CutKind, number][]
  for (const [kind, share] of shares) {
    const wanted = Math.max(1, Math.round((count * share) / 40))
    for (let made = 0; made < wanted; made++) {
      const at = places[kind][Math.floor(random() * places[kind].length)]
      if (at !== undefined) cuts.push({ kind, at, seed: Math.floor(random() * 2 ** 31) })
    }
  }
  return cuts.sort((a, b) => a.at - b.at)
}

function findPlaces({ log, sent, spans }: Recording): Record<CutKind, number[]> {
  const acknowledged = sent.flatMap(({ acknowledgedAt }) => acknowledgedAt ?? [])
  const { ends, switches, removals, syncing, unsynced } = scan(log)
  const [creation] = spans
  const within = (...kinds: Span['kind'][]) => {
    const wanted = spans.filter(({ kind }) => kinds.includes(kind))
    return ends.filter((end) => wanted.some(({ from, to }) => from < end && end <= to))
  }
  const later = (positions: number[]) => positions.filter((end) => end > (creation?.to ?? 0))
  const around = (places: number[]) =>
    later(places.flatMap((i) => ends.slice(Math.max(0, i - AROUND), i + AROUND)))
  return {
    anywhere: later(ends),
    'at an acknowledgement': acknowledged,
    'at an acknowledgement, the log being unsynced': acknowledged.filter((at) => unsynced.has(at)),
    'in a checkpoint': within('checkpoint'),
    'at a switch of the log': around(switches),
    'in a sync of the log': later(syncing),
    'at a removal of a file': around(removals),
    'in a start or stop': within('start', 'stop'),
    'in a recovery': within('recovery'),
    'in the creation': within('creation'),
  }
}

interface Scanned {
  /** Of all records. */
  ends: number[]
  /** Numbers of the records that begin to write to another segment. */
  switches: number[]
  /** Numbers of the records that cut or remove a file of a table. */
  removals: number[]
  /** Ends of the records during syncs of segments. */
  syncing: number[]
  /** Ends of the records after which a write to a segment is not synced. */
  unsynced: Set<number>
}

function scan(log: string): Scanned {
  const scanned: Scanned = { ends: [], switches: [], removals: [], syncing: [], unsynced: new Set() }
  const inodes = new Map<string, number>()
  const segments = new Set<number>()
  const syncs = new Map<string, { ino: number; at: number }>()
  /** The last unsynced write by segment. */
  const written = new Map<number, number>()
  let current: number | undefined
  for (const record of readLog(log)) {
    const number = scanned.ends.push(record.end) - 1
    if (record.op === 'create') {
      inodes.set(record.path, record.ino)
      if (SEGMENT.test(record.path)) segments.add(record.ino)
    } else if (record.op === 'rename' && SEGMENT.test(record.to)) {
      segments.add(inodes.get(record.from) ?? 0)
      scanned.switches.push(number)
    } else if (record.op === 'write' && segments.has(record.ino)) {
      if (record.ino !== current) scanned.switches.push(number)
      current = record.ino
      written.set(record.ino, record.end)
    } else if (record.op === 'size' || (record.op === 'unlink' && TABLE.test(record.path)))
      scanned.removals.push(number)
    else if (record.op === 'begin' && segments.has(record.ino))
      syncs.set(record.sync, { ino: record.ino, at: record.end })
    else if (record.op === 'end') {
      const sync = syncs.get(record.sync)
      syncs.delete(record.sync)
      if (sync && (written.get(sync.ino) ?? 0) <= sync.at) written.delete(sync.ino)
    }
    if (syncs.size > 0) scanned.syncing.push(record.end)
    if (written.size > 0) scanned.unsynced.add(record.end)
  }
  return scanned
}
