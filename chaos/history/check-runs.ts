// Rules of runs: they exist once, metrics keep every point, the latest is the latest, params never change.
import type { Effect, Point } from './events.ts'
import { groupBy } from './group-by.ts'
import { countBefore } from './registers.ts'
import { type Report, when } from './report.ts'
import { checkSet, joined } from './sets.ts'
import type { Index, Interval, WriteOf } from './sorted.ts'

export function checkRuns(report: Report, index: Index): void {
  checkExistence(report, index)
  checkHistories(report, index)
  checkLatest(report, index)
  checkParams(report, index)
  checkConflicts(report, index)
}

/** Runs are recognised by the tag that their creation brought, so those that nobody acknowledged are known too. */
function checkExistence(report: Report, index: Index): void {
  const byExperiment = groupBy(index.writes('run'), (write) => write.experimentId)
  for (const [experimentId, writes] of byExperiment) {
    const reads = index.reads('runs').filter((read) => read.experimentId === experimentId)
    const markOf = new Map(writes.map((write) => [write.id, write.mark]))
    checkSet(
      report,
      `experiment ${experimentId} run`,
      new Map(writes.map((write) => [write.mark, write.effect])),
      reads.map(({ runs, ...read }) => ({
        ...read,
        members: runs.flatMap(({ id, mark }) => markOf.get(id) ?? mark ?? []),
      })),
    )
  }
  for (const view of index.runViews) {
    if (view.mark === undefined) report.violate('partial', `run ${view.id}: without its tags ${when(view)}`)
  }
  const created = new Map(index.writes('run').map((write) => [write.id, write]))
  for (const read of index.reads('run')) {
    const write = created.get(read.id)
    if (!read.run && write && write.effect.until < read.invoked) {
      report.lost(`run ${read.id}`, `not found ${when(read)}`)
    }
  }
}

const pointId = ({ step, timestamp, value }: Point) => `step ${step} timestamp ${timestamp} value ${value}`
const seriesOf = ({ runId, key }: { runId: string; key: string }) => `run ${runId} metric ${key}`

function checkHistories(report: Report, index: Index): void {
  const reads = groupBy(index.reads('history'), seriesOf)
  for (const [series, writes] of groupBy(index.writes('point'), seriesOf)) {
    checkSet(
      report,
      series,
      effectsBy(writes, (write) => pointId(write.point)),
      (reads.get(series) ?? []).map(({ points, ...read }) => ({ ...read, members: points.map(pointId) })),
    )
  }
}

function effectsBy<Of extends WriteOf<'point' | 'param'>>(
  writes: Of[],
  memberOf: (write: Of) => string,
): Map<string, Effect> {
  const groups = groupBy(writes, memberOf)
  return new Map([...groups].map(([member, same]) => [member, joined(same.map(({ effect }) => effect))]))
}

/** Positive when `a` is later: by step, then timestamp, then value. */
export const comparePoints = (a: Point, b: Point): number =>
  a.step - b.step || a.timestamp - b.timestamp || a.value - b.value

type LatestRead = Interval & { point: Point | undefined }

/** The latest point is one that somebody wrote, and no acknowledged one is later. */
function checkLatest(report: Report, index: Index): void {
  const viewsOf = groupBy(index.runViews, (view) => view.id)
  for (const [series, writes] of groupBy(index.writes('point'), seriesOf)) {
    const { runId, key } = writes[0] as WriteOf<'point'>
    const reads = (viewsOf.get(runId) ?? []).map(
      ({ latest, invoked, returned }): LatestRead => ({
        invoked,
        returned,
        point: latest.find(([name]) => name === key)?.[1],
      }),
    )
    checkLatestOf(report, `${series} latest`, writes, reads)
  }
}

function checkLatestOf(report: Report, name: string, writes: WriteOf<'point'>[], reads: LatestRead[]): void {
  const effects = effectsBy(writes, (write) => pointId(write.point))
  const maximum = runningMaximum(
    writes
      .filter(({ effect }) => Number.isFinite(effect.until))
      .map(({ point, effect }) => ({ point, at: effect.until })),
  )
  const shown = runningMaximum(
    reads.flatMap(({ point, returned }) => (point ? [{ point, at: returned }] : [])),
  )
  for (const read of reads) {
    const due = maximum(read.invoked)
    const before = shown(read.invoked)
    if (!read.point) {
      if (due) report.lost(name, `no point ${when(read)}`)
      else if (before) report.withdrawn(`${name} ${pointId(before)}`)
      continue
    }
    const write = effects.get(pointId(read.point))
    if (!write || write.from > read.returned) {
      report.violate('phantom', `${name}: ${pointId(read.point)} ${when(read)}`)
    }
    if (due && comparePoints(read.point, due) < 0) {
      const isLast = !reads.some((later) => later.invoked > read.returned)
      report.stale(
        name,
        `${pointId(read.point)} ${when(read)}, after ${pointId(due)} was acknowledged`,
        isLast,
      )
    } else if (before && comparePoints(read.point, before) < 0) {
      report.withdrawn(`${name} ${pointId(before)}`)
    }
  }
}

/** Answers for a time the latest point among those whose time is before it. */
function runningMaximum(points: { point: Point; at: number }[]): (time: number) => Point | undefined {
  const inOrder = points.sort((a, b) => a.at - b.at)
  const maxima: Point[] = []
  for (const { point } of inOrder) {
    const before = maxima.at(-1)
    maxima.push(before && comparePoints(before, point) > 0 ? before : point)
  }
  return (time) => maxima[countBefore(inOrder.length, (i) => (inOrder[i]?.at ?? 0) < time) - 1]
}

/** A param is there from its first acknowledgement on, with one value for ever. */
function checkParams(report: Report, index: Index): void {
  const viewsOf = groupBy(index.runViews, (view) => view.id)
  for (const [runId, writes] of groupBy(index.writes('param'), (write) => write.runId)) {
    const views = viewsOf.get(runId) ?? []
    checkSet(
      report,
      `run ${runId} param`,
      effectsBy(writes, (write) => write.key),
      views.map(({ params, invoked, returned }) => ({
        invoked,
        returned,
        members: params.map(([key]) => key),
      })),
    )
    const shown = groupBy(
      views.flatMap((view) => view.params),
      ([key]) => key,
    )
    for (const [key, ofKey] of groupBy(writes, (write) => write.key)) {
      const values = new Set((shown.get(key) ?? []).map(([, value]) => value))
      const acknowledged = ofKey.filter(({ effect }) => Number.isFinite(effect.until))
      for (const value of values) {
        if (!ofKey.some((write) => write.value === value)) {
          report.violate('phantom', `run ${runId} param ${key}: nobody wrote '${value}'`)
        }
      }
      for (const { value } of acknowledged) values.add(value)
      if (values.size > 1) {
        report.violate(
          'changed',
          `run ${runId} param ${key}: ${[...values].map((value) => `'${value}'`).join(', ')}`,
        )
      }
    }
  }
}

/** Whoever was refused a param met another value that somebody had begun to write. */
function checkConflicts(report: Report, index: Index): void {
  const writes = groupBy(index.writes('param'), ({ runId, key }) => `${runId} ${key}`)
  for (const read of index.reads('conflict')) {
    const explained = read.params.some(([key, value]) =>
      (writes.get(`${read.runId} ${key}`) ?? []).some(
        (other) => other.value !== value && other.effect.from < read.returned,
      ),
    )
    if (!explained)
      report.violate('unexplained', `run ${read.runId}: params refused ${when(read)} that nobody else wrote`)
  }
}
