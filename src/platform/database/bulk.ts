// Bulk writes that prove that every row landed.
import { type Column, getTableColumns, type SQL, sql, type Table } from 'drizzle-orm'
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'
import { unavailable } from '../../errors.ts'
import { excluded } from './columns.ts'
import type { Engine, Result, Statement } from './engine.ts'
import { DuplicateKeyError } from './errors.ts'

type RowOf<T extends Table> = { [K in keyof T['$inferSelect']]: T['$inferSelect'][K] }

export interface Upsert<Row = never> {
  /** What happens to a row whose primary key is there already: `keepStored`, `takeNew`, or columns by SQL. */
  onConflict: (engine: Engine) => SQL
  /** Columns to answer for rows that may have been there, as they are stored afterwards. */
  returning?: Column[]
  /** Whether a row is probably new; asked once for each row. A wrong guess costs time, nothing else. Absent: none is. */
  isNew?: (row: Row) => boolean
}

/** The stored row stays as it is. The column must not be part of the primary key. */
export const keepStored = (column: Column) => (engine: Engine) =>
  sql`${sql.identifier(column.name)} = ${engine.dialect.stored(column)}`

/** The stored row takes the column of the new one. */
export const takeNew = (column: Column) => () => sql`${sql.identifier(column.name)} = ${excluded(column)}`

/** The stored row becomes the new one. */
export const takeAll = (table: PgTable) => () => {
  const key = primaryKeyOf(table).map(({ name }) => name)
  const others = Object.values(getTableColumns(table)).filter(({ name }) => !key.includes(name))
  return sql.join(
    others.map((column) => takeNew(column)()),
    sql`, `,
  )
}

/** Rows of one table and the statements that write them. */
export interface BulkWrite {
  table: string
  rows: number
  upsert: () => Statement[]
  /** Rows that are probably new go into an INSERT that fails when one is not, the others into an upsert. */
  insertFirst?: () => Statement[]
}

/**
 * Returns the maker of bulk statements that insert rows, or upsert those whose primary key is there: one statement,
 * one array per column, whatever the number of rows. Its text is made once. Primary keys within the rows of one
 * statement must be distinct.
 */
export function createUpsert<T extends PgTable>(
  engine: Engine,
  table: T,
  { onConflict, returning = [], isNew }: Upsert<RowOf<T>>,
): (rows: readonly RowOf<T>[]) => BulkWrite {
  const primaryKey = primaryKeyOf(table)
  const key = primaryKey.map((column) => sql.identifier(column.name))
  const answer = returning.map((column) => sql.identifier(column.name))
  const { name } = getTableConfig(table)
  const insert = bulkStatement(engine, table)
  const upsert = bulkStatement(
    engine,
    table,
    sql` ON CONFLICT (${sql.join(key, sql`, `)}) DO UPDATE SET ${onConflict(engine)}${
      answer.length > 0 ? sql` RETURNING ${sql.join(answer, sql`, `)}` : sql.empty()
    }`,
  )
  const property = propertyOf(table, primaryKey[0])
  // Rows of one run share most of their values. Elsewhere a statement more is another commit.
  const partsOf = (rows: readonly RowOf<T>[]) =>
    engine.dialect.exclusive ? splitByKey(rows, property) : [rows]
  return (rows) => {
    const write = { table: name, rows: rows.length, upsert: () => partsOf(rows).map(upsert) }
    if (!isNew || !engine.dialect.insertsFaster) return write
    const fresh: RowOf<T>[] = []
    const known: RowOf<T>[] = []
    for (const row of rows) (isNew(row) ? fresh : known).push(row)
    if (fresh.length === 0) return write
    return {
      ...write,
      insertFirst: () => [
        ...partsOf(fresh).map(insert),
        ...(known.length > 0 ? partsOf(known).map(upsert) : []),
      ],
    }
  }
}

