// How far a move is: a line on the terminal that is written over, with its rate and the time that is left.
import type { MovedTable } from './families.store.ts'

export interface Progress {
  /** Rows of a table that were looked at. */
  add(table: Pick<MovedTable, 'name'>, rows: number): void
  /** Shows the line, a few times a second at most. */
  show(): void
  /** Takes the line away. */
  end(): void
}

interface Terminal {
  isTTY?: boolean
  columns?: number
  write(text: string): unknown
}

const EVERY_MS = 200

export const noProgress: Progress = { add: () => {}, show: () => {}, end: () => {} }

/** @param totals rows by table, as far as they are known. Silent where nobody sees it. */
export function createProgress(terminal: Terminal, totals: ReadonlyMap<string, number>): Progress {
  if (!terminal.isTTY) return noProgress
  const startedAt = Date.now()
  const total = [...totals.values()].reduce((sum, rows) => sum + rows, 0)
  let done = 0
  let shownAt = 0
  let current = ''
  const show = () => {
    const now = Date.now()
    if (now - shownAt < EVERY_MS) return
    shownAt = now
    const perSecond = done / Math.max(0.001, (now - startedAt) / 1000)
    const left = total > done && perSecond > 0 ? `, ${timeText((total - done) / perSecond)} left` : ''
    const share =
      total > 0 ? ` of ${total} rows, ${Math.min(100, Math.floor((100 * done) / total))} %` : ' rows'
    const text = `${current}: ${done}${share}, ${Math.round(perSecond)}/s${left}`
    terminal.write(`\r${text.slice(0, (terminal.columns ?? 80) - 1)}\u001b[K`)
  }
  return {
    add(table, rows) {
      done += rows
      current = table.name
      show()
    },
    show,
    end: () => void terminal.write('\r\u001b[K'),
  }
}

const timeText = (seconds: number): string => {
  const whole = Math.ceil(seconds)
  return whole < 90
    ? `${whole} s`
    : whole < 5400
      ? `${Math.round(whole / 60)} min`
      : `${Math.round(whole / 3600)} h`
}
