// Thins old points of metrics: puts them into buckets, and deletes those that their buckets do not keep.
//
// There is no transaction. What is about to be done to a part is written into a journal first, with the buckets as they will be and the points that go, and is
// cleared when it is done. Whoever finds something in it does the same once more, which changes nothing that was done: so each point is counted once.
import { unavailable } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { isUnderWay, type OwnJournal, takeJournal, writeJournal } from '../../platform/database/journals.ts'
import { monthOf } from '../../platform/wire/ids.ts'
import { type Int64, readInt64 } from '../../platform/wire/int64.ts'
import type { RunFilter } from '../aging.store.ts'
import { findDueMonths, findDueRuns } from '../due.store.ts'
import { metrics } from '../metrics/tables.ts'
import { type Bucket, createPointSet, keptOf, type Point, thinOut } from './buckets.ts'
import { conditionsFor } from './going.ts'
import { partsOf } from './parts.service.ts'
import { bucketToRow, rowToBucket } from './rows.ts'
import type { DuePlan, GoingOf, Part, PlaceOf } from './schema.ts'
import * as store from './store.ts'
import { type MetricBucketRow, metricBuckets, metricDownsampling } from './tables.ts'

/** Points of a part: some 30 MB of memory, and a journal of 2 MB at most. */
const MOST_POINTS = 50_000
/** The same where all else waits for each statement. */
const EXCLUSIVE_MOST_POINTS = 10_000
/** Parts at once, each with a journal: runs lie in different shards, and deletion takes as much processor as it gets. */
const LANES = 2
const journalOf = (lane: number) => `metrics ${lane}`
/** One server at a time has them all. */
const JOURNALS = Array.from({ length: LANES }, (_, lane) => journalOf(lane))

/** What is done to a part, in this order. */
interface Journal {
  month: string
  buckets: MetricBucketRow[]
  going: GoingOf[]
  takenIn: PlaceOf[]
}

export type Downsampling = ReturnType<typeof createDownsampling>

