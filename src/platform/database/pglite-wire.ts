// Speaks PostgreSQL's extended protocol with PGlite: statements are prepared once, and statements that belong
// together go in and out in one exchange, which is one commit. PGlite's own query() prepares every time, in six
// exchanges (ten times slower for a single row, measured on 0.5).
import { serialize } from 'pg-protocol'
import type { BackendMessage, DatabaseError } from 'pg-protocol/dist/messages.js'
import { Parser } from 'pg-protocol/dist/parser.js'
import { unavailable } from '../../errors.ts'
import { MAX_PREPARED_TEXT, type Result, type Statement } from './engine.ts'
import type { ExchangeLimits } from './pglite-thread.ts'
import { toText, typeParser } from './values.ts'

/** Distinct statement texts that are kept prepared. */
const PREPARED_LIMIT = 512
/** The plan of a prepared statement does not fit its changed tables any more, or it was dropped for that; nothing ran. */
const STALE_PLAN = new Set(['0A000', '26000'])

interface Column {
  name: string
  parse: (text: string) => unknown
}

/** A statement that PGlite knows by name, unless its columns are refused: then it has an error. */
interface Prepared {
  name: string
  columns: Promise<Column[]>
}

export type RowMode = 'array' | 'object'

/** Runs statements, all of them or none, in the order of the calls. Throws pg's DatabaseError. */
export type Wire = (statements: readonly Statement[], rowMode: RowMode, limits?: Limits) => Promise<Result[]>

/** What may end statements before their time; by default nothing. */
export type Limits = Partial<ExchangeLimits>

type Send = (messages: readonly Uint8Array[], limits: ExchangeLimits) => Promise<Uint8Array>

/** @param send takes messages that end with a Sync and answers what comes back, in the order of the calls */
export function createWire(send: Send): Wire {
  const known = new Map<string, Prepared>()
  let names = 0

  async function exchange(messages: Buffer[], limits: Limits = {}): Promise<BackendMessage[]> {
    const bytes = await send([...messages, serialize.sync()], { limitMs: 0, ...limits })
    const answers: BackendMessage[] = []
    new Parser().parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), (message) =>
      answers.push(message),
    )
    const failed = answers.find(({ name }) => name === 'error')
    if (answers.at(-1)?.name !== 'readyForQuery')
      throw unavailable('The embedded database ended. Please retry.', failed)
    if (failed) throw failed
    return answers
  }

  /** Undefined for a text that is not kept: past the limit, or very long. Does not wait, so that order is kept. */
  function prepare(text: string): Prepared | undefined {
    const found = known.get(text)
    if (found || known.size >= PREPARED_LIMIT || text.length > MAX_PREPARED_TEXT) return found
    const name = `s${names++}`
    const answers = exchange([serialize.parse({ name, text }), serialize.describe({ type: 'S', name })])
    const prepared = { name, columns: answers.then(columnsOf) }
    known.set(text, prepared)
    prepared.columns.catch(() => {
      if (known.get(text) === prepared) known.delete(text)
    })
    return prepared
  }

  async function runTogether(
    statements: readonly Statement[],
    rowMode: RowMode,
    limits?: Limits,
  ): Promise<Result[]> {
    const prepared = statements.map(({ text }) => prepare(text))
    const answers = exchange(
      statements.flatMap(({ text, params }, index) => {
        const name = prepared[index]?.name
        return [
          // What is not kept takes the nameless statement's place until the next of them.
          ...(name ? [] : [serialize.parse({ text }), serialize.describe({ type: 'S', name: '' })]),
          serialize.bind({ statement: name ?? '', values: params.map(toText) }),
          serialize.execute({}),
        ]
      }),
      limits,
    )
    // Why a statement was refused tells more than that it is not there.
    const [columns, read] = await Promise.allSettled([
      Promise.all(prepared.map((statement) => statement?.columns)),
      answers,
    ])
    if (columns.status === 'rejected') throw columns.reason
    if (read.status === 'rejected') throw read.reason
    return readResults(read.value, columns.value, rowMode)
  }

  return async (statements, rowMode, limits) => {
    try {
      return await runTogether(statements, rowMode, limits)
    } catch (error) {
      if (!STALE_PLAN.has((error as DatabaseError).code ?? '')) throw error
      known.clear()
      await exchange([serialize.query('DEALLOCATE ALL')])
      return runTogether(statements, rowMode, limits)
    }
  }
}

type RowDescription = BackendMessage & { fields: { name: string; dataTypeID: number }[] }
type DataRow = BackendMessage & { fields: (string | null)[] }
type CommandComplete = BackendMessage & { text: string }

function columnsOf(answers: BackendMessage[]): Column[] {
  const description = answers.find(({ name }) => name === 'rowDescription') as RowDescription | undefined
  return (description?.fields ?? []).map(({ name, dataTypeID }) => ({ name, parse: typeParser(dataTypeID) }))
}

/** One result per statement, in order. The columns of those that are not kept are among the answers. */
function readResults(answers: BackendMessage[], known: (Column[] | undefined)[], rowMode: RowMode): Result[] {
  const results: Result[] = []
  let rows: unknown[] = []
  let described: Column[] = []
  for (const answer of answers) {
    if (answer.name === 'rowDescription') described = columnsOf([answer])
    const columns = known[results.length] ?? described
    if (answer.name === 'dataRow') rows.push(readRow((answer as DataRow).fields, columns, rowMode))
    if (answer.name !== 'commandComplete' && answer.name !== 'emptyQuery') continue
    // INSERT 0 5, UPDATE 2, SELECT 3, CREATE TABLE
    const count = /\d+$/.exec((answer as CommandComplete).text ?? '')
    results.push({ rows, rowCount: Number(count ?? 0) })
    rows = []
  }
  return results
}

function readRow(fields: (string | null)[], columns: Column[], rowMode: RowMode): unknown {
  const value = (field: string | null, i: number) => (field === null ? null : columns[i]?.parse(field))
  if (rowMode === 'array') return fields.map(value)
  return Object.fromEntries(fields.map((field, i) => [columns[i]?.name, value(field, i)]))
}
