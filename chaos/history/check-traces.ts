// Rules of traces: a span that was acknowledged is there once, and the row of its trace tells what its spans tell.
import { groupBy } from './group-by.ts'
import { type Report, when } from './report.ts'
import { checkSet, joined } from './sets.ts'
import type { Index, ReadOf, WriteOf } from './sorted.ts'
import { infoOf } from './spans.ts'

export function checkTraces(report: Report, index: Index): void {
  const reads = groupBy(index.reads('trace'), ({ traceId }) => traceId)
  for (const [traceId, writes] of groupBy(index.writes('span'), (write) => write.traceId)) {
    const own = reads.get(traceId) ?? []
    const bySpan = groupBy(writes, ({ span }) => span.id)
    const effects = new Map(
      [...bySpan].map(([id, same]) => [id, joined(same.map(({ effect }) => effect))] as const),
    )
    checkSet(
      report,
      `trace ${traceId} span`,
      effects,
      own.map(({ spans, ...read }) => ({ ...read, members: spans })),
    )
    for (const read of own) checkInfo(report, writes, read)
  }
}

/** While an export is under way, or was never answered, the row may be ahead of its spans or behind them. */
function checkInfo(report: Report, writes: readonly WriteOf<'span'>[], read: ReadOf<'trace'>): void {
  const bySpan = groupBy(writes, ({ span }) => span.id)
  const known = [...bySpan.values()].flatMap((same) => {
    const begun = same.filter(({ effect }) => effect.from < read.returned)
    if (begun.length === 0) return []
    const { from, until } = joined(begun.map(({ effect }) => effect))
    const last = Math.max(...begun.map(({ returned }) => returned))
    return [
      {
        span: same[0]?.span as WriteOf<'span'>['span'],
        from,
        isThere: until < read.invoked && last < read.invoked,
      },
    ]
  })
  if (known.length === 0 || known.some(({ isThere }) => !isThere)) return
  const expected = infoOf(known.map(({ span }) => span))
  report.acknowledged(`trace ${read.traceId} ${expected}`)
  if (read.info !== expected) {
    report.stale(`trace ${read.traceId}`, `${read.info} ${when(read)}, its spans tell ${expected}`, true)
  }
}
