// Statements of people on the embedded database, by HTTP: one at a time, its rows fetched as they are wanted.
import { serialize } from 'pg-protocol'
import { cancelled, invalidParameter } from '../../errors.ts'
import { QUERY_CANCELED, statementTimedOut } from './errors.ts'
import type { Frame } from './pglite-frames.ts'
import { declareCursor, type PgliteReader, throwError } from './pglite-reader.ts'
import {
  createPieceSizes,
  onlyOnce,
  type ReadSql,
  type SqlColumn,
  type SqlLimits,
  type SqlRow,
  wholeAnswer,
} from './sql-reader.ts'
import { isReport, refuseCalls, requireOneQuery, type SqlText, tooLong } from './sql-text.ts'

export function createPgliteSql(reader: PgliteReader): ReadSql {
  return async (sql, limits) => {
    const statement = requireOneQuery(sql)
    const refusal = tooLong(statement)
    if (refusal !== undefined) throw invalidParameter(refusal)
    const readerLimits = { limitMs: limits.timeoutMs, signal: limits.signal }
    try {
      refuseCalls(statement, await reader.volatileFunctions(readerLimits))
      return await (isReport(statement) ? report(statement, limits) : query(statement, limits))
    } catch (error) {
      throw ended(error, limits)
    }
  }

  async function report({ text }: SqlText, { timeoutMs: limitMs, signal }: SqlLimits) {
    const frames = answered(await reader.transact(asked(text), { limitMs, signal }))
    return wholeAnswer(columnsOf(frames), rowsOf(frames))
  }

  async function query(statement: SqlText, limits: SqlLimits) {
    const cursor = reader.newCursor()
    const sizes = createPieceSizes()
    const wanted = sizes.rows()
    const readerLimits = { limitMs: limits.timeoutMs, signal: limits.signal }
    const opening = [...asked(declareCursor(cursor, statement)), ...asked(fetchFrom(cursor, wanted))]
    const frames = await opened(reader, cursor, async () =>
      answered(await reader.transact(opening, readerLimits)),
    )
    const first = rowsOf(frames)
    const close = onlyOnce(() => closeCursor(reader, cursor))
    async function* pieces() {
      let [rows, count] = [first, wanted]
      try {
        for (;;) {
          yield rows
          if (rows.length < count) return
          sizes.note(rows)
          count = sizes.rows()
          rows = rowsOf(answered(await reader.exchange(asked(fetchFrom(cursor, count)), readerLimits)))
        }
      } catch (error) {
        throw ended(error, limits)
      } finally {
        await close()
      }
    }
    return { columns: columnsOf(frames), pieces: pieces(), close }
  }
}

/** Has the cursor opened. Who leaves at that moment may have left it open. */
export async function opened<T>(reader: PgliteReader, cursor: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    await closeCursor(reader, cursor)
    throw error
  }
}

/** A cursor of a database that ended is gone. */
export async function closeCursor(reader: PgliteReader, cursor: string): Promise<void> {
  const limits = { limitMs: 0, signal: new AbortController().signal }
  await reader.exchange([serialize.query(`CLOSE ${cursor}`)], limits).catch(() => {})
}

const fetchFrom = (cursor: string, rows: number) => `FETCH FORWARD ${rows} FROM ${cursor}`

/** A single statement: whatever its text holds, PostgreSQL takes no second one in the extended protocol. */
const asked = (text: string) => [
  serialize.parse({ text }),
  serialize.bind({}),
  serialize.describe({ type: 'P', name: '' }),
  serialize.execute({}),
  serialize.sync(),
]

/** @throws the error that is among the frames */
function answered(sections: Frame[][]): Frame[] {
  const frames = sections.flat()
  frames.forEach(throwError)
  return frames
}

/** The error to throw for a statement that was ended. */
function ended(error: unknown, { signal, timeoutMs }: SqlLimits): unknown {
  if ((error as { sqlstate?: string }).sqlstate !== QUERY_CANCELED) return error
  return signal.aborted ? cancelled() : statementTimedOut(timeoutMs, error)
}

function columnsOf(frames: readonly Frame[]): SqlColumn[] {
  const body = frames.find(({ type }) => type === 'T')?.body
  if (!body) return []
  const columns: SqlColumn[] = []
  for (let at = 2; at < body.length; ) {
    const end = body.indexOf(0, at)
    columns.push({ name: body.toString('utf8', at, end), oid: body.readUInt32BE(end + 7) })
    at = end + 19
  }
  return columns
}

const rowsOf = (frames: readonly Frame[]): SqlRow[] =>
  frames.filter(({ type }) => type === 'D').map(({ body }) => fieldsOf(body))

function fieldsOf(body: Buffer): SqlRow {
  const fields: SqlRow = []
  let at = 2
  for (let left = body.readInt16BE(0); left > 0; left--) {
    const length = body.readInt32BE(at)
    at += 4
    fields.push(length < 0 ? null : body.toString('utf8', at, at + length))
    at += Math.max(length, 0)
  }
  return fields
}
