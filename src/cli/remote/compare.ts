// `crateflow runs compare`: runs side by side, what differs marked.

import type { Run } from '../../tracking/runs/schema.ts'
import { print } from '../print.ts'
import { type Cell, type Column, layOut, lineOf } from '../table.ts'
import type { Style } from '../terminal.ts'
import type { Asked } from './asked.ts'
import { cellOf, csvLine, exactly, jsonText, type Kind, type Value } from './fields.ts'
import { findRun } from './names.ts'
import { durationOf, userOf } from './runs.ts'

/** Something that runs may have, with the value of each. */
interface Line {
  /** Group of lines, such as `params`. */
  group: string
  label: string
  kind: Kind | undefined
  values: Value[]
  differs: boolean
}

/** Narrower, a value tells nothing. */
const LEAST_WIDTH = 14
const LABEL_WIDTH = 20

/** @param onlyDifferent leave out what is the same in all runs */
export async function compareRuns(
  asked: Asked,
  names: readonly string[],
  onlyDifferent: boolean,
): Promise<void> {
  const runs = await Promise.all(names.map((name) => findRun(asked, name, 'all')))
  if (asked.format === 'json') return print(jsonText({ runs }))
  const lines = linesOf(runs).filter(({ differs }) => differs || !onlyDifferent)
  if (asked.format === 'csv') return printCsv(asked, runs, lines)
  // Runs that do not fit side by side come in further tables.
  const { width } = asked.terminal
  const room = width === undefined ? runs.length : Math.floor((width - LABEL_WIDTH - 4) / (LEAST_WIDTH + 2))
  const perTable = Math.max(2, room)
  for (let first = 0; first < runs.length; first += perTable) {
    if (first > 0) print('')
    printTable(asked, lines, { runs: runs.slice(first, first + perTable), first })
  }
}

function linesOf(runs: readonly Run[]): Line[] {
  const line = (group: string, label: string, read: (run: Run) => Value, kind?: Kind): Line => {
    const values = runs.map(read)
    return { group, label, kind, values, differs: new Set(values).size > 1 }
  }
  type Pairs = (run: Run) => readonly { key: string; value: Value }[] | undefined
  const keyed = (group: string, pairsOf: Pairs, kind?: Kind) => {
    const maps = new Map(
      runs.map((run) => [run, new Map(pairsOf(run)?.map(({ key, value }) => [key, value]))]),
    )
    const keys = new Set([...maps.values()].flatMap((map) => [...map.keys()]))
    return [...keys].sort().map((key) => line(group, key, (run) => maps.get(run)?.get(key), kind))
  }
  return [
    line('run', 'run_id', ({ info }) => info.run_id),
    line('run', 'experiment_id', ({ info }) => info.experiment_id),
    line('run', 'status', ({ info }) => info.status, 'state'),
    line('run', 'started', ({ info }) => info.start_time, 'time'),
    line('run', 'duration', durationOf, 'duration'),
    line('run', 'user', userOf),
    ...keyed('params', ({ data }) => data.params),
    ...keyed('metrics', ({ data }) => data.metrics, 'number'),
    ...keyed('tags', ({ data }) => data.tags?.filter(({ key }) => !SHOWN_ABOVE.includes(key))),
  ]
}

const SHOWN_ABOVE = ['mlflow.runName', 'mlflow.user']

function printCsv({ terminal }: Asked, runs: readonly Run[], lines: readonly Line[]): void {
  process.stdout.write(csvLine(['group', 'key', 'differs', ...runs.map(({ info }) => info.run_id)], terminal))
  for (const { group, label, kind, values, differs } of lines) {
    const told = values.map((value) => exactly(value, kind))
    process.stdout.write(csvLine([group, label, String(differs), ...told], terminal))
  }
}

function printTable(
  asked: Asked,
  lines: readonly Line[],
  { runs, first }: { runs: readonly Run[]; first: number },
): void {
  const { terminal } = asked
  const columns: Column[] = [
    { title: '' },
    { title: '', least: LABEL_WIDTH },
    ...runs.map(() => ({ title: '', least: LEAST_WIDTH })),
  ]
  const bold = (text: string): Cell => ({ text, style: 'bold' })
  const titles = runs.map(({ info }) => bold(cellOf(info.run_name, 'text', asked).text))
  const rows: Cell[][] = [[{ text: ' ' }, bold('RUN'), ...titles]]
  let group = 'run'
  for (const line of lines) {
    if (line.group !== group) rows.push([], [{ text: ' ' }, bold(line.group.toUpperCase())])
    group = line.group
    rows.push([
      { text: line.differs ? '*' : ' ', style: 'yellow' },
      { text: line.label },
      ...line.values.slice(first, first + runs.length).map((value) => {
        const cell = cellOf(value, line.kind, asked)
        const style: Style | undefined = line.differs ? 'yellow' : cell.style
        return { text: cell.text, style }
      }),
    ])
  }
  const layout = layOut(columns, rows, terminal.width)
  for (const row of rows) print(lineOf(row, { columns, layout, terminal }))
  if (first === 0 && lines.some(({ differs }) => differs)) process.stderr.write('* differs\n')
}
