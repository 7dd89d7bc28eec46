// What the import of a table tells at its end: rows that were taken, and those that were not, each with its key.

export interface TableReport {
  readonly isDryRun: boolean
  /** Rows that were read. */
  read: number
  created: number
  changed: number
  unchanged: number
  wrote(table: string, rows: number): void
  /** A row that was not taken. */
  refuse(key: string, why: string): void
  /** Something that is to be known beside. */
  note(text: string): void
  refused(): number
  written(): number
  /** Rows of the report's table, its head first. */
  lines(): string[][]
  /** The first of the refused rows with their reasons, then notes. */
  remarks(): string[]
}

/** Refused rows that are named. */
const NAMED = 20

export function createTableReport({ isDryRun }: { isDryRun: boolean }): TableReport {
  const written = new Map<string, number>()
  const named: string[] = []
  const notes: string[] = []
  let refused = 0
  return {
    isDryRun,
    read: 0,
    created: 0,
    changed: 0,
    unchanged: 0,
    wrote: (table, rows) => void written.set(table, (written.get(table) ?? 0) + rows),
    refuse(key, why) {
      refused++
      if (named.length < NAMED) named.push(`not taken: ${key}: ${why}`)
    },
    note: (text) => void notes.push(text),
    refused: () => refused,
    written: () => [...written.values()].reduce((sum, rows) => sum + rows, 0),
    lines: () => [
      ['TABLE', isDryRun ? 'TO WRITE' : 'WRITTEN'],
      ...[...written].filter(([, rows]) => rows > 0).map(([table, rows]) => [table, String(rows)]),
    ],
    remarks: () => [
      ...named,
      ...(refused > named.length ? [`and ${refused - named.length} more that were not taken`] : []),
      ...notes,
    ],
  }
}
