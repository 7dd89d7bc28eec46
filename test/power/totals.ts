// How many cuts of each kind there were, for the long run.
import { appendFileSync } from 'node:fs'
import type { Outcome } from './power-cuts.ts'

/** One line of JSON for each kind of cut and each fate, to the file POWER_COUNTS. */
export function tellTotals(outcomes: readonly Outcome[]): void {
  const file = process.env.POWER_COUNTS
  if (!file) return
  for (const by of ['kind', 'fate'] as const) {
    for (const name of new Set(outcomes.map((outcome) => outcome[by]))) {
      const these = outcomes.filter((outcome) => outcome[by] === name)
      const sum = (what: 'kept' | 'dropped' | 'torn') =>
        these.reduce((total, { lost }) => total + lost[what], 0)
      const faulty = these.filter(({ faults }) => faults.length > 0).length
      const line = {
        by,
        name,
        cuts: these.length,
        faulty,
        kept: sum('kept'),
        dropped: sum('dropped'),
        torn: sum('torn'),
      }
      appendFileSync(file, `${JSON.stringify(line)}\n`)
    }
  }
}
