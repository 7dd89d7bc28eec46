// Rows on their way into a table: turned into its types, gathered, written in bulk, counted.
import { createHash } from 'node:crypto'
import { reasonOf } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { OwnValue, TableName } from '../../platform/database/own-columns.ts'
import { createRowWriter } from '../../platform/database/own-tables.ts'
import { stringify } from '../../platform/wire/int64.ts'
import { misfit, valueIn } from './kinds.ts'
import type { Plan } from './plan.ts'
import { type Records, type Row, UnreadableFile } from './records.ts'

/** Of a statement; rows with many columns or long texts are fewer. */
const MOST_ROWS = 5_000
const MOST_VALUES = 200_000
const MOST_CHARACTERS = 4 * 1024 * 1024

export interface RowLoader {
  /** Rows that are written. */
  readonly loaded: number
  /** Of all values that were written, 16 hexadecimal digits. */
  digest(): string
  /** @throws UnreadableFile with line and column of what does not fit */
  add(row: Row): Promise<void>
  /** Writes what is gathered. @throws Error when the database does not take all of it */
  flush(): Promise<void>
}

/** The values of a row, one for each column. @throws UnreadableFile with line and column of what does not fit */
export function valuesOf(
  { line, cells }: Row,
  { columns, rules, exists }: Plan,
  unit: Records['unit'],
): OwnValue[] {
  if (cells.length > columns.length)
    throw new UnreadableFile(
      `${unit} ${line}: it has a field that the rows before have not; name all of them with --type <column>=<type>.`,
    )
  return columns.map(({ source, column }, index) => {
    const value = valueIn(cells[index], column, rules)
    if (value !== undefined) return value
    const fitting = (['double', 'text'] as const).find(
      (kind) => kind !== column.kind && valueIn(cells[index], { kind }, rules) !== undefined,
    )
    const way = exists || !fitting ? '' : ` A new table takes it with --type '${source}=${fitting}'.`
    throw new UnreadableFile(
      `${unit} ${line}, column ${source}: ${misfit(cells[index], column, rules)}${way}`,
    )
  })
}

export function createLoader(
  engine: Engine,
  table: TableName,
  { plan, unit }: { plan: Plan; unit: Records['unit'] },
): RowLoader {
  const columns = plan.columns.map(({ column }) => column)
  const write = createRowWriter(engine, table, columns)
  const hash = createHash('sha256').update(stringify(columns.map(({ name, kind }) => [name, kind])))
  const mostRows = Math.max(1, Math.min(MOST_ROWS, Math.floor(MOST_VALUES / columns.length)))
  let arrays = columns.map((): OwnValue[] => [])
  let lines: [first: number, last: number] = [0, 0]
  let rows = 0
  let characters = 0
  let loaded = 0

  async function flush(): Promise<void> {
    if (rows === 0) return
    const [sent, count, place] = [arrays, rows, `${unit}s ${lines[0]} to ${lines[1]}`]
    arrays = columns.map(() => [])
    ;[rows, characters] = [0, 0]
    const written = await write(sent).catch((error: unknown) => {
      throw new Error(`${place}: ${reasonOf(error)}`, { cause: error })
    })
    loaded += written
    if (written !== count)
      throw new Error(
        `${place}: the database took ${written} of these ${count} rows, without a word about the others. Does the table have a key or a constraint?`,
      )
    hash.update(stringify(sent))
  }

  return {
    get loaded() {
      return loaded
    },
    digest: () => hash.copy().digest('hex').slice(0, 16),
    async add(row) {
      const values = valuesOf(row, plan, unit)
      lines = rows === 0 ? [row.line, row.line] : [lines[0], row.line]
      for (const [index, value] of values.entries()) {
        arrays[index]?.push(value)
        if (typeof value === 'string') characters += value.length
      }
      rows++
      if (rows >= mostRows || characters >= MOST_CHARACTERS) await flush()
    },
    flush,
  }
}
