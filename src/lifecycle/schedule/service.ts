// Runs policies when they are due, and goes on with executions that servers left: one of any number of servers does either.
import { reasonOf } from '../../errors.ts'
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
  let timer: NodeJS.Timeout | undefined
  let isStopping = false
  let running: Promise<void> = Promise.resolve()

  async function look(): Promise<void> {
    await resume()
    const nowMs = clock.now()
    for (const due of await findDue(nowMs)) {
      if (isStopping) return
      await begin(due)
      await settle(due, nowMs)
    }
  }

  /** Whatever fails is tried again by whoever looks next. Servers that began together do not look together. */
  function poll(ms: number): void {
    timer = setTimeout(
      () => {
        running = look()
          .catch((error: unknown) =>
            log.warn({ reason: reasonOf(error) }, 'Retention policies could not be scheduled'),
          )
          .finally(() => {
            if (!isStopping) poll(POLL_MS)
          })
      },
      ms * (0.8 + 0.4 * Math.random()),
    ).unref()
  }

  return {
    start: () => poll(1_000),
    async stop(): Promise<void> {
      isStopping = true
      clearTimeout(timer)
      await running
    },
  }
}
