// A sample curve, and what a ladder leaves of it: the picture that an editor of ladders shows. Pure.
import type { Ladder } from '../../../src/lifecycle/downsampling/ladder.schema.ts'

export interface Sample {
  /** Milliseconds, or steps, between points. */
  interval: number
  /** The same over all of the curve. */
  span: number
  raw: Point[]
  /** What stays on each rung, from the smallest buckets to the largest. */
  rungs: { points: Point[]; error: Deviation }[]
}

/** How far a line through points that stay is from all points, as parts of the range of their values. */
export interface Deviation {
  mean: number
  most: number
}

export type Point = readonly [x: number, y: number]

/** Buckets of the largest size in the picture. */
const BUCKETS = 6
/** Points in a bucket of the smallest size, while the picture holds as many. */
const POINTS_IN_BUCKET = 12
const MOST_POINTS = 60_000

const SECOND = 1000
const NICE_MS = [1, 10, 100, 250, 500].concat(
  [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600].map((seconds) => seconds * SECOND),
)

export function sampleOf({ kind, rungs }: Ladder): Sample {
  const largest = rungs.at(-1)?.size ?? 1
  const span = largest * BUCKETS
  const wanted = Math.max((rungs[0]?.size ?? 1) / POINTS_IN_BUCKET, span / MOST_POINTS)
  const interval =
    kind === 'steps' ? Math.max(1, niceOf(wanted)) : (NICE_MS.find((nice) => nice >= wanted) ?? wanted)
  const raw = curve(Math.max(2, Math.floor(span / interval)), interval)
  return {
    interval,
    span,
    raw,
    rungs: rungs.map(({ size }) => {
      const points = survivors(raw, size)
      return { points, error: deviationOf(raw, points) }
    }),
  }
}

/** 1, 2 or 5 times a power of ten, not less than the value. */
function niceOf(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map((digit) => digit * power).find((nice) => nice >= value * 0.999) ?? value
}

/** A loss that falls, with noise, and a spike here and there. The same each time. */
function curve(count: number, interval: number): Point[] {
  let seed = 7
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const spikes = new Set([0.23, 0.52, 0.81].map((part) => Math.floor(part * count)))
  return Array.from({ length: count }, (_, i) => {
    const t = i / count
    const noise = (random() + random() + random() - 1.5) * 0.07
    const spike = spikes.has(i) ? 0.45 : 0
    return [i * interval, 0.16 + 0.72 * Math.exp(-3.2 * t) + 0.05 * Math.sin(t * 21) + noise + spike] as const
  })
}

/** The first, the last, the lowest and the highest point of each bucket. */
export function survivors(points: readonly Point[], size: number): Point[] {
  const kept: Point[] = []
  for (let begin = 0; begin < points.length; ) {
    const bucket = Math.floor((points[begin]?.[0] ?? 0) / size)
    let end = begin
    let [low, high] = [begin, begin]
    for (; end < points.length && Math.floor((points[end]?.[0] ?? 0) / size) === bucket; end++) {
      if (valueAt(points, end) < valueAt(points, low)) low = end
      if (valueAt(points, end) > valueAt(points, high)) high = end
    }
    const chosen = [...new Set([begin, low, high, end - 1])].sort((a, b) => a - b)
    for (const i of chosen) kept.push(points[i] ?? [0, 0])
    begin = end
  }
  return kept
}

const valueAt = (points: readonly Point[], i: number) => points[i]?.[1] ?? 0

export function deviationOf(raw: readonly Point[], kept: readonly Point[]): Deviation {
  const values = raw.map(([, y]) => y)
  const range = Math.max(...values) - Math.min(...values)
  let after = 0
  let [sum, most] = [0, 0]
  for (const [x, y] of raw) {
    while ((kept[after]?.[0] ?? Number.POSITIVE_INFINITY) < x) after++
    const [b, a] = [kept[after], kept[Math.max(after - 1, 0)]]
    if (!a || !b) continue
    const between = b[0] === a[0] ? b[1] : a[1] + ((b[1] - a[1]) * (x - a[0])) / (b[0] - a[0])
    sum += Math.abs(between - y)
    most = Math.max(most, Math.abs(between - y))
  }
  return range > 0 ? { mean: sum / raw.length / range, most: most / range } : { mean: 0, most: 0 }
}
