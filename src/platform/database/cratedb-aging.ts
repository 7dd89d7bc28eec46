// Old rows on CrateDB: partitions that are dropped, moved between nodes and put into snapshots, and rows by time. Measured on CrateDB 6.4.
import { setTimeout as sleep } from 'node:timers/promises'
import { and, type SQL, sql } from 'drizzle-orm'
import { reasonOf } from '../../errors.ts'
import type { Aging, Holding, Partition, Partitions, PartitionValue, Snapshot, TimeRange } from './aging.ts'
import { NOT_VISIBLE } from './cratedb-health.ts'
import type { Engine } from './engine.ts'
import { isBefore, timeIn } from './old-rows.ts'
import { identifierOf, type TableName } from './own-columns.ts'
import { monthOfPartition, periodEnd } from './periods.ts'

/** Rows of one DELETE at most, as far as times can be halved: some seconds, since no statement may take a minute. */
const MOST_ROWS = 100_000
const EARLIEST_MS = Date.UTC(1, 0)

/** The answer, or undefined where `sys` is hidden from this user. */
async function ifVisible<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question
  } catch (error) {
    if (NOT_VISIBLE.test(reasonOf(error))) return undefined
    throw error
  }
}

const firstNumber = async (engine: Engine, question: SQL): Promise<number | undefined> => {
  const value = (await engine.rows(question))[0]?.[0]
  return value === null || value === undefined ? undefined : Number(value)
}

/** Halves times until their rows are few, the oldest first. */
async function* deleteRange(engine: Engine, range: TimeRange) {
  const { table, column, untilMs, where } = range
  const name = identifierOf(table)
  const time = sql.identifier(column.name)
  /** Nothing is older than the first one, whatever times there are that a calendar does not reach. */
  const isWithin = (from: number, to: number) =>
    and(
      from === Number.NEGATIVE_INFINITY ? undefined : sql`${time} >= ${timeIn(column, from)}`,
      sql`${time} < ${timeIn(column, to)}`,
      where,
    )
  await engine.execute(sql`REFRESH TABLE ${name}`)
  const oldest = await firstNumber(
    engine,
    sql`SELECT min(${time})::BIGINT FROM ${name} WHERE ${isBefore(range)}`,
  )
  if (oldest === undefined) return
  const first = Math.max(oldest, EARLIEST_MS)
  const open: [from: number, to: number][] = [[Number.NEGATIVE_INFINITY, untilMs]]
  for (let part = open.pop(); part; part = open.pop()) {
    const [from, to] = part
    const counted = await engine.rows(sql`SELECT count(*) FROM ${name} WHERE ${isWithin(from, to)}`)
    const count = Number(counted[0]?.[0] ?? 0)
    const middle = Math.floor((Math.max(from, first) + to) / 2)
    if (count > MOST_ROWS && middle > Math.max(from, first)) {
      open.push([middle, to], [from, middle])
    } else if (count > 0) {
      const { rowCount } = await engine.execute(sql`DELETE FROM ${name} WHERE ${isWithin(from, to)}`)
      yield { rows: rowCount }
    }
  }
}

async function bytesOf(engine: Engine, { schema, table }: TableName): Promise<number | undefined> {
  return ifVisible(
    firstNumber(
      engine,
      sql`SELECT sum(size) FROM sys.shards WHERE schema_name = ${schema} AND table_name = ${table} AND "primary"`,
    ),
  )
}

async function holdings(engine: Engine): Promise<Holding[]> {
  type Row = TableName & { ident: string; rows: unknown; bytes: unknown }
  const asked = await ifVisible(
    Promise.all([
      engine.execute<Row>(
        sql`SELECT schema_name AS "schema", table_name AS "table", partition_ident AS ident,
              sum(num_docs) AS "rows", sum(size) AS bytes
            FROM sys.shards WHERE "primary" GROUP BY 1, 2, 3`,
      ),
      engine.execute<TableName & { ident: string; values: Record<string, PartitionValue> }>(
        sql`SELECT table_schema AS "schema", table_name AS "table", partition_ident AS ident, "values"
            FROM information_schema.table_partitions`,
      ),
    ]),
  )
  if (!asked) return []
  const [sizes, partitions] = asked
  const key = (row: TableName & { ident: string }) => JSON.stringify([row.schema, row.table, row.ident])
  const values = new Map(partitions.rows.map((row) => [key(row), row.values]))
  const tables = new Map<string, Holding & { rows: number; bytes: number }>()
  for (const row of sizes.rows) {
    const { schema, table } = row
    const id = JSON.stringify([schema, table])
    const holding = tables.get(id) ?? { schema, table, rows: 0, bytes: 0, partitions: [], months: [] }
    const own = { rows: Number(row.rows ?? 0), bytes: Number(row.bytes ?? 0) }
    holding.rows += own.rows
    holding.bytes += own.bytes
    const known = values.get(key(row))
    if (known) holding.partitions.push({ values: known, ...own })
    tables.set(id, holding)
  }
  return [...tables.values()].map((holding) => ({ ...holding, months: monthsOf(holding.partitions) }))
}

