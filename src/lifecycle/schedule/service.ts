// Runs policies when they are due, and goes on with executions that servers left: one of any number of servers does either.
import { reasonOf } from '../../errors.ts'
import { createPolling } from '../../platform/polling.ts'
import type { Clock } from '../../platform/wire/ids.ts'

export interface PolicyScheduleDeps<Due> {
  clock: Clock
  log: { warn(fields: object, text: string): void }
  /** Policies whose time has come. */
  findDue: (nowMs: number) => Promise<Due[]>
  /** Begins what is due, unless it was begun already, for this time, by whomever. */
  begin: (due: Due) => Promise<unknown>
  /** Counts on from now. It comes second: a crash in between begins nothing twice, and misses nothing. */
  settle: (due: Due, nowMs: number) => Promise<unknown>
  resume: () => Promise<void>
}

/** How often a server looks. */
const POLL_MS = 20_000

/** Times that were missed, since no server was up, are made up for once. */
export function createPolicySchedule<Due>(deps: PolicyScheduleDeps<Due>) {
  const { clock, log, findDue, begin, settle, resume } = deps
  const polling = createPolling({
    look,
    // Whatever fails is tried again by whoever looks next.
    onError: (error) => log.warn({ reason: reasonOf(error) }, 'Retention policies could not be scheduled'),
    everyMs: POLL_MS,
  })

  async function look(): Promise<void> {
    await resume()
    const nowMs = clock.now()
    for (const due of await findDue(nowMs)) {
      if (polling.isStopping()) return
      await begin(due)
      await settle(due, nowMs)
    }
  }

  return { start: polling.start, stop: polling.stop }
}
