// How the program is told to stop: the first signal asks, a later one insists.
import { constants } from 'node:os'
import { EXIT } from './errors.ts'

/** Ctrl-C under npm arrives twice: from the terminal and passed on by npm. Both are one wish. */
const ECHO_MS = 1_000

export interface StopSignal {
  /** Aborted by the first SIGINT or SIGTERM, or by `ask`. */
  signal: AbortSignal
  stopped: Promise<void>
  /** Stops as the first signal does. */
  ask: () => void
  /** Ends the process that long after it was told to stop, whatever it waits for then; `onLate` is called before. */
  endWithin: (ms: number, onLate: () => void) => void
  /** Gives the signals back to the process. */
  release: () => void
}

/** Listens for SIGINT and SIGTERM. A second one ends the process at once, with 128 + its number. */
export function listenForStop(): StopSignal {
  const controller = new AbortController()
  let askedAt: number | undefined
  const onSignal = (name: NodeJS.Signals) => {
    const now = Date.now()
    askedAt ??= now
    if (now - askedAt >= ECHO_MS) process.exit(128 + constants.signals[name])
    controller.abort()
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    stopped: new Promise((resolve) => {
      controller.signal.addEventListener('abort', () => resolve(), { once: true })
    }),
    ask: () => controller.abort(),
    endWithin(ms, onLate) {
      const end = () => {
        onLate()
        process.exit(EXIT.failure)
      }
      const begin = () => setTimeout(end, ms).unref()
      controller.signal.addEventListener('abort', begin, { once: true })
    },
    release: () => {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    },
  }
}
