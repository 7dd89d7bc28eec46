// Where the power fails: positions in the log of a recording, of each kind as many.

import { readLog } from './log.ts'
import type { Random } from './random.ts'
import type { Recording, Span } from './recording.ts'

export type CutKind =
  | 'anywhere'
  | 'at an acknowledgement'
  | 'in a checkpoint'
  | 'at a switch of the log'
  | 'in a sync of the log'
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
  anywhere: 5,
  'at an acknowledgement': 12,
  'in a checkpoint': 6,
  'at a switch of the log': 5,
  'in a sync of the log': 5,
  'in a start or stop': 3,
  'in a recovery': 3,
  'in the creation': 1,
}

/** Operations before and after a new segment of the log that count as its switch. */
const AROUND = 12
const SEGMENT = /pg_wal\/[0-9A-F]{24}$/

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
  const { ends, switches, syncing } = scan(log)
  const [creation] = spans
  const within = (...kinds: Span['kind'][]) => {
    const wanted = spans.filter(({ kind }) => kinds.includes(kind))
    return ends.filter((end) => wanted.some(({ from, to }) => from < end && end <= to))
  }
  const later = (positions: number[]) => positions.filter((end) => end > (creation?.to ?? 0))
  return {
    anywhere: later(ends),
    'at an acknowledgement': sent.flatMap(({ acknowledgedAt }) => acknowledgedAt ?? []),
    'in a checkpoint': within('checkpoint'),
    'at a switch of the log': later(switches.flatMap((i) => ends.slice(Math.max(0, i - AROUND), i + AROUND))),
    'in a sync of the log': later(syncing),
    'in a start or stop': within('start', 'stop'),
    'in a recovery': within('recovery'),
    'in the creation': within('creation'),
  }
}

/** The ends of all records, the places of those that begin to write to another segment, the ends during syncs of one. */
function scan(log: string) {
  const ends: number[] = []
  const switches: number[] = []
  const syncing: number[] = []
  const inodes = new Map<string, number>()
  const segments = new Set<number>()
  const open = new Set<string>()
  let current: number | undefined
  for (const record of readLog(log)) {
    ends.push(record.end)
    if (record.op === 'create') {
      inodes.set(record.path, record.ino)
      if (SEGMENT.test(record.path)) segments.add(record.ino)
    } else if (record.op === 'rename' && SEGMENT.test(record.to)) {
      segments.add(inodes.get(record.from) ?? 0)
      switches.push(ends.length - 1)
    } else if (record.op === 'write' && segments.has(record.ino)) {
      if (record.ino !== current) switches.push(ends.length - 1)
      current = record.ino
    } else if (record.op === 'begin' && segments.has(record.ino)) open.add(record.sync)
    else if (record.op === 'end') open.delete(record.sync)
    if (open.size > 0) syncing.push(record.end)
  }
  return { ends, switches, syncing }
}
