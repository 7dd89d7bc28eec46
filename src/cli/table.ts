// Tables for people: columns that are aligned, and fit where they are shown.
import stringWidth from 'string-width'
import type { Style, Terminal } from './terminal.ts'

export interface Column {
  title: string
  /** Numbers end in one line. */
  alignsRight?: boolean
  /** May be cut to this many columns of the terminal; absent: is whole, or not there. */
  least?: number
  /** Columns with lower ones have a place before others; absent: always there. */
  rank?: number
}

export interface Cell {
  text: string
  style?: Style | undefined
}

export interface Layout {
  /** Places of the columns that are shown, from left to right, and their widths. */
  shown: { column: number; width: number }[]
}

const GAP = '  '
/** Wider columns are cut even where there is room: one long text shall not push all others apart. */
const WIDEST = 60

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** The beginning of the text that fits into the width, with … for what is left out. */
export function cut(text: string, width: number): string {
  // Texts can have a hundred thousand characters; no sign has more than some tens.
  if (text.length <= width * 50 && stringWidth(text) <= width) return text
  let kept = ''
  let left = width - 1
  for (const { segment } of graphemes.segment(text)) {
    left -= stringWidth(segment)
    if (left < 0) break
    kept += segment
  }
  return `${kept}…`
}

/**
 * Chooses the columns that fit, by rank, and shares the room out among those that may be cut.
 * @param width of the terminal; undefined: all columns, whole
 */
export function layOut(columns: readonly Column[], rows: readonly Cell[][], width?: number): Layout {
  const natural = columns.map(({ title }, index) =>
    Math.max(stringWidth(title), ...rows.map((row) => stringWidth(row[index]?.text ?? ''))),
  )
  const all = columns.map((_column, column) => ({ column, width: natural[column] ?? 0 }))
  if (width === undefined) return { shown: all }
  const mostOf = ({ least }: Column, own: number) => (least === undefined ? own : Math.min(own, WIDEST))
  const leastOf = ({ least }: Column, own: number) => Math.min(own, least ?? own)
  let left = width + GAP.length
  const chosen = new Map<number, number>()
  for (const { column, width: own } of [...all].sort((a, b) => rankOf(columns, a) - rankOf(columns, b))) {
    const description = columns[column] as Column
    const least = leastOf(description, own)
    if (description.rank !== undefined && least + GAP.length > left) continue
    chosen.set(column, least)
    left -= least + GAP.length
  }
  const shown = all.filter(({ column }) => chosen.has(column))
  for (const place of shown) place.width = chosen.get(place.column) ?? place.width
  // One by one to the narrowest that lacks something, so that short texts are whole first.
  for (; left > 0; left--) {
    const lacking = shown.filter((place) => {
      const description = columns[place.column] as Column
      return place.width < mostOf(description, natural[place.column] ?? 0)
    })
    const [narrowest] = lacking.sort((a, b) => a.width - b.width)
    if (!narrowest) break
    narrowest.width++
  }
  return { shown }
}

const rankOf = (columns: readonly Column[], { column }: { column: number }) => columns[column]?.rank ?? -1

/** A line of the table. Cells are cut where there is a terminal, as `columns` allow. */
export function lineOf(
  cells: readonly Cell[],
  { columns, layout, terminal }: { columns: readonly Column[]; layout: Layout; terminal: Terminal },
): string {
  const parts = layout.shown.map(({ column, width }) => {
    const { text, style } = cells[column] ?? { text: '' }
    const { least, alignsRight } = columns[column] ?? {}
    const shown = terminal.width !== undefined && least !== undefined ? cut(text, width) : text
    const padding = ' '.repeat(Math.max(0, width - stringWidth(shown)))
    const painted = terminal.paint(shown, style)
    return alignsRight ? padding + painted : painted + padding
  })
  return parts.join(GAP).trimEnd()
}

/** The titles of the columns as a line. */
export const headerOf = (table: Parameters<typeof lineOf>[1]): string =>
  lineOf(
    table.columns.map(({ title }) => ({ text: title, style: 'bold' as const })),
    table,
  )
