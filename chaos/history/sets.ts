// Rules of things that are written once and stay: points of metrics, params, runs, experiments.
import type { Effect } from './events.ts'
import { countBefore } from './registers.ts'
import { type Report, when } from './report.ts'

export interface SetRead {
  invoked: number
  returned: number
  /** What was shown, repeated if it was shown repeatedly. */
  members: string[]
}

/** The effects of all operations that write the same thing, as one: a retry may have made either of them. */
export const joined = (effects: readonly Effect[]): Effect => ({
  from: Math.min(...effects.map(({ from }) => from)),
  until: Math.min(...effects.map(({ until }) => until)),
})

/**
 * Judges one grow-only set: every acknowledged member is in every later read exactly once, and no read shows what
 * nobody had begun to write. A member that was seen though never acknowledged and is missing later was withdrawn.
 * @param name of the set, in front of its members in messages
 */
export function checkSet(
  report: Report,
  name: string,
  writes: ReadonlyMap<string, Effect>,
  reads: readonly SetRead[],
): void {
  const inOrder = [...reads].sort((a, b) => a.invoked - b.invoked)
  const acknowledged = [...writes].filter(([, { until }]) => Number.isFinite(until))
  acknowledged.sort(([, a], [, b]) => a.until - b.until)
  for (const [member] of acknowledged) report.acknowledged(`${name} ${member}`)
  const sightings = new Map<string, number>()
  for (const read of inOrder) {
    const shown = new Set(read.members)
    checkShown(report, name, writes, { read, shown })
    const due = countBefore(acknowledged.length, (i) => (acknowledged[i]?.[1].until ?? 0) < read.invoked)
    for (const [member] of acknowledged.slice(0, due)) {
      if (!shown.has(member)) report.lost(`${name} ${member}`, `not shown ${when(read)}`)
    }
    for (const [member, seen] of sightings) {
      const pending = (writes.get(member)?.until ?? 0) >= read.invoked
      if (seen < read.invoked && pending && !shown.has(member)) report.withdrawn(`${name} ${member}`)
    }
    for (const member of shown) {
      sightings.set(member, Math.min(sightings.get(member) ?? Number.POSITIVE_INFINITY, read.returned))
    }
  }
  checkCovered(report, name, acknowledged.at(-1), inOrder.at(-1))
}

function checkShown(
  report: Report,
  name: string,
  writes: ReadonlyMap<string, Effect>,
  { read, shown }: { read: SetRead; shown: Set<string> },
): void {
  for (const member of shown) {
    const write = writes.get(member)
    if (write === undefined)
      report.violate('phantom', `${name} ${member}: nobody wrote it, shown ${when(read)}`)
    else if (write.from > read.returned) {
      report.violate('phantom', `${name} ${member}: shown ${when(read)}, before it was written`)
    }
  }
  if (shown.size === read.members.length) return
  const counted = new Set<string>()
  for (const member of read.members) {
    if (counted.has(member)) report.duplicated(`${name} ${member}`, `shown more than once ${when(read)}`)
    counted.add(member)
  }
}

/** A history whose last writes are never read proves nothing of them. */
function checkCovered(
  report: Report,
  name: string,
  last: [string, Effect] | undefined,
  read: SetRead | undefined,
): void {
  if (last && (!read || read.invoked < last[1].until)) {
    report.violate('unverified', `${name} ${last[0]}: nobody read it afterwards`)
  }
}
