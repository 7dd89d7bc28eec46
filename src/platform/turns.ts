// Work on one key goes one after the other within this server, so that its own requests do not race each other.

/**
 * Returns `take(key, work)`, which runs the work after all that came before it on the key. `work` is told what the
 * one before answered; undefined when there is none or it failed. Other servers know nothing of it.
 */
export function createTurns<T>(): (key: string, work: (before: T | undefined) => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<T | undefined>>()
  return async (key, work) => {
    const turn = (last.get(key) ?? Promise.resolve(undefined)).then(work)
    const settled = turn.catch(() => undefined)
    last.set(key, settled)
    try {
      return await turn
    } finally {
      if (last.get(key) === settled) last.delete(key)
    }
  }
}
