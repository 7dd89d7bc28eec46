// Statements of people on a database server: each on a connection of its own, which ends with it, in a cursor of the database.
import pg from 'pg'
import { invalidParameter, MlflowError } from '../../errors.ts'
import { watchStatement } from './cancel.ts'
import { translateDriverError } from './errors.ts'
import {
  createPieceSizes,
  onlyOnce,
  type ReadSql,
  type SqlAnswer,
  type SqlColumn,
  type SqlLimits,
  type SqlRow,
  wholeAnswer,
} from './sql-reader.ts'
import {
  isReport,
  refuseCalls,
  refuseHidden,
  requireOneQuery,
  type SqlText,
  VOLATILE_FUNCTIONS,
} from './sql-text.ts'

/** What differs between the servers that are read from. */
export interface SqlDialect {
  /** Statements that come first, for a session whose statements may take so many milliseconds. */
  begin: (timeoutMs: number) => readonly string[]
  /** The text behind `DECLARE … CURSOR FOR`. */
  cursorFor: (statement: SqlText) => string
  /** Whether functions may do more than answer. */
  hasVolatileFunctions: boolean
}

const asTexts = { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig
const CURSOR = 'crateflow_sql'

/** @param connect a connection that nobody else uses; it is given back broken, so that none of its settings live on */
export function createPoolSql(connect: () => Promise<pg.PoolClient>, dialect: SqlDialect): ReadSql {
  return async (sql, limits) => {
    const statement = requireOneQuery(sql)
    refuseHidden(statement)
    const client = await connect().catch((error: unknown) => {
      throw translateDriverError(error)
    })
    const run = (text: string) => runWatched(client, text, limits)
    const release = onlyOnce(async () => client.release(true))
    try {
      for (const text of dialect.begin(limits.timeoutMs)) await run(text)
      if (dialect.hasVolatileFunctions) {
        const { rows } = await run(VOLATILE_FUNCTIONS)
        refuseCalls(statement, new Set(rows.map(([name]) => name as string)))
      }
      if (!isReport(statement)) return await query(statement, run, release)
      const { rows, fields } = await run(statement.text)
      await release()
      return wholeAnswer(columnsOf(fields), rows)
    } catch (error) {
      await release()
      throw error
    }
  }

  async function query(statement: SqlText, run: Run, release: () => Promise<void>): Promise<SqlAnswer> {
    await run(`DECLARE ${CURSOR} NO SCROLL CURSOR FOR ${dialect.cursorFor(statement)}`)
    const sizes = createPieceSizes()
    const fetch = (count: number) => run(`FETCH FORWARD ${count} FROM ${CURSOR}`)
    const wanted = sizes.rows()
    const first = await fetch(wanted)
    async function* pieces() {
      let [rows, count] = [first.rows as SqlRow[], wanted]
      try {
        for (;;) {
          yield rows
          if (rows.length < count) return
          sizes.note(rows)
          count = sizes.rows()
          rows = (await fetch(count)).rows
        }
      } finally {
        await release()
      }
    }
    return { columns: columnsOf(first.fields), pieces: pieces(), close: release }
  }
}

type Run = (text: string) => Promise<pg.QueryArrayResult<SqlRow>>

const columnsOf = (fields: readonly pg.FieldDef[]): SqlColumn[] =>
  fields.map(({ name, dataTypeID }) => ({ name, oid: dataTypeID }))

/**
 * Runs one statement in the extended protocol, which takes no second one behind a semicolon; CrateDB's simple protocol runs
 * all of them.
 */
async function runWatched(client: pg.PoolClient, text: string, limits: SqlLimits) {
  const watched = watchStatement(client, limits)
  const query = { text, queryMode: 'extended', rowMode: 'array' as const, types: asTexts }
  let failure: unknown
  try {
    return await Promise.race([client.query<SqlRow>(query), watched.givenUp])
  } catch (error) {
    failure = error
    throw asAnswer(watched.reasonFor(error))
  } finally {
    await watched.settle(failure)
  }
}

/** Classes of SQLSTATEs that tell what is wrong with a statement, or with the values that it met. */
const ABOUT_STATEMENT = /^(0A|21|22|25|34|42)/

/** What the database says of a statement is for whoever wrote it. */
export function asAnswer(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return translateDriverError(error)
  if (ABOUT_STATEMENT.test(error.code ?? '')) return invalidParameter(error.message)
  const translated = translateDriverError(error)
  return translated instanceof MlflowError ? translated : invalidParameter(error.message)
}
