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
/** Other letters than these count by the locale of the database. */
const WORD = new RegExp(`[A-Za-z0-9]{${PART_LENGTH},}`)

/** @param concurrently whether others write meanwhile */
export const createPostgresTextIndexing = (concurrently: boolean): TextIndexing<Engine> => ({
  // They are read to be sure.
  fewRows: 2_000,
  has: hasIndex,
  hasPart(column, part, mindsCase) {
    if (!WORD.test(part)) return undefined
    const like = sql.raw(mindsCase ? 'LIKE' : 'ILIKE')
    return sql`${column} ${like} ${`%${part.replaceAll('\\', '\\\\')}%`}`
  },
  plain: (column) => column,
  async make(engine, { column }) {
    if (await hasIndex(engine, column)) return false
    await makeExtension(engine)
    const [home] = await engine.rows(
      sql`SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = ${EXTENSION}`,
    )
    const name = `${getTableName(column.table)}_${column.name}_parts`
    // One that was not completed is there, too, and serves nobody.
    await engine.execute(sql`DROP INDEX IF EXISTS ${identifierOf({ schema: engine.schema, table: name })}`)
    await engine.execute(sql`CREATE INDEX ${sql.raw(concurrently ? 'CONCURRENTLY' : '')} ${sql.identifier(name)}
      ON ${identifierOf({ schema: engine.schema, table: getTableName(column.table) })}
      USING gin (${sql.identifier(column.name)} ${identifierOf({ schema: String(home?.[0]), table: OPERATORS })})`)
    return true
  },
})

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
