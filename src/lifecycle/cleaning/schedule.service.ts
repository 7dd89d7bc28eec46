// The collection that a server does by itself, every hour, side by side with other servers on the same database: one does it at a time.
import { randomUUID } from 'node:crypto'
import { reasonOf } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { findLease, type Lease, moveLease } from '../../platform/database/leases.ts'
import { createPolling } from '../../platform/polling.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import type { CleaningService } from './service.ts'

export interface ScheduleDeps {
  engine: Engine
  clock: Clock
  log: { info(fields: object, text: string): void; warn(fields: object, text: string): void }
  cleaning: Pick<CleaningService, 'collect'>
  olderThan: string
}

const WORK = 'gc'
const EVERY_MS = 3600_000
/** How often a server looks whether a collection is due. */
const POLL_MS = 60_000
/** A server that has not gone on for so long is taken for dead; a step takes seconds. */
const HOLD_MS = 15 * 60_000

/** What is scheduled. A time that was missed, since no server was up, is made up for once. */
export function createSchedule({ engine, clock, log, cleaning, olderThan }: ScheduleDeps) {
  const ownerId = randomUUID()
  const polling = createPolling({
    look: collectIfDue,
    // Whatever fails is tried again by whoever looks when the lease is over.
    onError: (error) => log.warn({ reason: reasonOf(error) }, 'The collection of garbage failed'),
    everyMs: POLL_MS,
  })

  /** Collects if it is due and nobody else does. */
  async function collectIfDue(): Promise<void> {
    const seen = await findLease(engine, WORK)
    if (seen && seen.untilMs > clock.now()) return
    let held: Lease = { name: WORK, ownerId, untilMs: clock.now() + HOLD_MS }
    if (!(await moveLease(engine, seen, held))) return
    const by = { userId: null, cause: 'schedule' as const }
    const selection = { older_than: olderThan, experiment_ids: [], run_ids: [], logged_model_ids: [] }
    let deleted = 0
    let token: string | undefined
    do {
      const step = await cleaning.collect({ ...selection, page_token: token }, by)
      deleted += step.deleted.length
      for (const { kind, id, message } of step.left)
        log.warn({ kind, id, reason: message }, 'Garbage is left')
      token = step.next_page_token
      const next = { ...held, untilMs: clock.now() + HOLD_MS }
      if (!(await moveLease(engine, held, next))) return
      held = next
    } while (token && !polling.isStopping())
    log.info({ deleted, olderThan }, 'Collected garbage')
    // Cut short by the end of this server, it is due at once for the next.
    const untilMs = token ? clock.now() : clock.now() + EVERY_MS
    await moveLease(engine, held, { name: WORK, ownerId: '', untilMs })
  }

  return { start: polling.start, stop: polling.stop }
}
