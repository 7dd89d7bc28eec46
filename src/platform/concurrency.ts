// Bounds how much work of one kind goes on at a time.
import { cancelled, MlflowError } from '../errors.ts'

/** How long a search may wait for others to end, in milliseconds. */
export const SEARCH_WAIT_MS = 30_000

/** How long work waits for its turn: so many milliseconds at most, and no longer than somebody wants it. */
export interface Patience {
  signal: AbortSignal
  ms: number
}

/**
 * Returns `inTurn(work)`, which runs the work once fewer than `count` others are at it, in the order of the calls.
 * With patience it throws CANCELLED, or REQUEST_LIMIT_EXCEEDED (429), when the turn does not come.
 */
export function limitConcurrency(
  count: number,
): <T>(work: () => Promise<T>, patience?: Patience) => Promise<T> {
  const waiting = new Set<() => void>()
  let free = count

  function turn(patience: Patience | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const goOn = () => {
        stopWaiting()
        resolve()
      }
      const giveUp = (error: MlflowError) => {
        stopWaiting()
        reject(error)
      }
      const onAbort = () => giveUp(cancelled())
      const timer =
        patience &&
        setTimeout(
          giveUp,
          patience.ms,
          new MlflowError('REQUEST_LIMIT_EXCEEDED', 'Too many searches are running. Please retry.'),
        )
      const stopWaiting = () => {
        waiting.delete(goOn)
        clearTimeout(timer)
        patience?.signal.removeEventListener('abort', onAbort)
      }
      waiting.add(goOn)
      patience?.signal.addEventListener('abort', onAbort)
    })
  }

  return async (work, patience) => {
    if (free > 0) free--
    else await turn(patience)
    try {
      return await work()
    } finally {
      const [next] = waiting
      if (next) next()
      else free++
    }
  }
}
