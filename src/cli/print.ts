// What commands print for people on stdout.
import { layOut, lineOf } from './table.ts'
import { visible } from './visible.ts'

export const print = (line: string) => void process.stdout.write(`${line}\n`)

/** Prints rows in aligned columns, whole, the first row being their titles. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const columns = (rows[0] ?? []).map((title) => ({ title }))
  const cells = rows.map((row) => row.map((text) => ({ text: visible(text) })))
  const layout = layOut(columns, cells)
  const terminal = { width: undefined, paint: (text: string) => text }
  for (const row of cells) print(lineOf(row, { columns, layout, terminal }))
}

/**
 * Writes to stdout and waits until it is taken.
 * @returns false once nobody reads any more, as behind `| head`
 */
export function write(text: string): Promise<boolean> {
  return new Promise((resolve) => {
    if (process.stdout.destroyed) return resolve(false)
    process.stdout.write(text, (error) => resolve(!error))
  })
}
