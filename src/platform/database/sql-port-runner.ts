// Runs the statements of one client of the SQL port: questions by cursors, reports as they are, each in a transaction of its own.
import { serialize } from 'pg-protocol'
import { MlflowError } from '../../errors.ts'
import { QUERY_CANCELED } from './errors.ts'
import type { Frame } from './pglite-frames.ts'
import { declareCursor, errorOf, type PgliteReader, type SessionSettings } from './pglite-reader.ts'
import { closeCursor, opened } from './pglite-sql.ts'
import { AS_TEXT, bind, errorResponse, NO_PARAMETERS } from './sql-port-messages.ts'
import { isQuery, isReport, refuseCalls, type SqlText, tooLong } from './sql-text.ts'

/** An error as the client is to see it. */
export class SqlError extends Error {
  readonly code: string
  readonly position: number | undefined

  constructor(code: string, message: string, position?: number) {
    super(message)
    this.code = code
    this.position = position
  }

  toMessage(): Buffer {
    return errorResponse('ERROR', this.code, this.message, this.position)
  }
}

/** SQLSTATEs */
export const READ_ONLY = '25006'
const INSUFFICIENT_PRIVILEGE = '42501'
const LIMIT_EXCEEDED = '54000'

/** What a statement is called that is refused: of settings, by name. */
const whatOf = ({ words: [first = 'This'], text }: SqlText): string =>
  /^(?:SET|RESET)\s+(?:(?:SESSION|LOCAL)\s+)?[\w.]+/i.exec(text)?.[0].replace(/\s+/g, ' ') ?? first

/** What a statement takes and gives. */
export interface Description {
  /** ParameterDescription. */
  parameters: Buffer
  /** RowDescription; undefined when it gives no rows. */
  rows: Buffer | undefined
  /** OIDs of the parameters' types. */
  types: number[]
}

/** Rows as DataRow messages, some at a time. */
export interface RunningQuery {
  /** Columns as the database tells them; only asked for where the statement was not described. */
  rows: Buffer | undefined
  /** At most so many rows, fewer only at the end. */
  next(count: number): Promise<Buffer[]>
  close(): Promise<void>
}

export interface RunOptions {
  types: readonly number[]
  parameters: Buffer
  formats: Buffer
}

export const WITHOUT_PARAMETERS: RunOptions = { types: [], parameters: NO_PARAMETERS, formats: AS_TEXT }

/** Bytes of an answer of the database after which fewer rows are asked for. */
const LARGE_PIECE = 1024 * 1024
const FIRST_ROWS = 32
const MOST_ROWS = 2_000

export type Runner = ReturnType<typeof createRunner>

