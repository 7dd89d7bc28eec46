// Buckets of old points: how points and smaller buckets are put into one, and which points stay. Pure rules over numbers.
import { floorTo, type Int64 } from '../../platform/wire/int64.ts'
import type { DuePlan } from './schema.ts'

/** A point of a metric as it is stored: NaN is 0 with a mark, infinities are the largest doubles. */
export interface Point {
  timestamp: Int64
  step: Int64
  value: number
  isNan: boolean
}

export interface Bucket {
  kind: DuePlan['kind']
  size: number
  start: Int64
  /** 0 while it is in no table. */
  version: number
  pointCount: number
  nanCount: number
  infiniteCount: number
  /** Of what is neither NaN nor infinite. */
  valueSum: number
  /** By timestamp, step, value, NaN last. */
  first: Point
  last: Point
  /** The earliest of the least and of the greatest ones. */
  min: Point | undefined
  max: Point | undefined
  /** Last by step, timestamp and value. */
  latest: Point | undefined
  nan: Point | undefined
}

type Order = (a: Point, b: Point) => number

const compare = (a: Int64 | boolean, b: Int64 | boolean): number => (a < b ? -1 : a > b ? 1 : 0)

/** The order of histories. */
export const byHistory: Order = (a, b) =>
  compare(a.timestamp, b.timestamp) ||
  compare(a.step, b.step) ||
  compare(a.value, b.value) ||
  compare(a.isNan, b.isNan)

/** The last one is the latest value of a metric. */
const byStep: Order = (a, b) =>
  compare(a.step, b.step) || compare(a.timestamp, b.timestamp) || compare(a.value, b.value)

const leastFirst: Order = (a, b) => compare(a.value, b.value) || byHistory(a, b)
const greatestFirst: Order = (a, b) => compare(b.value, a.value) || byHistory(a, b)

function pick(order: Order, a: Point | undefined, b: Point | undefined): Point | undefined {
  if (!a || !b) return a ?? b
  return order(a, b) <= 0 ? a : b
}
const lastOf = (order: Order, a: Point | undefined, b: Point | undefined): Point | undefined =>
  pick((one, other) => order(other, one), a, b)

/** Sums of the largest values would be none that a database takes. */
const bounded = (sum: number): number => Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, sum))

/** Puts what the second bucket holds into the first one. */
export function takeIn(bucket: Bucket, other: Bucket): void {
  bucket.pointCount += other.pointCount
  bucket.nanCount += other.nanCount
  bucket.infiniteCount += other.infiniteCount
  bucket.valueSum = bounded(bucket.valueSum + other.valueSum)
  if (byHistory(other.first, bucket.first) < 0) bucket.first = other.first
  if (byHistory(other.last, bucket.last) > 0) bucket.last = other.last
  bucket.min = pick(leastFirst, bucket.min, other.min)
  bucket.max = pick(greatestFirst, bucket.max, other.max)
  bucket.latest = lastOf(byStep, bucket.latest, other.latest)
  bucket.nan = lastOf(byStep, bucket.nan, other.nan)
}

type Place = Pick<Bucket, 'kind' | 'size' | 'start'>

function bucketOfOne({ kind, size, start }: Place, point: Point): Bucket {
  const { isNan } = point
  const number = isNan ? undefined : point
  const isInfinite = !isNan && Math.abs(point.value) === Number.MAX_VALUE
  return {
    ...{ kind, size, start, version: 0, pointCount: 1 },
    nanCount: isNan ? 1 : 0,
    infiniteCount: isInfinite ? 1 : 0,
    valueSum: isNan || isInfinite ? 0 : point.value,
    ...{ first: point, last: point, min: number, max: number, latest: number },
    nan: isNan ? point : undefined,
  }
}

/** Points of the bucket that stay, each once. */
export function keptOf({ first, last, min, max, latest, nan }: Bucket): Point[] {
  const kept: Point[] = []
  for (const point of [first, last, min, max, latest, nan])
    if (point && !kept.some((one) => byHistory(one, point) === 0)) kept.push(point)
  return kept
}

const INT64_LEAST = -(2n ** 63n)

