// The right to do a work, held as long as it is done: of any number of servers one has it at a time.
//
// Its owner is the execution of the work, and the server that runs it. A server that dies does not hold it any longer, and whoever comes next finds by
// it the execution that was left. Each holding is a compare-and-set, so that a server that hung finds out that others have gone on.
import type { Engine } from '../../platform/database/engine.ts'
import { findLease, type Lease, moveLease } from '../../platform/database/leases.ts'
import type { Clock } from '../../platform/wire/ids.ts'

/** A server that has not held on for so long is taken for dead. */
const HOLD_MS = 90_000
const HOLD_ON_EVERY_MS = 15_000

export interface Held {
  /** Whether this server still has it, as far as it knows. */
  isHeld: () => boolean
  /** Gives it back: for others, or, with the execution in it, for whoever goes on with that. */
  release: (how: { isDone: boolean }) => Promise<void>
}

export type Seen = { lease: Lease | undefined; executionId: string | undefined; isFree: boolean }

/** Who has it, and which execution it was taken for, done or not. */
export async function seeLease(engine: Engine, clock: Clock, work: string): Promise<Seen> {
  const lease = await findLease(engine, work)
  const [executionId] = lease?.ownerId.split(':') ?? []
  return {
    lease,
    executionId: executionId || undefined,
    isFree: !lease || lease.ownerId === '' || lease.untilMs <= clock.now(),
  }
}

/** Takes it, if it is still as it was seen. */
export async function takeLease(
  { engine, clock, serverId }: { engine: Engine; clock: Clock; serverId: string },
  work: string,
  { seen, executionId }: { seen: Seen; executionId: string },
): Promise<Held | undefined> {
  const until = () => clock.now() + HOLD_MS
  let held: Lease = { name: work, ownerId: `${executionId}:${serverId}`, untilMs: until() }
  // Two that take it within a millisecond of each other must differ.
  if (seen.lease && seen.lease.untilMs >= held.untilMs) held = { ...held, untilMs: seen.lease.untilMs + 1 }
  if (!(await moveLease(engine, seen.lease, held))) return undefined
  let isHeld = true
  let last: Promise<void> = Promise.resolve()
  /** One change after the other. */
  const move = (next: () => Lease): Promise<void> => {
    last = last.then(async () => {
      if (!isHeld) return
      const wanted = next()
      if (await moveLease(engine, held, wanted)) held = wanted
      else isHeld = false
    })
    return last
  }
  const timer = setInterval(() => {
    // A database that is away for a moment is none that others have.
    move(() => ({ ...held, untilMs: Math.max(until(), held.untilMs + 1) })).catch(() => {
      last = Promise.resolve()
    })
  }, HOLD_ON_EVERY_MS).unref()
  return {
    isHeld: () => isHeld && held.untilMs > clock.now(),
    async release({ isDone }) {
      clearInterval(timer)
      await move(() => ({ ...held, ownerId: isDone ? '' : held.ownerId, untilMs: clock.now() }))
    },
  }
}
