// One thing in full: labels and values by sections for people, or a line of CSV for each value.
import { isoTime } from '../humane.ts'
import { print } from '../print.ts'
import { type Column, layOut, lineOf } from '../table.ts'
import type { Asked } from './asked.ts'
import { cellOf, csvLine, exactly, isAlignedRight, jsonText, type Kind, type Value } from './fields.ts'

export interface Detail {
  label: string
  value: Value
  kind?: Kind
  /** What is told to people behind the value. */
  remark?: string | undefined
}

export interface Section {
  /** Absent above the first one. */
  title?: string
  /** In front of the labels in CSV, such as `metrics.`. */
  prefix?: string
  details: readonly Detail[]
}

/** The lowercase name of a label for programs: `EXPERIMENT ID` is `experiment_id`. */
const nameOf = (label: string) => label.toLowerCase().replaceAll(' ', '_')

/**
 * Prints a thing in the format that was asked for.
 * @param answer what JSON shows: the API's answer
 * @param sections what people and CSV are shown; asked for when they are
 */
export async function printDetails(
  asked: Asked,
  answer: unknown,
  sections: () => Section[] | Promise<Section[]>,
): Promise<void> {
  if (asked.format === 'json') return print(jsonText(answer))
  const filled = (await sections()).filter(({ details }) => details.length > 0)
  if (asked.format === 'csv') printCsv(filled, asked)
  else for (const [index, section] of filled.entries()) printSection(section, asked, index > 0)
}

function printCsv(sections: readonly Section[], { terminal }: Asked): void {
  process.stdout.write(csvLine(['field', 'value'], terminal))
  for (const { prefix, details } of sections)
    for (const { label, value, kind } of details) {
      const name = prefix === undefined ? nameOf(label) : prefix + label
      process.stdout.write(csvLine([name, exactly(value, kind)], terminal))
    }
}

function printSection({ title, details }: Section, asked: Asked, isLater: boolean): void {
  const { terminal } = asked
  if (isLater) print('')
  if (title) print(terminal.paint(title, 'bold'))
  const rows = details.map(({ label, value, kind, remark }) => [
    { text: label, style: title ? undefined : ('dim' as const) },
    kind === 'time' && !remark && value !== undefined
      ? momentOf(Number(value), asked)
      : cellOf(value, kind, asked),
    { text: remark ?? '', style: 'dim' as const },
  ])
  const hasRemarks = details.some(({ remark }) => remark)
  const alignsRight = details.every(({ kind }) => isAlignedRight(kind))
  const columns: Column[] = [
    { title: '', least: 16 },
    { title: '', least: 20, alignsRight },
    ...(hasRemarks ? [{ title: '', least: 10, rank: 1 }] : []),
  ]
  const layout = layOut(columns, rows, terminal.width)
  const last = layout.shown.at(-1)
  // Where values are the last column, they have all that is left of the line.
  if (last && !hasRemarks && !alignsRight && terminal.width !== undefined)
    last.width = Math.max(last.width, terminal.width - (layout.shown[0]?.width ?? 0) - 2)
  for (const row of rows) print(lineOf(row, { columns, layout, terminal }))
}

/** `3 min ago (2026-11-30T05:50:07.123Z)` */
const momentOf = (ms: number, asked: Asked) => {
  const { text } = cellOf(ms, 'time', asked)
  return { text: asked.utc ? text : `${text} (${isoTime(ms)})` }
}
