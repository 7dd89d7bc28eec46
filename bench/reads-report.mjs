// The table of a size of store, and what stands out in it.
import { table } from './report.mjs'

/** Answers above this are felt as a wait. */
const SLOW_MS = 400
const PEERS = ['stock-sqlite', 'stock-postgres', 'fasttrackml']

const isOurs = (name) => !PEERS.includes(name) && name !== 'peer'
const ms = (number) => number.toFixed(number < 10 ? 1 : 0)
const isMeasured = (figure) => figure?.p95 !== undefined && !figure.wrong

function cell(figure, stock) {
  if (figure.lacks) return '—'
  if (figure.failed) return 'failed'
  const ratio = isMeasured(stock) && figure !== stock ? ` (${(stock.p95 / figure.p95).toFixed(1)}×)` : ''
  return `${ms(figure.p50)} / ${ms(figure.p95)}${ratio}${figure.wrong ? ' wrong' : ''}`
}

/** p50 / p95 in milliseconds, and in brackets stock's p95 over that of the contender. */
export const readsTable = (rows, titles) =>
  table(
    ['p50 / p95 (ms)', ...Object.values(titles)],
    Object.entries(rows).map(([title, figures]) => [
      title,
      ...Object.keys(titles).map((name) => cell(figures[name], figures['stock-sqlite'])),
    ]),
  )

/** What is worst, what is slower than the others, what is slow, and what is wrong. */
export function summaryLines(rows, titles, fills) {
  const entries = Object.entries(rows)
  const lines = Object.entries(fills).map(
    ([name, { seconds, failed }]) => `- ${name}: ${failed ?? `filled in ${seconds} s`}`,
  )
  for (const name of Object.keys(titles)) {
    const taken = entries.filter(([, figures]) => isMeasured(figures[name]))
    const [worst] = taken.sort(([, a], [, b]) => b[name].p95 - a[name].p95)
    if (worst) lines.push(`- ${name}: worst p95 ${ms(worst[1][name].p95)} ms, ${worst[0]}`)
    const slow = taken.filter(([, figures]) => figures[name].p95 > SLOW_MS)
    lines.push(`- ${name}: ${slow.length} of ${taken.length} rows above ${SLOW_MS} ms`)
    if (!isOurs(name)) continue
    for (const [title, figures] of slow) lines.push(`  - ${title} (p95 ${ms(figures[name].p95)})`)
    for (const [title, figures] of taken) lines.push(...slower(title, name, figures))
  }
  for (const [title, figures] of entries) {
    for (const [name, { wrong, failed }] of Object.entries(figures))
      if (wrong || failed)
        lines.push(`- ${name}: ${wrong ? 'wrong' : 'failed'}: ${title}: ${wrong ?? failed}`)
  }
  return lines.join('\n')
}

const slower = (title, name, figures) =>
  PEERS.filter((peer) => isMeasured(figures[peer]) && figures[name].p95 > figures[peer].p95).map(
    (peer) =>
      `- ${name}: slower than ${peer}: ${title} ` +
      ['p95', 'p50', 'cpuMs']
        .map((what) => `${what} ${ms(figures[name][what])} to ${ms(figures[peer][what])}`)
        .join(', '),
  )