/** Ids that a guess of what is new remembers at least, some 100 bytes each. */
const IDS_REMEMBERED = 50_000

/**
 * Returns a guess for `isNew`: whether a row with this id comes for the first time, as far as is remembered, which
 * is between 50,000 and twice as many ids.
 */
export function comesFirst<Row>(idOf: (row: Row) => string): (row: Row) => boolean {
  let recent = new Set<string>()
  let older = new Set<string>()
  return (row) => {
    const id = idOf(row)
    if (recent.has(id)) return false
    if (recent.size >= IDS_REMEMBERED) {
      older = recent
      recent = new Set()
    }
    recent.add(id)
    return !older.has(id)
  }
}

/** Rows sorted by primary key: PostgreSQL servers that write the same rows at once must lock them in one order. */
export const inKeyOrder = <Row>(rows: Map<string, Row>): Row[] =>
  [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)

/**
 * Runs bulk writes that do not depend on each other, and answers each one's returned rows.
 *
 * CrateDB skips rows of such a statement that it cannot write (a shard that is away, text that is too long, a
 * violated check) and reports success with a smaller count (measured on 6.4). Every row counts here, since a
 * conflict updates; a smaller count is therefore an error, and nothing is acknowledged that was not written.
 * `ON CONFLICT DO NOTHING` could not tell skipped rows from known ones.
 * @throws TEMPORARILY_UNAVAILABLE when not all rows landed; writing them again is safe
 */
export async function writeAll(
  engine: Engine,
  writes: readonly BulkWrite[],
): Promise<Record<string, unknown>[][]> {
  const filled = writes.filter(({ rows }) => rows > 0)
  if (filled.length === 0) return writes.map(() => [])
  const results =
    (await tryInserts(engine, filled)) ??
    (await executeWrites(
      engine,
      filled.map(({ upsert }) => upsert()),
    ))
  return writes.map((write) => {
    if (write.rows === 0) return []
    const { rows = [], rowCount = 0 } = results[filled.indexOf(write)] ?? {}
    if (rowCount === write.rows) return rows as Record<string, unknown>[]
    throw unavailable('The database did not take all rows. Please retry.', {
      table: write.table,
      rows: write.rows,
      written: rowCount,
    })
  })
}

/** Like `writeAll`, one step after the other: rows of a step are there only with those of the steps before. */
export async function writeInOrder(
  engine: Engine,
  steps: readonly (readonly BulkWrite[])[],
): Promise<Record<string, unknown>[][]> {
  // There the statements of one exchange run in their order and are one commit.
  if (engine.dialect.exclusive) return writeAll(engine, steps.flat())
  const results: Record<string, unknown>[][] = []
  for (const step of steps) results.push(...(await writeAll(engine, step)))
  return results
}

/** The result of each write, or undefined when none asks for it or a row was not new: then all are to be upserted. */
async function tryInserts(engine: Engine, writes: readonly BulkWrite[]): Promise<Result[] | undefined> {
  if (!writes.some(({ insertFirst }) => insertFirst)) return undefined
  try {
    return await executeWrites(
      engine,
      writes.map(({ upsert, insertFirst = upsert }) => insertFirst()),
    )
  } catch (error) {
    if (error instanceof DuplicateKeyError) return undefined
    throw error
  }
}

/** One result for the statements of each write. */
async function executeWrites(engine: Engine, writes: readonly Statement[][]): Promise<Result[]> {
  const results = await engine.executeAll(writes.flat())
  return writes.map(({ length }) => {
    const own = results.splice(0, length)
    return {
      rows: own.flatMap(({ rows }) => rows),
      rowCount: own.reduce((sum, { rowCount }) => sum + rowCount, 0),
    }
  })
}

