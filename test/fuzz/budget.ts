// How many cases a generator sends, and for how long: few in a test run, many by `npm run fuzz`.
import { appendFileSync } from 'node:fs'

/** Minutes of the whole long run; undefined in a test run. */
const MINUTES = process.env.FUZZ_MINUTES ? Number(process.env.FUZZ_MINUTES) : undefined
export const isLong = MINUTES !== undefined
/** Cases of the whole long run. */
const CASES = Number(process.env.FUZZ_CASES ?? 100_000)

export interface Budget {
  /** Cases at most. */
  numRuns: number
  /** Absent in a test run, where the number is what ends it. */
  interruptAfterTimeLimit?: number
  endOnFailure: true
}

/**
 * @param few cases in a test run
 * @param share of a long run's cases and of its minutes
 */
export const budget = (few: number, share: { cases: number; minutes: number }): Budget => ({
  numRuns: MINUTES === undefined ? few : Math.ceil(CASES * share.cases),
  ...(MINUTES !== undefined && { interruptAfterTimeLimit: MINUTES * 60_000 * share.minutes }),
  endOnFailure: true,
})

/** Milliseconds that a test with the budget may take. */
export const timeoutOf = ({ numRuns, interruptAfterTimeLimit }: Budget): number =>
  Math.max(120_000, interruptAfterTimeLimit ? interruptAfterTimeLimit + 60_000 : numRuns * 100)

/** Seconds for a generator that counts by itself. */
export const secondsOf = (few: number, share: number): number =>
  MINUTES === undefined ? few : Math.ceil(MINUTES * 60 * share)

/** Tells a long run how many cases there were. */
export function tellCases(engine: string, generator: string, cases: number): void {
  const file = process.env.FUZZ_COUNTS
  if (file) appendFileSync(file, `${JSON.stringify({ engine, generator, cases })}\n`)
}
