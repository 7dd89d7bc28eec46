// Watches the answers of servers around a fault: the longest time without a success, and when all is well again.
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds without a failed answer after which servers count as recovered. */
const QUIET_MS = 3_000

export interface Watch {
  answer: (answer: { status: number; server: number }) => void
  /** Marks the end of the fault: from here on nobody lends a hand. */
  lifted: () => void
  /**
   * Waits until every server has answered and none has failed for a while.
   * @returns milliseconds from the end of the fault to the first success after the last failure
   * @throws Error after `patienceMs`
   */
  recovered: (patienceMs: number) => Promise<number>
  times: () => Times
}

export interface Times {
  /** Milliseconds of the longest time in which no operation succeeded. */
  longestGapMs: number
  /** Milliseconds from the first failed answer to the last one. */
  errorsMs: number
}

const isFailure = (status: number) => status === 0 || status === 429 || status === 503

export function createWatch(servers: number): Watch {
  const lastSuccess = Array.from({ length: servers }, () => 0)
  let liftedAt = performance.now()
  let firstFailure: number | undefined
  let lastFailure = 0
  let healedAt = 0
  let newestSuccess = performance.now()
  let gap = 0
  return {
    answer({ status, server }) {
      const now = performance.now()
      if (isFailure(status)) {
        firstFailure ??= now
        lastFailure = now
        return
      }
      gap = Math.max(gap, now - newestSuccess)
      newestSuccess = now
      lastSuccess[server] = now
      if (healedAt < lastFailure) healedAt = now
    },
    lifted() {
      liftedAt = performance.now()
    },
    async recovered(patienceMs) {
      for (const deadline = liftedAt + patienceMs; performance.now() < deadline; await sleep(100)) {
        const quietFrom = Math.max(liftedAt, lastFailure)
        const allAnswer = lastSuccess.every((time) => time > quietFrom)
        if (allAnswer && performance.now() > quietFrom + QUIET_MS) return Math.max(0, healedAt - liftedAt)
      }
      throw new Error(`The servers do not recover within ${patienceMs} ms`)
    },
    times: () => ({ longestGapMs: gap, errorsMs: firstFailure ? lastFailure - firstFailure : 0 }),
  }
}
