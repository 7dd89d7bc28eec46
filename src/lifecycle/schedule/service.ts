// Does what is due, such as policies, and goes on with what servers left: one of any number of servers does either.
import { reasonOf } from '../../errors.ts'
import { createPolling } from '../../platform/polling.ts'
import type { Clock } from '../../platform/wire/ids.ts'

export interface ScheduleDeps<Due> {
  /** What is due, as the log names it. */
  what: string
  clock: Clock
  log: { warn(fields: object, text: string): void }
  /** What has its time come. */
  findDue: (nowMs: number) => Promise<Due[]>
  /** Begins what is due, unless it was begun already, for this time, by whomever. */
  begin: (due: Due) => Promise<unknown>
  /** Counts on from now. It comes second: a crash in between begins nothing twice, and misses nothing. Absent: `begin` does it. */
  settle?: (due: Due, nowMs: number) => Promise<unknown>
  /** Goes on with what was left. Absent: nothing is. */
  resume?: () => Promise<void>
}

/** How often a server looks. */
const POLL_MS = 20_000

/** Times that were missed, since no server was up, are made up for once. */
export function createDueSchedule<Due>(deps: ScheduleDeps<Due>) {
  const { what, clock, log, findDue, begin, settle, resume } = deps
  const polling = createPolling({
    look,
    // Whatever fails is tried again by whoever looks next.
    onError: (error) => log.warn({ reason: reasonOf(error) }, `${what} could not be scheduled`),
    everyMs: POLL_MS,
  })

  async function look(): Promise<void> {
    await resume?.()
    const nowMs = clock.now()
    for (const due of await findDue(nowMs)) {
      if (polling.isStopping()) return
      await begin(due)
      await settle?.(due, nowMs)
    }
  }

  return { start: polling.start, stop: polling.stop }
}
