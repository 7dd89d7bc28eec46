// How the tables of stock MLflow are read, whichever database they lie in.
import type { Engine } from '../../platform/database/engine.ts'
import { readColumns } from './columns.store.ts'

/** Reads and nothing else. Texts have `?` for bound values, identifiers in double quotes, and `CAST(… AS TEXT)`. */
export interface SqlReader {
  /** Whose SQL it is. */
  readonly kind: 'server' | 'sqlite' | 'mysql'
  /** The schema that is meant where none is named; undefined where there are none. */
  readonly schema?: string
  /** Rows as arrays, integers as numbers or bigints. */
  rows(text: string, params: readonly unknown[]): Promise<unknown[][]>
  /** Columns by table. */
  columns(): Promise<ReadonlyMap<string, ReadonlySet<string>>>
  close(): Promise<void>
}

/** How long a read waits for a writer of the file, in milliseconds. */
const BUSY_MS = 60_000

/**
 * Opens a file of SQLite for reading only. It is locked as SQLite locks it, for the time of a statement, so that a server may go
 * on writing to it.
 * @throws Error when there is no such file, or it is none of SQLite
 */
export async function openSqlite(file: string): Promise<SqlReader> {
  // The driver that Node.js has built in from 22 on, as a package for those that have none.
  const { DatabaseSync } = await import('@photostructure/sqlite')
  const database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS })
  const statements = new Map<string, ReturnType<typeof database.prepare>>()
  const prepared = (text: string) => {
    const known = statements.get(text) ?? database.prepare(text)
    statements.set(text, known)
    known.setReturnArrays(true)
    known.setReadBigInts(true)
    return known
  }
  const rows = (text: string, params: readonly unknown[]) =>
    prepared(text).all(...(params as string[])) as unknown as unknown[][]
  return {
    kind: 'sqlite',
    rows: async (text, params) => rows(text, params),
    async columns() {
      const found = rows(
        `SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'`,
        [],
      )
      return groupColumns(found as [string, string][])
    },
    close: async () => database.close(),
  }
}

/** The tables in the engine's schema: a database of PostgreSQL, or one of CrateDB. */
export const readerOf = (engine: Engine): SqlReader => ({
  kind: 'server',
  schema: engine.schema,
  rows: (text, params) => engine.rows({ text: numbered(text), params: [...params] }),
  columns: async () => groupColumns(await readColumns(engine)),
  close: () => engine.close(),
})

/** `?` as `$1`, `$2`, …; none of the texts has one in quotes. */
function numbered(text: string): string {
  let number = 0
  return text.replace(/\?/g, () => `$${++number}`)
}

/** Columns by table. */
export function groupColumns(
  pairs: readonly (readonly [table: string, column: string])[],
): Map<string, Set<string>> {
  const columns = new Map<string, Set<string>>()
  for (const [table, column] of pairs) columns.set(table, (columns.get(table) ?? new Set()).add(column))
  return columns
}
