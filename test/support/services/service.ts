// What a service for tests is: found before the run, started when the first test asks, stopped after the run.

/** A running service: what tests need to reach it, and how to end it. */
export interface Started<T> {
  value: T
  stop: () => Promise<void>
}

/** A way to get a service: what it is, in words, and how to start it. */
export interface Candidate<T> {
  how: string
  start: () => Promise<Started<T>>
}

/** The best way that this machine offers; when there is none, why. */
export interface Found<T> {
  candidate?: Candidate<T>
  missing: string
}

/** Asks the finders in order; each answers a candidate, or the reason why it has none. */
export async function firstOf<T>(...finders: (() => Promise<Candidate<T> | string>)[]): Promise<Found<T>> {
  const reasons: string[] = []
  for (const find of finders) {
    const result = await find()
    if (typeof result !== 'string') return { candidate: result, missing: '' }
    reasons.push(result)
  }
  return { missing: reasons.join(', ') }
}

/** A candidate that runs elsewhere already: nothing to start, nothing to stop. */
export const alreadyRunning = <T>(how: string, value: T): Candidate<T> => ({
  how,
  start: async () => ({ value, stop: async () => {} }),
})
