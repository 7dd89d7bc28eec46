// Answers to statements that are kept in tables, where reading them costs little, and that are replaced at once. Their tables are told from all others by
// their mark, a constraint whose name nobody else gives.
import type { TableName } from './own-columns.ts'
import type { ScriptLimits } from './script.ts'

/** Marks begin with it, and so do names of tables that only the server is to see. */
export const MARK = 'crateflow_view_'

/** An answer that is kept, as those know it who read it, and as the server does. */
export interface Place {
  name: TableName
  /** Its row in the table of materialized views. */
  viewId: string
  /** Marks its tables. */
  mark: string
  /** Which rows are shown, where a table holds several generations of them; null before there are any. */
  generation: number | null
}

/** A statement whose answer is kept. */
export interface Kept {
  /** One statement that reads, which was looked at by `readSql`. */
  statement: string
  /** The columns of its answer. */
  columns: readonly { name: string; oid: number }[]
  /** Columns that tell its rows apart; none: nothing does. Rows without a value in one of them are left out. */
  key: readonly string[]
  /** A column that grows. */
  incremental: string | undefined
}

/** What was found in the rows. */
export interface Measured {
  rows: number
  /** The greatest value of the incremental column as a text, which `literal` and a cast to its type give back. */
  greatest: string | null
  /** The type of the incremental column; empty without one. */
  type: string
  generation: number | null
}

export interface Replacing {
  limits: ScriptLimits
  /** Looks at the new rows before anybody sees them. @throws what keeps them from being shown */
  check: (measured: Measured) => void
  /** Keeps in the table of materialized views what was found; a view there shows the generation that its row has. */
  record: (measured: Measured) => Promise<void>
}

/** What a kind of database has for it. Wherever it is broken off, the old rows are shown or the new ones, and `clean` drops the others. */
export interface Materializing<Engine> {
  /** Milliseconds that a statement may take. */
  readonly longestMs: number
  /** Whether there is nothing of the name, the answer itself, or something of somebody else. */
  look(engine: Engine, place: Place): Promise<'free' | 'ours' | 'others'>
  /** Drops what is not shown: what was broken off has left it. */
  clean(engine: Engine, place: Place, limits: ScriptLimits): Promise<void>
  /** Asks for all rows, keeps them with the types that they have, and shows them instead of those before, at once. */
  replace(engine: Engine, place: Place, kept: Kept, how: Replacing): Promise<void>
  /** Whether rows of these columns can be added to those that are shown. */
  takes(engine: Engine, place: Place, kept: Kept): Promise<boolean>
  /** Adds the rows in which the incremental column is at least so great; those that are there become what they are now. */
  merge(engine: Engine, place: Place, kept: Kept & { from: string }, limits: ScriptLimits): Promise<Measured>
  /** Drops all of it. */
  drop(engine: Engine, place: Place, limits: ScriptLimits): Promise<void>
}
