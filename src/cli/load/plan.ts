// What is to be loaded into which columns, settled by the first rows before anything is written.
import {
  KINDS,
  type Kind,
  type OwnColumn,
  type OwnTables,
  type StoredColumn,
} from '../../platform/database/own-columns.ts'
import { newColumn } from '../../platform/database/own-tables.ts'
import { UsageError } from '../errors.ts'
import { guessKind, type Rules } from './kinds.ts'
import { columnNames } from './names.ts'
import type { Records, Row } from './records.ts'

/** Rows that types are guessed from. */
export const SAMPLE_ROWS = 1000

export interface Planned {
  /** As the file has it. */
  source: string
  column: OwnColumn
}

export interface Plan {
  columns: Planned[]
  rules: Rules
  /** Whether the table is there already. */
  exists: boolean
}

/** `--type column=kind`, by the names of columns. @throws UsageError */
export function readTypes(given: readonly string[]): Map<string, Kind> {
  return new Map(
    given.map((text) => {
      const at = text.lastIndexOf('=')
      const kind = KINDS.find((one) => one === text.slice(at + 1))
      if (at < 1 || !kind)
        throw new UsageError(`--type must read like price=text, with one of ${KINDS.join(', ')}: ${text}`)
      return [text.slice(0, at), kind]
    }),
  )
}

/**
 * Columns for those of the file: of the table that is there, or new ones with the types that the sample tells.
 * @throws UsageError when the table that is there lacks one, or has it with a type that is not written
 */
export function makePlan(
  records: Records,
  sample: readonly Row[],
  {
    ownTables,
    stored,
    types,
  }: { ownTables: OwnTables; stored: StoredColumn[] | undefined; types: ReadonlyMap<string, Kind> },
): Plan {
  const sources = [...records.columns]
  // Records further down may have them.
  if (!records.isText) for (const name of types.keys()) if (!sources.includes(name)) sources.push(name)
  const names = columnNames(sources, ownTables)
  const rules: Rules = { ...ownTables, isText: records.isText }
  for (const name of types.keys()) {
    if (!sources.includes(name) && !names.includes(name))
      throw new UsageError(`--type ${name}: there is no such column.`)
  }
  const known = new Map(stored?.map((column) => [column.name, column]))
  const columns = sources.map((source, index) => {
    const name = names[index] as string
    const given = types.get(source) ?? types.get(name)
    if (stored) return { source, column: storedColumn(name, known, given) }
    const cells = sample.map(({ cells }) => cells[index])
    return { source, column: newColumn(name, given ?? records.kinds?.get(source) ?? guessKind(cells, rules)) }
  })
  if (columns.length === 0) throw new UsageError('The file has no columns.')
  return { columns, rules, exists: stored !== undefined }
}

function storedColumn(name: string, known: Map<string, StoredColumn>, given: Kind | undefined): OwnColumn {
  const found = known.get(name)
  if (!found) {
    const names = [...known.keys()].slice(0, 20).join(', ')
    throw new UsageError(`The table is there and has no column ${name}. It has ${names}.`)
  }
  if (!found.column)
    throw new UsageError(`The column ${name} of the table is of type ${found.type}, which is not loaded.`)
  if (given && given !== found.column.kind)
    throw new UsageError(`--type ${name}=${given}: the table is there, and has ${found.type}.`)
  return found.column
}
