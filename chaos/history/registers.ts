// Rules of registers: fields that the last write owns. Knows nothing of MLflow.
import type { Effect } from './events.ts'
import { groupBy } from './group-by.ts'

export interface RegisterWrite extends Effect {
  value: string | undefined
}

export interface RegisterRead {
  value: string | undefined
  invoked: number
  returned: number
}

export type RegisterFault = 'phantom' | 'stale' | 'unordered'

export interface RegisterProblem {
  fault: RegisterFault
  read: RegisterRead
  /** Only reads of a write that was never acknowledged, and that was gone later, stand against the history. */
  withdrawn: boolean
}

/**
 * Judges one register. Each read must show a write that was invoked before the read returned and that no
 * acknowledged write had replaced before the read began. If all values differ, one order of all writes must also
 * explain all reads (the zones of Gibbons and Korach, "Testing Shared Memories", 1997).
 * The first write is the initial value.
 */
export function checkRegister(
  writes: readonly RegisterWrite[],
  reads: readonly RegisterRead[],
): RegisterProblem[] {
  const byValue = groupBy(writes, (write) => write.value)
  const replacedBefore = latestStart(writes)
  const problems = reads.flatMap((read): RegisterProblem[] => {
    const begun = (byValue.get(read.value) ?? []).filter((write) => write.from < read.returned)
    if (begun.length === 0) return [{ fault: 'phantom', read, withdrawn: false }]
    const start = replacedBefore(read.invoked)
    return begun.some((write) => write.until >= start) ? [] : [{ fault: 'stale', read, withdrawn: false }]
  })
  if (problems.length > 0 || byValue.size !== writes.length) return problems
  return checkOrder(writes, reads)
}

/**
 * Answers for a time the latest invocation among the writes that were acknowledged by then: whatever ended before
 * it is replaced.
 */
function latestStart(writes: readonly RegisterWrite[]): (time: number) => number {
  const acknowledged = writes.filter(({ until }) => Number.isFinite(until)).sort((a, b) => a.until - b.until)
  const starts: number[] = []
  for (const { from } of acknowledged) starts.push(Math.max(from, starts.at(-1) ?? Number.NEGATIVE_INFINITY))
  return (time) => {
    const count = countBefore(
      acknowledged.length,
      (index) => (acknowledged[index] as RegisterWrite).until < time,
    )
    return starts[count - 1] ?? Number.NEGATIVE_INFINITY
  }
}

/** How many of the first indexes fulfil a condition that holds up to some index and not after it. */
export function countBefore(length: number, holds: (index: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(middle)) low = middle + 1
    else high = middle
  }
  return low
}

interface Zone {
  from: number
  until: number
  forward: boolean
  reads: RegisterRead[]
  acknowledged: boolean
}

function checkOrder(writes: readonly RegisterWrite[], reads: readonly RegisterRead[]): RegisterProblem[] {
  const readsOf = groupBy(reads, (read) => read.value)
  const zones = writes
    .filter((write) => Number.isFinite(write.until) || readsOf.has(write.value))
    .map((write) => zoneOf(write, readsOf.get(write.value) ?? []))
  const clash = findClash(zones)
  if (!clash) return []
  const read = clash.reads.at(-1) ?? (reads.at(-1) as RegisterRead)
  const withdrawn = !findClash(zones.filter(({ acknowledged }) => acknowledged))
  return [{ fault: 'unordered', read, withdrawn }]
}

/** From the first end to the last start of a write and its reads: forward if the value must have been held. */
function zoneOf(write: RegisterWrite, reads: RegisterRead[]): Zone {
  const firstEnd = Math.min(write.until, ...reads.map(({ returned }) => returned))
  const lastStart = Math.max(write.from, ...reads.map(({ invoked }) => invoked))
  return {
    from: Math.min(firstEnd, lastStart),
    until: Math.max(firstEnd, lastStart),
    forward: firstEnd < lastStart,
    reads,
    acknowledged: Number.isFinite(write.until),
  }
}

/** A zone that has no place beside the others: forward zones may not overlap, nor hold a backward one. */
function findClash(zones: readonly Zone[]): Zone | undefined {
  const forward = zones.filter((zone) => zone.forward).sort((a, b) => a.from - b.from)
  for (const [index, zone] of forward.entries()) {
    const before = forward[index - 1]
    if (before && zone.from < before.until) return zone
  }
  return zones.find((zone) => {
    if (zone.forward) return false
    const count = countBefore(forward.length, (index) => (forward[index] as Zone).from < zone.from)
    const around = forward[count - 1]
    return around !== undefined && zone.until < around.until
  })
}
