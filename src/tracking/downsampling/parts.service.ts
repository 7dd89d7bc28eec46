// Cuts the old points of runs into parts that fit the memory: several small runs together, or pieces of one metric of a large one.
import type { Engine } from '../../platform/database/engine.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import type { Part } from './schema.ts'
import { measureKeys } from './store.ts'

interface Measured {
  part: Part
  points: number
  timestamps: Range
  steps: Range
}
interface Range {
  from: Int64
  to: Int64
}

/**
 * Parts of runs of a month, each with as many points as told at most, as far as their times and steps tell them apart. What is written meanwhile may be in
 * none of them: it is there the next time.
 */
export async function* partsOf(
  engine: Engine,
  { month, runs, untilMs, most }: { month: string; runs: readonly Run[]; untilMs: number; most: number },
): AsyncGenerator<Part> {
  for (const group of groupsOf(runs, most)) {
    const [run] = group
    const runIds = group.map(({ runId }) => runId)
    if (group.length > 1 || !run || run.points <= most) {
      yield { month, runIds }
      continue
    }
    const keys = await measureKeys(engine, { month, runIds }, untilMs)
    for (const some of groupsOf(keys, most)) {
      const part = { month, runIds, keys: some.map(({ key }) => key) }
      const [one] = some
      if (some.length > 1 || !one || one.points <= most) yield part
      else yield* halvesOf(engine, { part, ...one }, { untilMs, most })
    }
  }
}

interface Run {
  runId: string
  points: number
}

/** Neighbours together, as long as they have few points. */
export function* groupsOf<Of extends { points: number }>(all: readonly Of[], most: number): Generator<Of[]> {
  let group: Of[] = []
  let points = 0
  for (const one of all) {
    if (group.length > 0 && points + one.points > most) {
      yield group
      group = []
      points = 0
    }
    group.push(one)
    points += one.points
  }
  if (group.length > 0) yield group
}

/** Halves times, and the steps of a single time, until there are few points. */
async function* halvesOf(
  engine: Engine,
  { part, points, timestamps, steps }: Measured,
  bounds: { untilMs: number; most: number },
): AsyncGenerator<Part> {
  const halves =
    points <= bounds.most
      ? undefined
      : (halve(timestamps)?.map((half) => ({ ...part, timestamps: half })) ??
        halve(steps)?.map((half) => ({ ...part, timestamps, steps: half })))
  if (!halves) {
    yield { ...part, timestamps, ...(part.steps && { steps }) }
    return
  }
  for (const half of halves) {
    const [measured] = await measureKeys(engine, half, bounds.untilMs)
    if (measured) yield* halvesOf(engine, { part: half, ...measured }, bounds)
  }
}

/** Undefined when there is nothing to halve. */
function halve({ from, to }: Range): [Range, Range] | undefined {
  if (from >= to) return undefined
  const middle = (BigInt(from) + BigInt(to)) >> 1n
  return [
    { from, to: middle },
    { from: middle + 1n, to },
  ]
}