export function createDownsampling({ engine }: { engine: Engine }) {
  const { exclusive } = engine.dialect
  const most = exclusive ? EXCLUSIVE_MOST_POINTS : MOST_POINTS
  const lanes = exclusive ? 1 : LANES

  /**
   * Thins the points of a month's runs that are due. One caller at a time should do so on a database; of two, the one that began first ends with an error.
   * @param ownerId differs for each call, on whichever server
   * @returns after each part how many rows went
   * @throws TEMPORARILY_UNAVAILABLE when somebody else has begun meanwhile, or rows stay
   */
  async function* thin(
    filter: RunFilter,
    { month, plan, ownerId }: { month: string; plan: DuePlan; ownerId: string },
  ): AsyncGenerator<{ rows: number }> {
    yield* finishLeft(ownerId)
    const untilMs = plan.rungs[0]?.untilMs ?? 0
    const runs = await findDueRuns(engine, filter, { plan, month })
    const experimentOf = new Map(runs.map(({ runId, experimentId }) => [runId, experimentId]))
    const parts = Array.from({ length: lanes }, (_, lane) =>
      partsOf(engine, { month, runs: runs.filter((_run, i) => i % lanes === lane), untilMs, most }),
    )
    const gone = { points: 0, buckets: 0 }
    for (let isOver = false; !isOver; ) {
      const settled = await Promise.allSettled(
        parts.map(async (own, lane) => {
          const next = await own.next()
          if (next.done) return undefined
          const journal = await look(next.value, { plan, untilMs, experimentOf })
          if (journal.buckets.length === 0) return 0
          gone.buckets += journal.takenIn.length
          const one = { name: journalOf(lane), ownerId }
          await write(one, JSON.stringify(journal, bigintsAsText))
          return apply(journal, one)
        }),
      )
      const counts = settled.map((one) => (one.status === 'fulfilled' ? one.value : 0))
      isOver = counts.every((count) => count === undefined)
      const rows = counts.reduce((sum: number, count) => sum + (count ?? 0), 0)
      gone.points += rows
      // What one lane did counts when another one fails, too.
      yield { rows }
      for (const one of settled) if (one.status === 'rejected') throw one.reason
    }
    if (gone.points > 0) yield* compact('metrics', { month })
    if (gone.buckets > 0) yield* compact('metric_buckets', { month })
    if (gone.points > 0) yield* compact('metric_downsampling')
  }

  /** Takes the journals, and does what a server that ended had begun. @returns after each how many rows went */
  async function* finishLeft(ownerId: string): AsyncGenerator<{ rows: number }> {
    for (const name of JOURNALS) {
      const own = { name, ownerId }
      const left = await takeJournal(engine, metricDownsampling, own)
      if (left !== null) yield { rows: await apply(JSON.parse(left) as Journal, own) }
    }
  }

  async function* compact(table: string, partition?: { month: string }): AsyncGenerator<{ rows: number }> {
    const waits = engine.dialect.aging?.compact?.(engine, { schema: engine.schema, table }, partition)
    for await (const _wait of waits ?? []) yield { rows: 0 }
  }

  async function write(own: OwnJournal, journal: string | null): Promise<void> {
    if (await writeJournal(engine, metricDownsampling, { own, journal })) return
    throw unavailable('Somebody else thins points of metrics by now. Please retry.')
  }

  /** What is to be done to a part. */
  async function look(
    part: Part,
    { plan, untilMs, experimentOf }: { plan: DuePlan; untilMs: number; experimentOf: Map<string, string> },
  ): Promise<Journal> {
    const { month } = part
    const journal: Journal = { month, buckets: [], going: [], takenIn: [] }
    await engine.refresh(metrics, metricBuckets)
    const points = await store.findPoints(engine, part, untilMs)
    const timestamps = rangeOf(points, ({ timestamp }) => timestamp)
    const steps = rangeOf(points, ({ step }) => step)
    if (!timestamps || !steps) return journal
    const known = await store.findBuckets(engine, part, { plan, timestamps, steps })
    const bucketsOf = groupBy(known, metricOf)
    for (const [id, own] of groupBy(points, metricOf)) {
      const [{ runId, key } = { runId: '', key: '' }] = own
      const thinned = thinOut(own, (bucketsOf.get(id) ?? []).map(rowToBucket), plan)
      const of = { runId, key, month, experimentId: experimentOf.get(runId) ?? '0' }
      journal.buckets.push(...thinned.changed.map((bucket) => bucketToRow(of, bucket)))
      journal.going.push(
        ...conditionsFor(thinned.going, thinned.staying).map((one) => ({ runId, key, ...one })),
      )
      journal.takenIn.push(...placesOf(thinned.takenIn).map((one) => ({ runId, key, ...one })))
    }
    return journal
  }

  async function forgetGone(journal: Journal, own: OwnJournal): Promise<void> {
    const gone = await findGone(journal)
    if (gone.length === 0) return
    // Whoever has taken over may have written newer ones.
    await write(own, JSON.stringify(journal, bigintsAsText))
    await forgetBuckets(journal.month, gone)
  }

  async function forgetBuckets(month: string, gone: readonly MetricBucketRow[]): Promise<void> {
    await engine.refresh(metricBuckets)
    const places = [...groupBy(gone, metricOf).values()].flatMap((own) => {
      const [{ runId, key } = { runId: '', key: '' }] = own
      return placesOf(own.map(rowToBucket)).map((one) => ({ runId, key, ...one }))
    })
    await store.deleteBuckets(engine, month, places)
  }

  /** Buckets of a journal of what was deleted for good since it was written: of any other bucket some points are there. */
  async function findGone({ month, buckets }: Journal): Promise<MetricBucketRow[]> {
    const all = buckets.map((row) => ({ row, kept: keptOf(rowToBucket(row)).map(exact) }))
    const allKept = all.flatMap(({ kept }) => kept)
    const timestamps = rangeOf(allKept, ({ timestamp }) => timestamp)
    const steps = rangeOf(allKept, ({ step }) => step)
    if (!timestamps || !steps) return []
    const runIds = [...new Set(buckets.map(({ runId }) => runId))]
    // Of several runs all keys are meant, of one run maybe some.
    const keys = runIds.length === 1 ? { keys: [...new Set(buckets.map(({ key }) => key))] } : {}
    await engine.refresh(metrics)
    const part = { month, runIds, ...keys, timestamps, steps }
    const points = await store.findPoints(engine, part, Number.MAX_SAFE_INTEGER)
    const there = new Map([...groupBy(points, metricOf)].map(([id, own]) => [id, createPointSet(own)]))
    const isThere = ({ row, kept }: (typeof all)[number]) =>
      kept.some((point) => there.get(metricOf(row))?.has(point))
    return all.filter((one) => !isThere(one)).map(({ row }) => row)
  }

  /** Does what the journal says, and clears it. Repeatable. @returns how many points went, be it now or when it was broken off */
  async function apply(journal: Journal, own: OwnJournal): Promise<number> {
    const { month, buckets, going, takenIn } = journal
    await store.writeBuckets(engine, buckets)
    await store.deletePoints(engine, month, going)
    await store.deleteBuckets(engine, month, takenIn)
    // Who deletes points for good looks for buckets once more afterwards: what was written later than that is found here.
    await forgetGone(journal, own)
    await write(own, null)
    return going.reduce((sum, { count }) => sum + count, 0)
  }

  /**
   * Forgets buckets of runs whose points before the time went, but for those that keep one that stayed; of others it is settled how many are there still.
   * Repeatable.
   */
  async function forget(runIds: string[], untilMs: number): Promise<void> {
    await engine.refresh(metrics, metricBuckets)
    const old = await store.findRunsWithBuckets(engine, runIds, untilMs)
    for (const runId of old) {
      const part = { month: monthOf(runId), runIds: [runId] }
      const stayed = await store.findPoints(engine, part, untilMs)
      await store.deleteOldBuckets(engine, { ...part, runId, untilMs }, stayed)
      await engine.refresh(metricBuckets)
      const left = await store.findOldBuckets(engine, { ...part, runId, untilMs })
      const there = new Map(
        [...groupBy(stayed, ({ key }) => key)].map(([key, own]) => [key, createPointSet(own)]),
      )
      const kept = left.map((row) => {
        const isThere = (point: Point) => point.timestamp >= untilMs || there.get(row.key)?.has(point)
        return { row, keptCount: keptOf(rowToBucket(row)).filter(isThere).length }
      })
      const changed = kept.filter(({ row, keptCount }) => keptCount !== row.keptCount && keptCount > 0)
      await store.writeBuckets(
        engine,
        changed.map(({ row, keptCount }) => ({ ...row, keptCount, version: row.version + 1 })),
      )
      const empty = kept.flatMap(({ row, keptCount }) => (keptCount === 0 ? [row] : []))
      if (empty.length > 0) await forgetBuckets(part.month, empty)
    }
  }

  return {
    forget,
    findDueMonths: (filter: RunFilter, plan: DuePlan) => findDueMonths(engine, filter, plan),
    thin,
    hasLeft: () => isUnderWay(engine, metricDownsampling, JOURNALS),
    finishLeft,
  }
}

