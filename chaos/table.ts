// Results as a Markdown table.
import type { Result } from './run-fault.ts'

const seconds = (milliseconds: number | undefined) =>
  milliseconds === undefined ? 'never' : (milliseconds / 1000).toFixed(1)

const COLUMNS: [string, (result: Result) => string | number][] = [
  ['fault', ({ fault }) => fault],
  ['longest gap (s)', ({ longestGapMs }) => seconds(longestGapMs)],
  ['errors for (s)', ({ errorsMs }) => seconds(errorsMs)],
  ['well after mending (s)', ({ recoveredMs }) => seconds(recoveredMs)],
  ['writes acknowledged', ({ acknowledged }) => acknowledged],
  ['found', ({ acknowledged, lost }) => acknowledged - lost],
  ['lost', ({ lost }) => lost],
  ['duplicated', ({ duplicated }) => duplicated],
  ['withdrawn', ({ withdrawn }) => withdrawn],
  ['200', ({ answers }) => answers.ok],
  ['refused', ({ answers }) => answers.refused],
  ['429', ({ answers }) => answers.tooMany],
  ['503', ({ answers }) => answers.unavailable],
  ['cut off', ({ answers }) => answers.none],
  ['other', ({ answers }) => answers.other],
  ['violations', ({ violations }) => violations.length],
]

export function formatTable(results: readonly Result[]): string {
  const line = (cells: (string | number)[]) => `| ${cells.join(' | ')} |`
  return [
    line(COLUMNS.map(([title]) => title)),
    line(COLUMNS.map(() => '---')),
    ...results.map((result) => line(COLUMNS.map(([, cell]) => cell(result)))),
  ].join('\n')
}