function monthsOf(partitions: Holding['partitions']): Holding['months'] {
  const months = new Map<string, { month: string; rows: number; bytes: number }>()
  for (const { values, rows = 0, bytes = 0 } of partitions) {
    const month = Object.values(values)
      .map(monthOfPartition)
      .find((found) => found !== undefined)
    if (month === undefined) continue
    const sum = months.get(month) ?? { month, rows: 0, bytes: 0 }
    months.set(month, { month, rows: sum.rows + rows, bytes: sum.bytes + bytes })
  }
  return [...months.values()].sort((a, b) => (a.month < b.month ? -1 : 1))
}

/** Its value in every partition column: nothing else is as safe to say. */
const isPartition = ({ values }: Partition): SQL =>
  sql.join(
    Object.entries(values).map(([column, value]) =>
      value === null
        ? sql`${sql.identifier(column)} IS NULL`
        : sql`${sql.identifier(column)} = ${boundOf(value)}`,
    ),
    sql` AND `,
  )

const clauseOf = ({ values }: Partition): SQL =>
  sql`PARTITION (${sql.join(
    Object.entries(values).map(([column, value]) => sql`${sql.identifier(column)} = ${boundOf(value)}`),
    sql`, `,
  )})`

const boundOf = (value: PartitionValue) => (typeof value === 'number' ? String(value) : value)

async function columns(engine: Engine, { schema, table }: TableName): Promise<string[]> {
  const rows = await engine.rows(
    sql`SELECT partitioned_by FROM information_schema.tables WHERE table_schema = ${schema} AND table_name = ${table}`,
  )
  return (rows[0]?.[0] as string[] | null | undefined) ?? []
}

/** The type of a column, and the expression of a generated one. */
async function describeColumn(engine: Engine, { schema, table }: TableName, column: string) {
  const rows = await engine.rows(
    sql`SELECT data_type, generation_expression FROM information_schema.columns
        WHERE table_schema = ${schema} AND table_name = ${table} AND column_name = ${column}`,
  )
  return { type: String(rows[0]?.[0] ?? ''), computed: String(rows[0]?.[1] ?? '') }
}

async function list(engine: Engine, table: TableName, column: string, ident?: string): Promise<Partition[]> {
  interface Row {
    ident: string
    values: Record<string, PartitionValue>
    shards: unknown
    held: boolean | null
    required: Record<string, string> | null
  }
  const described = await describeColumn(engine, table, column)
  const order = await columns(engine, table)
  const isMeant = ident === undefined ? sql`` : sql` AND partition_ident = ${ident}`
  const [{ rows }, sizes] = await Promise.all([
    engine.execute<Row>(
      sql`SELECT partition_ident AS ident, "values", number_of_shards AS shards,
            settings['blocks']['write'] AS held, settings['routing']['allocation']['require'] AS required
          FROM information_schema.table_partitions
          WHERE table_schema = ${table.schema} AND table_name = ${table.table}${isMeant}`,
    ),
    ifVisible(
      engine.rows(
        sql`SELECT partition_ident, sum(num_docs), sum(size) FROM sys.shards
            WHERE schema_name = ${table.schema} AND table_name = ${table.table}${isMeant} AND "primary" GROUP BY 1`,
      ),
    ),
  ])
  const sizeOf = new Map(sizes?.map(([ident, docs, bytes]) => [String(ident), [Number(docs), Number(bytes)]]))
  return rows
    .map(({ ident, values, shards, held, required }) => ({
      ident,
      values: Object.fromEntries(order.map((name) => [name, values[name] ?? null])),
      endsMs: periodEnd(values[column] ?? null, described),
      shards: Number(shards),
      rows: sizeOf.get(ident)?.[0],
      bytes: sizeOf.get(ident)?.[1],
      required: required ?? {},
      isHeld: held === true,
    }))
    .sort((a, b) => (a.endsMs ?? 0) - (b.endsMs ?? 0) || (a.ident < b.ident ? -1 : 1))
}

/** `sys.snapshots` has names without quotes; a schema's has no dot in it. */
function splitName(name: string): TableName {
  const dot = name.indexOf('.')
  return { schema: name.slice(0, dot), table: name.slice(dot + 1) }
}

