// CrateDB's index of every three characters that follow on each other in the texts of a column. It doubles what writing costs, so it is there only
// where an operator has made it.
import { type Column, getTableColumns, getTableName, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { MlflowError } from '../../errors.ts'
import type { Engine } from './engine.ts'
import { identifierOf } from './own-columns.ts'
import { PART_LENGTH, type TextIndexing, type TextPlace } from './text-indexing.ts'

const ANALYZER = 'crateflow_trigrams'

export const cratedbTextIndexing: TextIndexing<Engine> = {
  // Counted in some milliseconds, without reading them.
  fewRows: 20_000,
  has: async (engine, { table }) => (await definitionOf(engine, getTableName(table))).includes(ANALYZER),
  hasPart: (column, part) => sql`MATCH(${column}, ${part}) USING phrase`,
  comparesParts: true,
  make: makeIndex,
}

/**
 * Makes the index over a column of a partitioned table: a table that has it is filled partition by partition, and takes the place of the other one at
 * once. Partitions take no writes from when they are copied (clients are told to come back), and are read as before. When it fails, nothing has
 * changed; when it is killed, the next call mends what it left.
 * @throws INVALID_STATE when CrateDB did not take all rows over, or the table is not as the migrations made it
 */
async function makeIndex(
  engine: Engine,
  { column, partition }: TextPlace,
  report: (partition: string, rows: number) => void,
): Promise<boolean> {
  const from = column.table as PgTable
  const copy = { engine, from, partition, report, isCopied: new Set<string>() }
  const table = identifierOf({ schema: engine.schema, table: getTableName(from) })
  const other = identifierOf({ schema: engine.schema, table: `${getTableName(from)}_indexed` })
  await engine.execute(sql`DROP TABLE IF EXISTS ${other}`)
  const definition = await definitionOf(engine, getTableName(from))
  if (definition.includes(ANALYZER)) return false
  await makeAnalyzer(engine)
  await engine.execute(sql.raw(withIndex(definition, { engine, column })))
  try {
    await copyPartitions(copy, table, other)
    // The table itself must take writes: CrateDB swaps none that does not.
    await engine.execute(sql`ALTER CLUSTER SWAP TABLE ${other} TO ${table}`)
    // What a month has brought that began in between.
    await copyPartitions(copy, other, table)
  } finally {
    const isSwapped = (await definitionOf(engine, getTableName(from))).includes(ANALYZER)
    if (!isSwapped) await takeWrites(copy, table)
    await engine.execute(sql`DROP TABLE IF EXISTS ${other}`)
  }
  return true
}

interface Copy {
  engine: Engine
  /** The table whose columns they are. */
  from: PgTable
  partition: Column
  report: (partition: string, rows: number) => void
  isCopied: Set<string>
}

/** The statement that makes the table, as CrateDB tells it. */
async function definitionOf(engine: Engine, table: string): Promise<string> {
  const rows = await engine.rows(sql`SHOW CREATE TABLE ${identifierOf({ schema: engine.schema, table })}`)
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

/** Copies the partitions that are not copied yet. CrateDB skips rows that it cannot write, so rows are counted on both sides. */
async function copyPartitions(copy: Copy, source: SQL, target: SQL): Promise<void> {
  const { engine, from, partition, report, isCopied } = copy
  const columns = sql.join(
    Object.values(getTableColumns(from)).map(({ name }) => sql.identifier(name)),
    sql`, `,
  )
  const name = sql.identifier(partition.name)
  for (const value of await partitionsOf(copy, source)) {
    if (isCopied.has(value)) continue
    await setWrites(copy, source, value, false)
    await engine.execute(sql`REFRESH TABLE ${source}`)
    const counted = await engine.rows(sql`SELECT count(*) FROM ${source} WHERE ${name} = ${value}`)
    const { rowCount } = await engine.execute(
      sql`INSERT INTO ${target} (${columns}) SELECT ${columns} FROM ${source} WHERE ${name} = ${value}`,
    )
    if (rowCount !== Number(counted[0]?.[0])) {
      throw new MlflowError(
        'INVALID_STATE',
        `Of ${counted[0]?.[0]} rows of ${value}, CrateDB took ${rowCount}.`,
      )
    }
    isCopied.add(value)
    report(value, rowCount)
  }
}

async function partitionsOf({ engine, partition }: Copy, table: SQL): Promise<string[]> {
  const name = sql.identifier(partition.name)
  await engine.execute(sql`REFRESH TABLE ${table}`)
  const rows = await engine.rows(sql`SELECT ${name} FROM ${table} GROUP BY 1 ORDER BY 1`)
  return rows.map(([value]) => String(value))
}

/** Whether the partition takes writes. */
async function setWrites({ engine, partition }: Copy, table: SQL, value: string, isTaking: boolean) {
  const literal = sql.raw(`'${value.replaceAll("'", "''")}'`)
  const setting = isTaking ? sql`RESET ("blocks.write")` : sql`SET ("blocks.write" = true)`
  await engine.execute(
    sql`ALTER TABLE ${table} PARTITION (${sql.identifier(partition.name)} = ${literal}) ${setting}`,
  )
}

async function takeWrites(copy: Copy, table: SQL): Promise<void> {
  for (const value of await partitionsOf(copy, table)) await setWrites(copy, table, value, true)
}
