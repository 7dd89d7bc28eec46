// What every engine offers to people who ask in SQL of their own: one statement that reads, its rows piece by piece.

export interface SqlColumn {
  name: string
  /** Its type's OID in PostgreSQL's catalogue, which CrateDB's wire protocol uses, too. */
  oid: number
}

/** Values are texts as PostgreSQL writes them. */
export type SqlRow = (string | null)[]

export interface SqlAnswer {
  columns: SqlColumn[]
  /** Rows in order. */
  pieces: AsyncIterable<SqlRow[]>
  /** Lets go of what the database holds for the answer, as reading to the end does; may be called again. */
  close(): Promise<void>
}

export interface SqlLimits {
  /** Milliseconds that the database may work on the statement, and on each piece of its rows. */
  timeoutMs: number
  /** Ends the statement. */
  signal: AbortSignal
}

/**
 * Runs one statement that reads; the engine itself sees to it that nothing is written.
 * @throws INVALID_PARAMETER_VALUE with the database's text, DEADLINE_EXCEEDED, CANCELLED, TEMPORARILY_UNAVAILABLE
 */
export type ReadSql = (sql: string, limits: SqlLimits) => Promise<SqlAnswer>

/** Characters that a piece should have: enough to be worth its way, and few enough to be held by many at once. */
const PIECE_CHARACTERS = 512 * 1024
const FIRST_ROWS = 32
const MOST_ROWS = 5_000

/** The work, done at the first call alone. */
export function onlyOnce(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= work()
    return done
  }
}

/** An answer whose rows are all there. */
export const wholeAnswer = (columns: SqlColumn[], rows: SqlRow[]): SqlAnswer => ({
  columns,
  pieces: (async function* () {
    yield rows
  })(),
  close: async () => {},
})

/** How many rows to ask for, by the size of those before: rows may be bytes or megabytes. */
export function createPieceSizes() {
  let rows = FIRST_ROWS
  return {
    rows: () => rows,
    note(piece: readonly SqlRow[]): void {
      const size = piece.reduce(
        (sum, row) => sum + row.reduce((all, field) => all + (field?.length ?? 4), 0),
        0,
      )
      const fitting = Math.floor((PIECE_CHARACTERS / Math.max(size, 1)) * piece.length)
      rows = Math.max(1, Math.min(fitting, 4 * rows, MOST_ROWS))
    },
  }
}
