// Bounds what one answer holds, however its query multiplies it.
import { invalidParameter } from '../../errors.ts'

/** Values in one answer: about a second of work. The charts of the web UI ask for a fifth of it at most. */
const MAX_VALUES = 1_000_000

export interface Budget {
  /** Counts values before they are read or written. @throws INVALID_PARAMETER_VALUE when they are too many */
  spend(values: number): void
  /** Whether there were too many already. */
  readonly isSpent: boolean
}

export function createBudget(): Budget {
  let left = MAX_VALUES
  return {
    spend(values) {
      left -= values
      if (left >= 0) return
      throw invalidParameter(
        `The answer would hold more than ${MAX_VALUES} values. Please ask for fewer results or fields.`,
      )
    },
    get isSpent() {
      return left < 0
    },
  }
}
