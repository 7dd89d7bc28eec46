// Work that a server looks for by itself, again and again until it stops.

export interface PollingOptions {
  /** What is done at each look; the next one comes behind it. */
  look: () => Promise<void>
  /** Told of a look that failed; the next one tries again. */
  onError: (error: unknown) => void
  everyMs: number
}

/** How long a server that has just begun waits, in milliseconds. */
const FIRST_MS = 1_000

/** Servers that began together do not look together. */
export function createPolling({ look, onError, everyMs }: PollingOptions) {
  let timer: NodeJS.Timeout | undefined
  let isStopping = false
  let running: Promise<void> = Promise.resolve()

  function poll(ms: number): void {
    timer = setTimeout(
      () => {
        running = look()
          .catch(onError)
          .finally(() => {
            if (!isStopping) poll(everyMs)
          })
      },
      ms * (0.8 + 0.4 * Math.random()),
    ).unref()
  }

  return {
    start: () => poll(FIRST_MS),
    isStopping: () => isStopping,
    /** Resolves when the look that is under way has ended. */
    async stop(): Promise<void> {
      isStopping = true
      clearTimeout(timer)
      await running
    },
  }
}
