// How points that go are told from all others in a few conditions: pure rules over points of one metric of a run.
import type { Int64 } from '../../platform/wire/int64.ts'
import type { Point } from './buckets.ts'

/** Points with one of the times, one of the steps and, where they are told, one of the values. */
export interface Going {
  isNan: boolean
  timestamps: Int64[]
  steps: Int64[]
  values?: number[]
  /** How many points that are. */
  count: number
}

/**
 * Conditions that hold for all points that go and for none that stays. What is written meanwhile has other times or other steps: nothing goes by a range
 * that somebody may have written into.
 */
export function conditionsFor(going: readonly Point[], staying: readonly Point[]): Going[] {
  return [false, true].flatMap((isNan) =>
    conditionsOf(
      going.filter((point) => point.isNan === isNan),
      staying.filter((point) => point.isNan === isNan),
    ),
  )
}

function conditionsOf(going: readonly Point[], staying: readonly Point[]): Going[] {
  const [one] = going
  if (!one) return []
  const timestamps = new Set(going.map(({ timestamp }) => timestamp))
  const steps = new Set(going.map(({ step }) => step))
  /** Times at which one that stays would be meant, too. */
  const shared = new Set(
    staying
      .filter(({ timestamp, step }) => timestamps.has(timestamp) && steps.has(step))
      .map(({ timestamp }) => timestamp),
  )
  const plain = going.filter(({ timestamp }) => !shared.has(timestamp))
  const { isNan } = one
  const all: Going[] =
    plain.length === 0
      ? []
      : [
          {
            isNan,
            timestamps: [...new Set(plain.map(({ timestamp }) => timestamp))],
            steps: [...new Set(plain.map(({ step }) => step))],
            count: plain.length,
          },
        ]
  const moments = new Map<string, Going & { values: number[] }>()
  for (const { timestamp, step, value } of going) {
    if (!shared.has(timestamp)) continue
    const id = `${timestamp}:${step}`
    const moment = moments.get(id) ?? { isNan, timestamps: [timestamp], steps: [step], values: [], count: 0 }
    moment.values.push(value)
    moment.count++
    moments.set(id, moment)
  }
  return [...all, ...moments.values()]
}