/** @param settings what the client has set, as it is when a statement runs */
export function createRunner(reader: PgliteReader, settings: SessionSettings, timeoutMs: number) {
  let running = new AbortController()
  let isCancelled = false

  /** Sends something with the limits of a statement; what the client cancels meanwhile is that. */
  async function limited<T>(
    work: (limits: { limitMs: number; signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    running = new AbortController()
    isCancelled = false
    try {
      return await work({ limitMs: timeoutMs, signal: running.signal })
    } catch (error) {
      throw told(error)
    }
  }

  function told(error: unknown): unknown {
    if (!(error instanceof MlflowError)) return error
    const { sqlstate } = error as { sqlstate?: string }
    if (error.code === 'REQUEST_LIMIT_EXCEEDED') return new SqlError('53300', error.message)
    if (error.code === 'TEMPORARILY_UNAVAILABLE') return new SqlError('57P03', error.message)
    if (sqlstate === QUERY_CANCELED || error.code === 'CANCELLED') return ended()
    return new SqlError(sqlstate ?? '22023', error.message)
  }

  const ended = () =>
    isCancelled
      ? new SqlError(QUERY_CANCELED, 'canceling statement due to user request')
      : new SqlError(
          QUERY_CANCELED,
          `canceling statement due to statement timeout (${timeoutMs / 1000} s, --sql-timeout)`,
        )

  /** @throws SqlError for an error among the frames; `shift` characters stand in front of the client's own text */
  function checked(sections: readonly Frame[][], shift = 0): Frame[] {
    const frames = sections.flat()
    const failed = frames.find(({ type }) => type === 'E')
    if (!failed) return frames
    const { message, code, position } = errorOf(failed)
    if (code === QUERY_CANCELED) throw ended()
    throw new SqlError(code, message, position === undefined ? undefined : position - shift)
  }

  const transact = (messages: readonly Buffer[], shift = 0) =>
    limited(async (limits) => checked(await reader.transact(messages, limits, settings), shift))

  const execute = (text: string, { types, parameters, formats }: RunOptions, isDescribed: boolean) => [
    serialize.parse({ text, types: [...types] }),
    bind(parameters, formats),
    ...(isDescribed ? [serialize.describe({ type: 'P', name: '' })] : []),
    serialize.execute({}),
    serialize.sync(),
  ]

  return {
    cancel(): void {
      isCancelled = true
      running.abort()
    },

    /** @throws SqlError for what is neither a question nor a report, or calls what may do more than answer */
    async check(statement: SqlText): Promise<void> {
      const refusal = tooLong(statement)
      if (refusal !== undefined) throw new SqlError(LIMIT_EXCEEDED, refusal)
      if (!isQuery(statement) && !isReport(statement))
        throw new SqlError(
          READ_ONLY,
          `${whatOf(statement)} is not taken: SQL at this port reads, and the API writes`,
        )
      const volatile = await limited((limits) => reader.volatileFunctions(limits))
      try {
        refuseCalls(statement, volatile)
      } catch (error) {
        throw new SqlError(INSUFFICIENT_PRIVILEGE, (error as Error).message)
      }
    },

    /** What the statement takes and gives, without running it. */
    async describe(statement: SqlText, types: readonly number[]): Promise<Description> {
      const frames = await transact([
        serialize.parse({ text: statement.text, types: [...types] }),
        serialize.describe({ type: 'S', name: '' }),
        serialize.sync(),
      ])
      const parameters = frames.find(({ type }) => type === 't')
      if (!parameters) throw new SqlError('XX000', 'The statement was not described.')
      const count = parameters.body.readInt16BE(0)
      return {
        parameters: parameters.whole,
        rows: frames.find(({ type }) => type === 'T')?.whole,
        types: Array.from({ length: count }, (_, i) => parameters.body.readUInt32BE(2 + 4 * i)),
      }
    },

    /** Runs the statement until its first rows are there. */
    async start(statement: SqlText, options: RunOptions): Promise<RunningQuery> {
      if (isReport(statement)) {
        const frames = await transact(execute(statement.text, options, true))
        const rows = frames.filter(({ type }) => type === 'D').map(({ whole }) => whole)
        const description = frames.find(({ type }) => type === 'T')?.whole
        return { rows: description, next: async (count) => rows.splice(0, count), close: async () => {} }
      }
      const cursor = reader.newCursor()
      const declared = declareCursor(cursor, statement)
      const { formats } = options
      const fetchText = (count: number) => `FETCH FORWARD ${count} FROM ${cursor}`
      const fetch = (count: number, isDescribed: boolean) =>
        execute(fetchText(count), { ...WITHOUT_PARAMETERS, formats }, isDescribed)
      const opening = [
        ...execute(declared, { ...options, formats: AS_TEXT }, false),
        ...fetch(FIRST_ROWS, true),
      ]
      const frames = await opened(reader, cursor, () =>
        transact(opening, declared.length - statement.text.length),
      )
      return queryOf({
        description: frames.find(({ type }) => type === 'T')?.whole,
        first: frames,
        fetch: (count) =>
          limited(async (limits) => checked(await reader.exchange(fetch(count, false), limits))),
        close: () => closeCursor(reader, cursor),
      })
    },
  }
}

interface Source {
  description: Buffer | undefined
  first: readonly Frame[]
  fetch: (count: number) => Promise<Frame[]>
  close: () => Promise<void>
}

const rowsOf = (frames: readonly Frame[]) =>
  frames.filter(({ type }) => type === 'D').map(({ whole }) => whole)

/** Rows that are there, and behind them those that have to be fetched: as many at once as fit. */
function queryOf({ description, first, fetch, close }: Source): RunningQuery {
  let rows = rowsOf(first)
  let asked = FIRST_ROWS
  let isAtEnd = rows.length < asked

  async function more(): Promise<void> {
    const size = rows.reduce((sum, row) => sum + row.length, 1)
    const fitting = Math.floor((LARGE_PIECE / size) * Math.max(rows.length, 1))
    asked = Math.max(1, Math.min(fitting, 4 * asked, MOST_ROWS))
    rows = rowsOf(await fetch(asked))
    isAtEnd = rows.length < asked
  }

  let sent = 0
  return {
    rows: description,
    async next(count) {
      if (sent === rows.length && !isAtEnd) {
        await more()
        sent = 0
      }
      const piece = rows.slice(sent, sent + count)
      sent += piece.length
      return piece
    },
    close,
  }
}