const metricOf = ({ runId, key }: { runId: string; key: string }) => `${runId}:${key}`

function groupBy<Of>(all: readonly Of[], idOf: (one: Of) => string): Map<string, Of[]> {
  const groups = new Map<string, Of[]>()
  for (const one of all) {
    const id = idOf(one)
    const group = groups.get(id)
    if (group) group.push(one)
    else groups.set(id, [one])
  }
  return groups
}

function rangeOf(
  points: readonly Point[],
  of: (point: Point) => Int64,
): { from: Int64; to: Int64 } | undefined {
  const [one] = points
  if (!one) return undefined
  let [from, to] = [of(one), of(one)]
  for (const point of points) {
    const at = of(point)
    if (at < from) from = at
    if (at > to) to = at
  }
  return { from, to }
}

/** Starts of buckets by their kind and size. */
function placesOf(buckets: readonly Bucket[]): Omit<PlaceOf, 'runId' | 'key'>[] {
  const places = new Map<string, Omit<PlaceOf, 'runId' | 'key'>>()
  for (const { kind, size, start } of buckets) {
    const id = `${kind}:${size}`
    const place = places.get(id) ?? { kind, size, starts: [] }
    place.starts.push(start)
    places.set(id, place)
  }
  return [...places.values()]
}

/** A point as a journal has it, with integers as texts that are too large for numbers. */
const exact = (point: Point): Point => ({
  ...point,
  timestamp: readInt64(String(point.timestamp)),
  step: readInt64(String(point.step)),
})

const bigintsAsText = (_key: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
