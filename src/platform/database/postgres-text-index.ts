// PostgreSQL's index of every three letters and digits that follow on each other in the texts of a column, by its extension `pg_trgm`. Rows of a
// kilobyte are written four times as fast without it (docs/storage.md).
// https://www.postgresql.org/docs/18/pgtrgm.html
import { type Column, getTableName, sql } from 'drizzle-orm'
import { MlflowError } from '../../errors.ts'
import type { Engine } from './engine.ts'
import { identifierOf } from './own-columns.ts'
import { PART_LENGTH, type TextIndexing } from './text-indexing.ts'

const EXTENSION = 'pg_trgm'
/** The extension's class of operators for the columns of an index. */
const OPERATORS = 'gin_trgm_ops'
/** SQLSTATE of a name that is taken by a table or an index. */
const DUPLICATE_TABLE = '42P07'
/** Other letters than these count by the locale of the database. */
const WORD = new RegExp(`[A-Za-z0-9]{${PART_LENGTH},}`)

/** @param concurrently whether others write meanwhile */
export const createPostgresTextIndexing = (concurrently: boolean): TextIndexing<Engine> => ({
  // They are read to be sure.
  fewRows: 2_000,
  has: async (engine, column) => (await hasIndex(engine, column)) && (await lowersAscii(engine)),
  hasPart(column, part, mindsCase) {
    if (!WORD.test(part)) return undefined
    const like = sql.raw(mindsCase ? 'LIKE' : 'ILIKE')
    return sql`${column} ${like} ${`%${part.replaceAll('\\', '\\\\')}%`}`
  },
  async make(engine, { column }) {
    await refuseLocale(engine)
    if (await hasIndex(engine, column)) return false
    const [table, index] = [getTableName(column.table), `${getTableName(column.table)}_${column.name}_parts`]
    await refuseOthers(engine, table)
    await makeExtension(engine)
    const [home] = await engine.rows(
      sql`SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = ${EXTENSION}`,
    )
    const way = sql.raw(concurrently ? 'CONCURRENTLY' : '')
    const drop = () =>
      engine.execute(
        sql`DROP INDEX ${way} IF EXISTS ${identifierOf({ schema: engine.schema, table: index })}`,
      )
    // One that was not completed is there, is written, and serves nobody.
    await drop()
    try {
      await engine.execute(sql`CREATE INDEX ${way} ${sql.identifier(index)}
        ON ${identifierOf({ schema: engine.schema, table })}
        USING gin (${sql.identifier(column.name)} ${identifierOf({ schema: String(home?.[0]), table: OPERATORS })})`)
    } catch (error) {
      // One of this name is another command's.
      if ((error as { code?: unknown }).code !== DUPLICATE_TABLE) await drop().catch(() => {})
      throw error
    }
    return true
  },
})

/** @throws INVALID_STATE where the extension takes other letters for the same than ILIKE, which minds those of ASCII alone */
async function refuseLocale(engine: Engine): Promise<void> {
  if (await lowersAscii(engine)) return
  throw new MlflowError(
    'INVALID_STATE',
    `The locale of this database has letters of its own for I and i, which the extension ${EXTENSION} minds and searches do not.`,
  )
}

async function lowersAscii(engine: Engine): Promise<boolean> {
  const [row] = await engine.rows(sql`SELECT lower('I' COLLATE "default") = 'i'`)
  return row?.[0] === true
}

/** @throws INVALID_STATE while another one makes an index of the table */
async function refuseOthers(engine: Engine, table: string): Promise<void> {
  const others = await engine.rows(sql`SELECT 1 FROM pg_stat_progress_create_index p
    JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ${engine.schema} AND c.relname = ${table}`)
  if (others.length > 0)
    throw new MlflowError('INVALID_STATE', `An index of ${table} is being made at the moment.`)
}

async function makeExtension(engine: Engine): Promise<void> {
  try {
    await engine.execute(sql`CREATE EXTENSION IF NOT EXISTS ${sql.identifier(EXTENSION)} SCHEMA public`)
  } catch (error) {
    if (error instanceof MlflowError) throw error
    throw new MlflowError(
      'INVALID_STATE',
      `The index takes the extension ${EXTENSION}: ${(error as Error).message}. Where PostgreSQL's contributed modules are installed, let an administrator run in this database: CREATE EXTENSION ${EXTENSION} SCHEMA public`,
    )
  }
}

const hasIndex = async (engine: Engine, column: Column): Promise<boolean> => {
  const rows = await engine.rows(sql`SELECT 1 FROM pg_index i
    JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
    JOIN pg_opclass o ON o.oid = i.indclass[0]
    WHERE n.nspname = ${engine.schema} AND c.relname = ${getTableName(column.table)} AND a.attname = ${column.name}
      AND o.opcname = ${OPERATORS} AND i.indisvalid AND i.indpred IS NULL`)
  return rows.length > 0
}
