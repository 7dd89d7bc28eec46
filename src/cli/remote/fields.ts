// What is shown of a thing, field by field: as a cell of a table, and exactly, for programs.

import { type Int64, stringify } from '../../platform/wire/int64.ts'
import { csvCell } from '../csv-cell.ts'
import { duration, isoTime, shortNumber, size, timeAgo } from '../humane.ts'
import type { Cell, Column } from '../table.ts'
import type { Style, Terminal } from '../terminal.ts'
import { visible, visibleJson } from '../visible.ts'

export type Value = string | Int64 | undefined
/** Times are milliseconds since the epoch, durations milliseconds, sizes bytes. */
export type Kind = 'text' | 'state' | 'number' | 'time' | 'duration' | 'size'

export interface Field<Item> {
  /** Its name for --columns and in the header of CSV. */
  name: string
  /** Above its column; the name in upper case unless told otherwise. */
  title?: string
  kind?: Kind
  read: (item: Item) => Value
  /** See `Column`. */
  least?: number
  rank?: number
  /** Not in a table unless it is asked for by its name. */
  hidden?: boolean
}

/** How values are told to people. */
export interface Telling {
  nowMs: number
  /** Times in ISO 8601 instead of `3 min ago`. */
  utc: boolean
}

export const isAlignedRight = (kind: Kind | undefined): boolean =>
  kind === 'number' || kind === 'size' || kind === 'duration'

export const columnOf = <Item>({ name, title, kind, least, rank }: Field<Item>): Column => ({
  title: title ?? name.toUpperCase().replaceAll('_', ' '),
  alignsRight: isAlignedRight(kind),
  ...(least !== undefined && { least }),
  ...(rank !== undefined && { rank }),
})

const STATES: Record<string, Style> = {
  FINISHED: 'green',
  READY: 'green',
  OK: 'green',
  active: 'green',
  FAILED: 'red',
  FAILED_REGISTRATION: 'red',
  ERROR: 'red',
  KILLED: 'red',
  deleted: 'red',
  RUNNING: 'cyan',
  IN_PROGRESS: 'cyan',
  SCHEDULED: 'yellow',
  PENDING_REGISTRATION: 'yellow',
}

/** The value as a cell for people; `-` for none. */
export function cellOf(value: Value, kind: Kind | undefined, telling: Telling): Cell {
  if (value === undefined || value === '') return { text: '-', style: 'dim' }
  if (typeof value === 'string') return { text: visible(value), style: styleOf(value, kind) }
  const number = Number(value)
  if (kind === 'time') return { text: telling.utc ? isoTime(number) : timeAgo(number, telling.nowMs) }
  if (kind === 'duration') return { text: duration(number) }
  if (kind === 'size') return { text: size(number) }
  return { text: shortNumber(value) }
}

const styleOf = (value: string, kind: Kind | undefined) => (kind === 'state' ? STATES[value] : undefined)

/** The value for programs: times in ISO 8601, all else as the API tells it; empty for none. */
export function exactly(value: Value, kind: Kind | undefined): string {
  if (value === undefined) return ''
  return kind === 'time' && typeof value !== 'string' ? isoTime(Number(value)) : String(value)
}

/**
 * A line of CSV, ended as lines of the shell are. On a terminal, signs that it would obey are spelled out; elsewhere values are exact.
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export function csvLine(values: readonly string[], { width }: Terminal): string {
  const told = width === undefined ? values : values.map(visible)
  return `${told.map(csvCell).join(',')}\n`
}

/** JSON in which no sign is left that a terminal would obey. */
export const jsonText = (value: unknown): string => visibleJson(stringify(value))
