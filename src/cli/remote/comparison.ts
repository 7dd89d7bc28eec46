// Things side by side, what differs marked: as tables that fit the terminal, or as CSV.
import { print } from '../print.ts'
import { type Cell, type Column, layOut, lineOf } from '../table.ts'
import type { Style } from '../terminal.ts'
import type { Asked } from './asked.ts'
import { cellOf, csvLine, exactly, type Kind, type Value } from './fields.ts'

/** Something that the things may have, with the value of each. */
export interface Line {
  /** Group of lines, such as `params`. */
  group: string
  label: string
  kind: Kind | undefined
  values: Value[]
  differs: boolean
}

/** What stands above the values of a thing. */
export interface Heading {
  title: string
  /** For programs. */
  id: string
}

/** Narrower, a value tells nothing. */
const LEAST_WIDTH = 14
const LABEL_WIDTH = 20

/** A line of what all things have. */
export function lineFor<Thing>(
  things: readonly Thing[],
  [group, label, kind]: readonly [group: string, label: string, kind?: Kind],
  read: (thing: Thing) => Value,
): Line {
  const values = things.map(read)
  return { group, label, kind, values, differs: new Set(values).size > 1 }
}

/** A line for each key that one of the things has. */
export function linesByKey<Thing>(
  things: readonly Thing[],
  [group, kind]: readonly [group: string, kind?: Kind],
  pairsOf: (thing: Thing) => readonly { key: string; value: Value }[] | undefined,
): Line[] {
  const maps = things.map((thing) => new Map(pairsOf(thing)?.map(({ key, value }) => [key, value])))
  const keys = new Set(maps.flatMap((map) => [...map.keys()]))
  return [...keys].sort().map((key) => lineFor(maps, [group, key, kind], (map) => map.get(key)))
}

/** @param lines in their order; those of a group together */
export function printComparison(asked: Asked, headings: readonly Heading[], lines: readonly Line[]): void {
  if (asked.format === 'csv') printCsv(asked, headings, lines)
  else printTables(asked, headings, lines)
}

/** Things that do not fit side by side come in further tables. */
function printTables(asked: Asked, headings: readonly Heading[], lines: readonly Line[]): void {
  const { width } = asked.terminal
  const room =
    width === undefined ? headings.length : Math.floor((width - LABEL_WIDTH - 4) / (LEAST_WIDTH + 2))
  const perTable = Math.max(2, room)
  for (let first = 0; first < headings.length; first += perTable) {
    if (first > 0) print('')
    printTable(asked, lines, { headings: headings.slice(first, first + perTable), first })
  }
  const isMarked = lines.some(({ differs }) => differs)
  process.stderr.write(isMarked ? '* differs\n' : 'Nothing differs.\n')
}

function printCsv({ terminal }: Asked, headings: readonly Heading[], lines: readonly Line[]): void {
  process.stdout.write(csvLine(['group', 'key', 'differs', ...headings.map(({ id }) => id)], terminal))
  for (const { group, label, kind, values, differs } of lines) {
    const told = values.map((value) => exactly(value, kind))
    process.stdout.write(csvLine([group, label, String(differs), ...told], terminal))
  }
}

function printTable(
  asked: Asked,
  lines: readonly Line[],
  { headings, first }: { headings: readonly Heading[]; first: number },
): void {
  const { terminal } = asked
  const columns: Column[] = [
    { title: '' },
    { title: '', least: LABEL_WIDTH },
    ...headings.map(() => ({ title: '', least: LEAST_WIDTH })),
  ]
  const bold = (text: string): Cell => ({ text, style: 'bold' })
  const titles = headings.map(({ title }) => bold(cellOf(title, 'text', asked).text))
  const rows: Cell[][] = []
  let group: string | undefined
  for (const line of lines) {
    if (line.group !== group) {
      const heading = [{ text: ' ' }, bold(line.group.toUpperCase())]
      rows.push(...(group === undefined ? [[...heading, ...titles]] : [[], heading]))
      group = line.group
    }
    rows.push([
      { text: line.differs ? '*' : ' ', style: 'yellow' },
      { text: line.label },
      ...line.values.slice(first, first + headings.length).map((value) => {
        const cell = cellOf(value, line.kind, asked)
        const style: Style | undefined = line.differs ? 'yellow' : cell.style
        return { text: cell.text, style }
      }),
    ])
  }
  const layout = layOut(columns, rows, terminal.width)
  for (const row of rows) print(lineOf(row, { columns, layout, terminal }))
}
