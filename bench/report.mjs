// Tables of results in Markdown.
import { median } from './measure.mjs'

export const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

const figure = (number) =>
  number === undefined || Number.isNaN(number) ? '' : number.toFixed(number < 100 ? 1 : 0)

/** @param idles `{ title, firstStartMs, startMs, memoryMiB, cpuPercent }` of each server */
export const idleTable = (idles) =>
  table(
    [
      ...['server', 'first start to /health (s)', 'second start (s)'],
      ...['idle memory (MiB)', 'idle CPU (% of a core)'],
    ],
    idles.map((idle) => [
      idle.title,
      (idle.firstStartMs / 1000).toFixed(1),
      (idle.startMs / 1000).toFixed(1),
      String(idle.memoryMiB),
      idle.cpuPercent.toFixed(1),
    ]),
  )

/**
 * Medians over the rounds of one work, for each server, with ratios of rates.
 * @param results server name → measurements of the rounds, or an Error
 * @param rows how many rows a request counts for in the rate
 */
export function summarize(results, rows = 1) {
  const summary = {}
  for (const [name, rounds] of results) {
    if (rounds instanceof Error) {
      summary[name] = { error: rounds.message }
      continue
    }
    const of = (what) => median(rounds.map((round) => round[what]))
    const wrong = rounds.find((round) => round.wrong)?.wrong
    summary[name] = { perSecond: of('perSecond') * rows, p50: of('p50'), p99: of('p99'), wrong }
  }
  for (const one of Object.values(summary)) {
    one.timesStock = ratio(one, summary['stock-sqlite'])
    one.timesFastTrackML = ratio(one, summary.fasttrackml)
    one.timesPeer = ratio(one, summary.peer)
  }
  return summary
}

const ratio = (one, other) =>
  one.perSecond && other?.perSecond ? one.perSecond / other.perSecond : undefined

export const WORK_HEAD = [
  'work',
  'server',
  'per second',
  'p50 (ms)',
  'p99 (ms)',
  '× stock SQLite',
  '× FastTrackML',
  '× peer',
  'read back',
]

/** Rows of one work, to be printed below `WORK_HEAD`. */
export function workRows(title, summary, titles) {
  return Object.entries(summary).map(([name, one]) => {
    const figures = [
      ...[one.perSecond, one.p50, one.p99],
      ...[one.timesStock, one.timesFastTrackML, one.timesPeer],
    ].map(figure)
    const problem = one.error ? `failed: ${one.error.split('\n')[0].slice(0, 120)}` : one.wrong
    const cells = [...figures, problem ?? 'equal']
    return `| ${[title, titles[name], ...cells].join(' | ')} |`
  })
}

export const workHead = () => table(WORK_HEAD, [])
