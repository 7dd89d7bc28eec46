// An index of every three characters that follow on each other in the texts of a column, by which CrateDB finds any part of a text without
// reading the texts. It doubles what writing costs, so it is there only where an operator has made it.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Column, getTableColumns, getTableName, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { MlflowError } from '../../errors.ts'
import type { Engine } from './engine.ts'

const ANALYZER = 'crateflow_trigrams'
const PART_LENGTH = 3
/** Of longer parts their begin is looked for. */
const MAX_PART_LENGTH = 100
/** How often a server asks whether there is an index. */
const LOOK_EVERY_MS = 60_000
const MAX_TRIES = 50
const PAUSE_MS = 200

interface Look {
  hasIndex: boolean
  atMs: number
}

const looks = new WeakMap<Engine, Map<Column, Look>>()

/** Finds out, now and then, whether the column has an index, for `hasParts`. */
export async function lookForTextIndex(engine: Engine, column: Column): Promise<void> {
  if (!engine.dialect.indexesTexts) return
  const known = looks.get(engine) ?? new Map<Column, Look>()
  looks.set(engine, known)
  const last = known.get(column)
  if (last && (last.hasIndex || Date.now() - last.atMs < LOOK_EVERY_MS)) return
  const definition = await definitionOf(engine, getTableName(column.table))
  known.set(column, { hasIndex: definition.includes(ANALYZER), atMs: Date.now() })
}

/**
 * Holds for the texts that have all parts of a LIKE pattern, in any case and order; undefined where no index tells, be it that there is none
 * or that the parts are shorter than three characters. It narrows: the pattern itself has to be asked for beside it.
 */
export function hasParts(engine: Engine, column: Column, pattern: string): SQL | undefined {
  if (!looks.get(engine)?.get(column)?.hasIndex) return undefined
  const parts = pattern
    .split(/[%_]+/)
    .map((part) => [...part])
    .filter((characters) => characters.length >= PART_LENGTH)
    .map((characters) => characters.slice(0, MAX_PART_LENGTH).join(''))
  if (parts.length === 0) return undefined
  return sql.join(
    parts.map((part) => sql`MATCH(${column}, ${part}) USING phrase`),
    sql` AND `,
  )
}

/**
 * Makes the index over a column of a partitioned table: a table that has it is filled partition by partition, and takes the place of the other one at
 * once. Until then the table takes no writes (clients are told to come back) and is read as before, but for a moment at the end, when it is closed,
 * since CrateDB swaps no table that has a block. When it fails, nothing has changed; when it is killed, the next call mends what it left.
 * @param partition the column that the table is partitioned by
 * @param report is told of each partition and its rows
 * @returns false when there is an index already
 * @throws INVALID_STATE when CrateDB did not take all rows over, or the table is not as the migrations made it
 */
export async function makeTextIndex(
  engine: Engine,
  { column, partition }: { column: Column; partition: Column },
  report: (partition: string, rows: number) => void,
): Promise<boolean> {
  const from = column.table as PgTable
  const table = named(engine, getTableName(from))
  const other = named(engine, `${getTableName(from)}_indexed`)
  await release(engine, table)
  await drop(engine, other)
  const definition = await definitionOf(engine, getTableName(from))
  if (definition.includes(ANALYZER)) return false
  await makeAnalyzer(engine)
  await engine.execute(sql.raw(withIndex(definition, { engine, column })))
  try {
    await engine.execute(sql`ALTER TABLE ${table} SET ("blocks.write" = true)`)
    await copyPartitions(engine, { from, to: other, partition }, report)
    await engine.execute(sql`ALTER TABLE ${table} CLOSE`)
    await engine.execute(sql`ALTER CLUSTER SWAP TABLE ${other} TO ${table}`)
  } catch (error) {
    if (!(await isIndexedAfterAll(engine, from))) throw error
  } finally {
    await drop(engine, other)
  }
  return true
}

/**
 * Lets the table be used again, and answers whether it is the one with the index all the same: CrateDB 6.4 may fail to find the shards
 * of a closed table that it has swapped, and then takes the new one for closed.
 */