/** Upserts rows of one table. @see createUpsert, writeAll */
export async function upsertRows<T extends PgTable>(
  engine: Engine,
  table: T,
  rows: readonly RowOf<T>[],
  upsert: Upsert<RowOf<T>>,
): Promise<Record<string, unknown>[]> {
  if (rows.length === 0) return []
  const [returned] = await writeAll(engine, [createUpsert(engine, table, upsert)(rows)])
  return returned ?? []
}

/**
 * Returns an insert of rows that are probably new. It answers whether all of them were: if not, any of them may have been
 * inserted.
 */
export function createInsert<T extends PgTable>(
  engine: Engine,
  table: T,
): (rows: readonly RowOf<T>[]) => Promise<boolean> {
  const insert = bulkStatement(engine, table)
  return async (rows) => {
    try {
      const [result] = await engine.executeAll([insert(rows)])
      return result?.rowCount === rows.length
    } catch (error) {
      if (error instanceof DuplicateKeyError) return false
      throw error
    }
  }
}

/** The name of a column's property in rows. */
const propertyOf = <T extends PgTable>(table: T, column: Column | undefined) =>
  Object.entries(getTableColumns(table)).find(([, own]) => own === column)?.[0] as keyof RowOf<T>

function primaryKeyOf(table: PgTable): Column[] {
  const { columns, primaryKeys } = getTableConfig(table)
  return primaryKeys[0]?.columns ?? columns.filter((column) => column.primary)
}

/** Rows cut where the value of a property changes, unless the pieces were small. */
function splitByKey<Row>(rows: readonly Row[], property: keyof Row): (readonly Row[])[] {
  const starts = rows.flatMap((row, i) => (i === 0 || row[property] !== rows[i - 1]?.[property] ? [i] : []))
  if (rows.length < starts.length * SHARED_FROM) return [rows]
  return starts.map((start, i) => rows.slice(start, starts[i + 1]))
}

/** Rows from which on it pays to send a value that all of them share once. */
const SHARED_FROM = 100
/** Texts per statement, one for each set of shared columns that came up; batches of other sets send arrays only. */
const MAX_TEXTS = 8

/**
 * Returns the maker of `INSERT INTO table (a, b) SELECT $1::text, unnest($2::bigint[])` with a clause behind it: an
 * array per column, or one value where a large batch has the same in all rows, as runs and steps usually are (a
 * quarter of the time on PGlite, measured on 0.5). PGlite takes a tenth longer for one `unnest` of all arrays.
 */
function bulkStatement<T extends PgTable>(engine: Engine, table: T, clause = sql.empty()) {
  const columns = Object.entries(getTableColumns(table))
  const names = sql.join(
    columns.map(([, column]) => sql.identifier(column.name)),
    sql`, `,
  )
  const texts = new Map<number, Statement>()

  function textOf(shared: number): Statement {
    const values = columns.map(([, column], i) => {
      const type = sql.raw(column.getSQLType())
      return (shared >> i) & 1 ? sql`${null}::${type}` : sql`unnest(${sql.param([])}::${type}[])`
    })
    const text = engine.compile(
      sql`INSERT INTO ${table} (${names}) SELECT ${sql.join(values, sql`, `)}${clause}`,
    )
    texts.set(shared, text)
    return text
  }

  return (rows: readonly RowOf<T>[]): Statement => {
    const arrays = columns.map(([column]) =>
      rows.map((row) => (row as Record<string, unknown>)[column] ?? null),
    )
    let shared = 0
    if (rows.length >= SHARED_FROM)
      for (const [i, values] of arrays.entries()) if (isShared(values)) shared |= 1 << i
    if (!texts.has(shared) && texts.size >= MAX_TEXTS) shared = 0
    const { text, params } = texts.get(shared) ?? textOf(shared)
    const own = arrays.map((values, i) => ((shared >> i) & 1 ? values[0] : values))
    return { text, params: [...own, ...params.slice(columns.length)] }
  }
}

function isShared(values: readonly unknown[]): boolean {
  for (const value of values) if (value !== values[0]) return false
  return true
}