const partitions: Partitions<Engine> = {
  columns,
  list,
  async count(engine, table, partition) {
    await engine.execute(sql`REFRESH TABLE ${identifierOf(table)} ${clauseOf(partition)}`)
    const question = sql`SELECT count(*) FROM ${identifierOf(table)} WHERE ${isPartition(partition)}`
    return (await firstNumber(engine, question)) ?? 0
  },
  // With all partition columns in it and nothing else, CrateDB drops the partition whole.
  drop: (table, partition) => sql`DELETE FROM ${identifierOf(table)} WHERE ${isPartition(partition)}`,
  hold: (table, partition, isHeld) =>
    sql`ALTER TABLE ${identifierOf(table)} ${clauseOf(partition)} ${
      isHeld ? sql`SET ("blocks.write" = true)` : sql`RESET ("blocks.write")`
    }`,
  require: (table, partition, { attribute, value }) =>
    sql`ALTER TABLE ${identifierOf(table)} ${clauseOf(partition)}
        SET (${sql.identifier(`routing.allocation.require.${attribute}`)} = ${value})`,
  beginSnapshot: (table, partition, { repository, name }) =>
    sql`CREATE SNAPSHOT ${sql.identifier(repository)}.${sql.identifier(name)}
        TABLE ${identifierOf(table)} ${partition ? clauseOf(partition) : sql``} WITH (wait_for_completion = false)`,
  dropSnapshot: ({ repository, name }) =>
    sql`DROP SNAPSHOT ${sql.identifier(repository)}.${sql.identifier(name)}`,
  async findSnapshot(engine, { repository, name }): Promise<Snapshot | undefined> {
    interface Row {
      state: string
      shards: unknown
      failures: string[]
      parts: { table_schema: string; table_name: string; values: (string | null)[] }[]
      tables: string[]
    }
    const { rows } = await engine.execute<Row>(
      sql`SELECT state, total_shards AS shards, failures, table_partitions AS parts, tables
          FROM sys.snapshots WHERE repository = ${repository} AND name = ${name}`,
    )
    const [row] = rows
    return (
      row && {
        state: row.state,
        shards: Number(row.shards ?? 0),
        failures: row.failures ?? [],
        partitions: (row.parts ?? []).map(({ table_schema: schema, table_name: table, values }) => ({
          schema,
          table,
          values,
        })),
        tables: (row.tables ?? []).map(splitName),
      }
    )
  },
  async shardsOf(engine, { schema, table }) {
    const isIt = sql`table_schema = ${schema} AND table_name = ${table}`
    const inPartitions = await firstNumber(
      engine,
      sql`SELECT sum(number_of_shards) FROM information_schema.table_partitions WHERE ${isIt}`,
    )
    const whole = sql`SELECT number_of_shards FROM information_schema.tables WHERE ${isIt}`
    return inPartitions ?? (await firstNumber(engine, whole)) ?? 0
  },
  async hasRepository(engine, name) {
    return (await engine.rows(sql`SELECT 1 FROM sys.repositories WHERE name = ${name}`)).length > 0
  },
  async countNodes(engine, { attribute, value }) {
    const { rows } = await engine.execute<{ attributes: Record<string, string> | null }>(
      sql`SELECT attributes FROM sys.nodes`,
    )
    return rows.filter(
      ({ attributes }) => Object.hasOwn(attributes ?? {}, attribute) && attributes?.[attribute] === value,
    ).length
  },
}

/** Deleted rows that nobody waits for. */
const FEW_DELETED = 50_000
const COMPACT_AGAIN_MS = 10_000
const MOST_COMPACTIONS = 6

/**
 * Has segments with deleted rows written anew without them. A shard keeps what was deleted within the last half minute or so, since a copy may want to
 * hear of it: when that is much, it is done again.
 */
async function* compact(
  engine: Engine,
  table: TableName,
  values?: Record<string, string>,
): AsyncGenerator<void> {
  const [column = ''] = Object.keys(values ?? {})
  const partition =
    values && (await list(engine, table, column)).find((one) => one.values[column] === values[column])
  if (values && !partition) return
  const isOwn = partition ? sql`AND partition_ident = ${partition.ident}` : sql.empty()
  for (let round = 1; ; round++) {
    await engine.execute(
      sql`OPTIMIZE TABLE ${identifierOf(table)} ${partition ? clauseOf(partition) : sql.empty()}
          WITH (only_expunge_deletes = true)`,
    )
    const deleted = await ifVisible(
      firstNumber(
        engine,
        sql`SELECT sum(deleted_docs) FROM sys.segments
            WHERE table_schema = ${table.schema} AND table_name = ${table.table} AND "primary" ${isOwn}`,
      ),
    )
    if ((deleted ?? 0) <= FEW_DELETED || round === MOST_COMPACTIONS) return
    yield
    await sleep(COMPACT_AGAIN_MS)
  }
}

/** Some seconds of one core at worst, shared out over the shards. */
const MOST_COUNTED = 20_000_000

export const cratedbAging: Aging<Engine> = {
  deleteRange,
  compact,
  bytesOf,
  mostCounted: () => MOST_COUNTED,
  holdings,
  partitions,
}