/** The start of the bucket that an integer belongs to. */
export function startOf(at: Int64, size: number): Int64 {
  const start = floorTo(at, size)
  return start < INT64_LEAST ? INT64_LEAST : start
}

/** Points by what makes them the same one. */
export function createPointSet(points: Iterable<Point> = []) {
  const byTime = new Map<Int64, Point[]>()
  const add = (point: Point) => {
    const same = byTime.get(point.timestamp)
    if (same) same.push(point)
    else byTime.set(point.timestamp, [point])
  }
  for (const point of points) add(point)
  return {
    add,
    has: (point: Point): boolean =>
      byTime.get(point.timestamp)?.some((one) => byHistory(one, point) === 0) ?? false,
  }
}

/** What becomes of old points of a metric of a run. */
export interface Thinned {
  /** Buckets as they are afterwards, those that are new or have changed. */
  changed: Bucket[]
  /** Buckets that larger ones have taken in. */
  takenIn: Bucket[]
  /** Points that go. */
  going: Point[]
  /** Points that stay, of those that were given and of those that buckets keep. */
  staying: Point[]
}

const idOf = ({ kind, size, start }: Place) => `${kind}:${size}:${start}`

/**
 * Puts old points of a metric of a run that are in no bucket yet into buckets, and smaller buckets into larger ones that they have become old enough for.
 * A point that its bucket keeps is in it; every other one came later, whatever its time, and is added. So the points may be any part of a bucket's.
 * @param known all buckets that hold points of the same times, or into whose places the points belong
 */
export function thinOut(points: readonly Point[], known: readonly Bucket[], plan: DuePlan): Thinned {
  const stored = new Map(known.map((bucket) => [idOf(bucket), bucket]))
  const kept = createPointSet(known.flatMap(keptOf))
  const changed = new Map<string, Bucket>()
  const mayGo: Point[] = []

  /** The bucket of the place as it will be, when there is one. */
  function changing(id: string): Bucket | undefined {
    const before = changed.get(id)
    const bucket = stored.get(id)
    if (before || !bucket) return before
    const next = { ...bucket, version: bucket.version + 1 }
    changed.set(id, next)
    mayGo.push(...keptOf(bucket))
    return next
  }
  function put(one: Bucket): void {
    const id = idOf(one)
    const bucket = changing(id)
    if (bucket) takeIn(bucket, one)
    else changed.set(id, { ...one, version: (outgrownVersions.get(id) ?? 0) + 1 })
  }

  const outgrown = known.flatMap((bucket) => {
    const size = bucket.kind === plan.kind ? sizeAt(plan, bucket.last.timestamp) : undefined
    const fits = size !== undefined && size > bucket.size && size % bucket.size === 0
    return fits ? [{ bucket, size }] : []
  })
  // In the place of one that a larger bucket takes in, younger points of the same steps may make another one.
  const outgrownVersions = new Map(outgrown.map(({ bucket }) => [idOf(bucket), bucket.version]))
  for (const id of outgrownVersions.keys()) stored.delete(id)
  for (const { bucket, size } of outgrown) {
    put({ ...bucket, size, start: startOf(bucket.start, size) })
    mayGo.push(...keptOf(bucket))
  }
  for (const point of points) {
    const size = kept.has(point) ? undefined : sizeAt(plan, point.timestamp)
    if (size === undefined) continue
    const start = startOf(plan.kind === 'time' ? point.timestamp : point.step, size)
    put(bucketOfOne({ kind: plan.kind, size, start }, point))
    mayGo.push(point)
  }

  const keeps = createPointSet([...changed.values()].flatMap(keptOf))
  const going = mayGo.filter((point) => !keeps.has(point))
  const goes = createPointSet(going)
  return {
    changed: [...changed.values()],
    takenIn: outgrown.map(({ bucket }) => bucket).filter((bucket) => !changed.has(idOf(bucket))),
    going,
    staying: [...points, ...known.flatMap(keptOf)].filter((point) => !goes.has(point)),
  }
}

/** The size of buckets for what is as old as the time; undefined for what is young. */
function sizeAt({ rungs }: DuePlan, timestamp: Int64): number | undefined {
  return rungs.findLast(({ untilMs }) => timestamp < untilMs)?.size
}
