// The ladder of a policy that thins what is old: which size buckets have, and from which age on. It knows nothing of what lies in buckets.
import { invalidParameter } from '../../errors.ts'
import { cutoffOf, parseDuration } from '../../platform/wire/durations.ts'

/** By which a point belongs to a bucket: its time in milliseconds, or its step. */
export type BucketKind = 'time' | 'steps'

export interface Rung {
  /** Milliseconds, or steps. */
  size: number
  /** As it was given, such as 30d. */
  age: string
  ageMs: number
}

export interface Ladder {
  kind: BucketKind
  /** From the smallest and youngest to the largest and oldest. */
  rungs: Rung[]
}

/** A rung at a certain time: what lies before `untilMs` and before no later rung's has buckets of the size. */
export interface DueRung {
  size: number
  untilMs: number
}

const MAX_RUNGS = 10
const MAX_TEXT = 500
const STEPS = /^(\d{1,15})\s*steps?$/
const EXAMPLES = '1m:30d,1h:210d or 100steps:30d,1000steps:1y'

const wrong = (text: string) => invalidParameter(`Invalid value for parameter 'ladder': ${text}`)

/**
 * Reads `1m:30d,1h:210d`, or `100steps:30d,1000steps:1y`: what is older than 30 days has buckets of a minute, or of 100 steps. Sizes and ages grow, and each
 * size is a multiple of the one before, so that larger buckets are made of smaller ones.
 * @throws INVALID_PARAMETER_VALUE
 */
export function parseLadder(text: string): Ladder {
  if (text.length > MAX_TEXT) throw wrong(`use ${MAX_TEXT} characters at most.`)
  const parts = text.split(',').map((part) => part.trim())
  if (parts.length > MAX_RUNGS) throw wrong(`use ${MAX_RUNGS} steps at most.`)
  const read = parts.map(readRung)
  const kinds = new Set(read.map(({ kind }) => kind))
  if (kinds.size > 1) throw wrong('its buckets have either times or steps for sizes, not both.')
  const rungs = read.map(({ rung }) => rung)
  for (const [i, rung] of rungs.entries()) {
    const before = rungs[i - 1]
    if (!before) continue
    if (rung.ageMs <= before.ageMs)
      throw wrong(`its ages must grow, and ${rung.age} is not more than ${before.age}.`)
    if (rung.size <= before.size || rung.size % before.size !== 0)
      throw wrong(`each size must be a multiple of the one before, and that of ${parts[i]} is none.`)
  }
  return { kind: kinds.has('steps') ? 'steps' : 'time', rungs }
}

function readRung(part: string): { kind: BucketKind; rung: Rung } {
  const [size, age, ...more] = part.split(':').map((half) => half.trim())
  if (!size || !age || more.length > 0) throw wrong(`each step is size:age, such as ${EXAMPLES}.`)
  const ageMs = parseDuration(age, 'ladder')
  const [, steps] = STEPS.exec(size) ?? []
  if (steps === undefined) return { kind: 'time', rung: { size: parseDuration(size, 'ladder'), age, ageMs } }
  if (Number(steps) < 1) throw wrong('a bucket has one step at least.')
  return { kind: 'steps', rung: { size: Number(steps), age, ageMs } }
}

/**
 * The rungs at a time, given where the first one ends: as `cutoffOf` tells it of the first age. Buckets of time are taken when they are over as a whole.
 */
export function rungsAt({ kind, rungs }: Ladder, firstUntilMs: number): DueRung[] {
  const nowMs = firstUntilMs + (rungs[0]?.ageMs ?? 0)
  return rungs.map(({ size, ageMs }) => {
    const untilMs = cutoffOf(ageMs, nowMs)
    return { size, untilMs: kind === 'time' ? Math.floor(untilMs / size) * size : untilMs }
  })
}

const UNITS: [string, number][] = [
  ['d', 24 * 3600_000],
  ['h', 3600_000],
  ['m', 60_000],
  ['s', 1000],
]

/** A size of buckets of time, such as 1h. */
export const spellMs = (ms: number): string => {
  const [unit, length] = UNITS.find(([, length]) => ms % length === 0) ?? ['ms', 1]
  return `${ms / length}${unit}`
}
