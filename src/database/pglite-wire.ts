// Speaks PostgreSQL's extended protocol with PGlite: statements are prepared once, and statements that belong
// together go in and out in one exchange, which is one commit. PGlite's own query() prepares every time, in six
// exchanges (ten times slower for a single row, measured on 0.5).
import type { PGlite } from '@electric-sql/pglite'
import { serialize } from 'pg-protocol'
import type { BackendMessage, DatabaseError } from 'pg-protocol/dist/messages.js'
import { Parser } from 'pg-protocol/dist/parser.js'
import { MAX_PREPARED_TEXT, type Result, type Statement } from './engine.ts'
import { toText, typeParser } from './values.ts'

/** Distinct statement texts that are kept prepared. */
const PREPARED_LIMIT = 512
/** The plan of a prepared statement does not fit its changed tables any more; nothing of it ran. */
const STALE_PLAN = '0A000'

interface Column {
  name: string
  parse: (text: string) => unknown
}

/** A statement that PGlite knows by name. */
interface Prepared {
  name: string
  columns: Column[]
}

type RowMode = 'array' | 'object'

/** Runs statements, all of them or none; blocks while it does. Throws pg's DatabaseError. */
export type Wire = (statements: readonly Statement[], rowMode: RowMode) => Result[]

export function createWire(client: PGlite): Wire {
  const known = new Map<string, Prepared>()

  /** Sends messages that end with a Sync and answers what comes back. */
  function exchange(messages: Buffer[]): BackendMessage[] {
    const parser = new Parser()
    const answers: BackendMessage[] = []
    const take = (message: BackendMessage) => {
      answers.push(message)
    }
    // The bytes lie in PGlite's memory and are overwritten later. All of it happens before the call returns.
    void client.execProtocolRawStream(Buffer.concat([...messages, serialize.sync()]), {
      syncToFs: false,
      onRawData: (bytes) => parser.parse(Buffer.from(bytes), take),
    })
    const failed = answers.find(({ name }) => name === 'error')
    if (failed) throw failed
    return answers
  }

  /** Undefined for a text that is not kept: past the limit, or very long. */
  function prepare(text: string): Prepared | undefined {
    const found = known.get(text)
    if (found || known.size >= PREPARED_LIMIT || text.length > MAX_PREPARED_TEXT) return found
    const name = `s${known.size}`
    const answers = exchange([serialize.parse({ name, text }), serialize.describe({ type: 'S', name })])
    const prepared = { name, columns: columnsOf(answers) }
    known.set(text, prepared)
    return prepared
  }

  function runTogether(statements: readonly Statement[], rowMode: RowMode): Result[] {
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
    )
    return readResults(answers, prepared, rowMode)
  }

  return (statements, rowMode) => {
    try {
      return runTogether(statements, rowMode)
    } catch (error) {
      if ((error as DatabaseError).code !== STALE_PLAN || known.size === 0) throw error
      exchange([serialize.query('DEALLOCATE ALL')])
      known.clear()
      return runTogether(statements, rowMode)
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
function readResults(
  answers: BackendMessage[],
  prepared: (Prepared | undefined)[],
  rowMode: RowMode,
): Result[] {
  const results: Result[] = []
  let rows: unknown[] = []
  let described: Column[] = []
  for (const answer of answers) {
    if (answer.name === 'rowDescription') described = columnsOf([answer])
    const columns = prepared[results.length]?.columns ?? described
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