async function isIndexedAfterAll(engine: Engine, from: PgTable): Promise<boolean> {
  return untilItWorks(async () => {
    await release(engine, named(engine, getTableName(from)))
    return (await definitionOf(engine, getTableName(from))).includes(ANALYZER)
  })
}

/** Lets a table be read and written that is closed or takes no writes. */
async function release(engine: Engine, table: SQL): Promise<void> {
  await engine.execute(sql`ALTER TABLE ${table} OPEN`)
  await engine.execute(sql`ALTER TABLE ${table} RESET ("blocks.write")`)
}

/** A table that is closed or takes no writes cannot be dropped. */
function drop(engine: Engine, table: SQL): Promise<void> {
  return untilItWorks(async () => {
    await release(engine, table).catch(() => {})
    await engine.execute(sql`DROP TABLE IF EXISTS ${table}`)
  })
}

/** A table that was just closed, opened or swapped may refuse for a moment what it takes then. */
async function untilItWorks<Answer>(run: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    try {
      return await run()
    } catch (error) {
      if (tries === MAX_TRIES) throw error
      await sleep(PAUSE_MS)
    }
  }
}

const named = ({ schema }: Engine, table: string): SQL =>
  sql`${sql.identifier(schema)}.${sql.identifier(table)}`

/** The statement that makes the table, as CrateDB tells it. */
async function definitionOf(engine: Engine, table: string): Promise<string> {
  const rows = await engine.rows(sql`SHOW CREATE TABLE ${named(engine, table)}`)
  return String(rows[0]?.[0])
}

async function makeAnalyzer(engine: Engine): Promise<void> {
  const there = await engine.rows(
    sql`SELECT 1 FROM information_schema.routines WHERE routine_name = ${ANALYZER}`,
  )
  if (there.length > 0) return
  const length = sql.raw(String(PART_LENGTH))
  await engine.execute(sql`CREATE ANALYZER ${sql.identifier(ANALYZER)} (
    TOKENIZER ${sql.identifier(ANALYZER)} WITH (type = 'ngram', min_gram = ${length}, max_gram = ${length}),
    TOKEN_FILTERS (lowercase))`)
}

function withIndex(definition: string, { engine, column }: { engine: Engine; column: Column }): string {
  const table = getTableName(column.table)
  const [name, plain] = [`"${engine.schema}"."${table}"`, `"${column.name}" TEXT INDEX OFF`]
  if (!definition.includes(name) || !definition.includes(plain)) {
    throw new MlflowError('INVALID_STATE', `The table ${table} is not as the migrations made it.`)
  }
  const indexed = `"${column.name}" TEXT INDEX USING FULLTEXT WITH (analyzer = '${ANALYZER}')`
  return definition.replace(name, () => `"${engine.schema}"."${table}_indexed"`).replace(plain, () => indexed)
}

/** CrateDB skips rows that it cannot write, so rows are counted on both sides. */
async function copyPartitions(
  engine: Engine,
  { from, to, partition }: { from: PgTable; to: SQL; partition: Column },
  report: (partition: string, rows: number) => void,
): Promise<void> {
  const source = named(engine, getTableName(from))
  const columns = sql.join(
    Object.values(getTableColumns(from)).map(({ name }) => sql.identifier(name)),
    sql`, `,
  )
  const name = sql.identifier(partition.name)
  await engine.execute(sql`REFRESH TABLE ${source}`)
  const counts = await engine.rows(sql`SELECT ${name}, count(*) FROM ${source} GROUP BY 1 ORDER BY 1`)
  for (const [value, count] of counts) {
    const { rowCount } = await engine.execute(
      sql`INSERT INTO ${to} (${columns}) SELECT ${columns} FROM ${source} WHERE ${name} = ${value}`,
    )
    if (rowCount !== Number(count)) {
      throw new MlflowError('INVALID_STATE', `Of ${count} rows of ${value}, CrateDB took ${rowCount}.`)
    }
    report(String(value), rowCount)
  }
}
