// PostgreSQL's index of every three letters and digits that follow on each other in the texts of a column, by its extension `pg_trgm`. Rows of a
// kilobyte are written four times as fast without it (docs/storage.md).
// https://www.postgresql.org/docs/18/pgtrgm.html
import { type Column, getTableName, sql } from 'drizzle-orm'
import { MlflowError } from '../../errors.ts'
import type { Engine } from './engine.ts'
import { findLease, moveLease } from './leases.ts'
import { identifierOf } from './own-columns.ts'
import { PART_LENGTH, type TextIndexing } from './text-indexing.ts'

const EXTENSION = 'pg_trgm'
/** The extension's class of operators for the columns of an index. */
const OPERATORS = 'gin_trgm_ops'
/** Other letters than these count by the locale of the database. */
const WORD = new RegExp(`[A-Za-z0-9]{${PART_LENGTH},}`)

/** The work of making it, and how long others leave it to whoever has begun, in milliseconds: then PostgreSQL tells them of it. */
const MAKING = 'index of texts'
const BEGINNING_MS = 60_000

/** @param concurrently whether others write meanwhile */
export const createPostgresTextIndexing = (concurrently: boolean): TextIndexing<Engine> => ({
  // They are read to be sure.
  fewRows: 2_000,
  has: async (engine, column) => (await hasIndex(engine, column)) && (await lowersByLetter(engine)),
  hasPart(column, part, mindsCase) {
    if (!WORD.test(part)) return undefined
    const like = sql.raw(mindsCase ? 'LIKE' : 'ILIKE')
    return sql`${column} ${like} ${`%${part.replaceAll('\\', '\\\\')}%`}`
  },
  async make(engine, { column }) {
    if (!(await lowersByLetter(engine))) {
      throw new MlflowError(
        'INVALID_STATE',
        `The locale of this database makes letters small by what stands beside them, or I to another letter than i: the extension ${EXTENSION} would not find what searches find.`,
      )
    }
    if (await hasIndex(engine, column)) return false
    if (concurrently) await makeBesideOthers(engine, column)
    else await makeIndex(engine, column, false)
    return true
  },
})

/** @throws INVALID_STATE while another command makes it: PostgreSQL would end one of them, and that may be the first one */
async function makeBesideOthers(engine: Engine, column: Column): Promise<void> {
  const [seen, nowMs] = [await findLease(engine, MAKING), Date.now()]
  const mine = { name: MAKING, ownerId: crypto.randomUUID(), untilMs: nowMs + BEGINNING_MS }
  const isFree = !seen || seen.untilMs <= nowMs
  if (!isFree || (await isMade(engine, column)) || !(await moveLease(engine, seen, mine))) {
    throw new MlflowError(
      'INVALID_STATE',
      'The index is being made at the moment. Please try again in some minutes.',
    )
  }
  try {
    await makeIndex(engine, column, true)
  } finally {
    await moveLease(engine, mine, { ...mine, untilMs: nowMs }).catch(() => {})
  }
}

const nameOf = ({ table, name }: Column): string => `${getTableName(table)}_${name}_parts`

async function makeIndex(engine: Engine, column: Column, concurrently: boolean): Promise<void> {
  const { schema } = engine
  await makeExtension(engine)
  const [home] = await engine.rows(
    sql`SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = ${EXTENSION}`,
  )
  const way = sql.raw(concurrently ? 'CONCURRENTLY' : '')
  const drop = () =>
    engine.execute(sql`DROP INDEX ${way} IF EXISTS ${identifierOf({ schema, table: nameOf(column) })}`)
  // One that was not completed is there, is written, and serves nobody.
  await drop()
  try {
    await engine.execute(sql`CREATE INDEX ${way} ${sql.identifier(nameOf(column))}
      ON ${identifierOf({ schema, table: getTableName(column.table) })}
      USING gin (${sql.identifier(column.name)} ${identifierOf({ schema: String(home?.[0]), table: OPERATORS })})`)
  } catch (error) {
    await drop().catch(() => {})
    throw error
  }
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

/**
 * Whether the database makes each letter small by itself, and `I` to `i`. The extension does as the database (from PostgreSQL 18 on as ICU, too, which
 * looks at the letters beside a Greek sigma), and what is only a part of a text is not found then. PostgreSQL below 15 has no such locales.
 */
async function lowersByLetter(engine: Engine): Promise<boolean> {
  const [row] = await engine.rows(sql`SELECT lower('I' COLLATE "default") = 'i'
      AND (provider IS NULL OR provider = 'c' OR (provider = 'b' AND locale IN ('C', 'C.UTF-8')))
    FROM (SELECT to_jsonb(d) ->> 'datlocprovider' AS provider, to_jsonb(d) ->> 'datlocale' AS locale
      FROM pg_database d WHERE d.datname = current_database()) AS own`)
  return row?.[0] === true
}

/** Whether somebody makes an index of the name: it is there, but not valid, and its table is locked as for that. */
async function isMade(engine: Engine, column: Column): Promise<boolean> {
  const rows = await engine.rows(sql`SELECT 1 FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_locks l ON l.relation = i.indrelid AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted
    WHERE n.nspname = ${engine.schema} AND c.relname = ${nameOf(column)} AND NOT i.indisvalid
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
  return rows.length > 0
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
