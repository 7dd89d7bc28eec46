// How CrateDB keeps answers in tables: a partition for each generation of rows, and a view that shows the one which the table of materialized views names.
// So all see the new rows as soon as that row has changed.
//
// To swap tables, or to rename them, opens their shards anew: for 0.1 to 1.3 s all who read were told "no such index" (6.4, two busy cores). A view that
// is replaced is not seen by statements that clients have prepared, which then fail for good. None of some thousand reads failed in this way.
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { invalidParameter } from '../../errors.ts'
import { hashOf } from '../wire/ids.ts'
import type { Engine } from './engine.ts'
import { columnsOf, findMarked, isSince, literal, measure, nameOf, onConflict, rowsOf } from './kept-rows.ts'
import type { Kept, Materializing, Place } from './materializing.ts'
import { describeData } from './old-rows.ts'
import { identifierOf, type TableName } from './own-columns.ts'
import { dropTable } from './own-tables.ts'
import { quoted } from './refusals.ts'
import type { ScriptLimits } from './script.ts'

const GENERATION = 'crateflow_generation'
/** A server that hung, and comes back when others have gone on, writes into a generation of its own. */
const newGeneration = () => randomInt(2 ** 47)
/** A statement that was planned over old rows and has not begun to read them would fail; one that reads goes on. They stay for so long. */
const BEGINNING_MS = 1_000

/** Rows of the same columns go into one table. */
const tableOf = ({ name, mark }: Place, { columns, key }: Kept): TableName => ({
  schema: name.schema,
  table: `${mark}_${hashOf(JSON.stringify([columns, key]), 8)}`,
})

/**
 * One shard for each generation, which shows nothing of what is written before it is told to: rows that are added come into sight together.
 * The key comes behind the columns, as a table that is made of an answer has none.
 */
const creationOf = (
  table: TableName,
  { columns, key, mark }: { columns: string; key: string[]; mark: string },
) =>
  `CREATE TABLE IF NOT EXISTS ${nameOf(table)} (
${columns},
   ${quoted(GENERATION)} BIGINT,
   ${key.length > 0 ? `PRIMARY KEY (${[...key, GENERATION].map(quoted).join(', ')}),` : ''}
   CONSTRAINT ${quoted(mark)} CHECK (true)
) PARTITIONED BY (${quoted(GENERATION)}) CLUSTERED INTO 1 SHARDS
WITH (number_of_replicas = '0-1', refresh_interval = 0, column_policy = 'strict')`

/** Between the parentheses: what stands there is indented. */
const COLUMNS = /\(\n([\s\S]*?)\n\)\n/

const insertionOf = (table: TableName, kept: Kept, generation: number, where?: string) =>
  `INSERT INTO ${nameOf(table)} (${[...columnsOf(kept), quoted(GENERATION)].join(', ')})
   ${rowsOf(kept, { more: `, ${generation}`, ...(where !== undefined && { where }) })}`

const refreshOf = (table: TableName, generation: number) =>
  `REFRESH TABLE ${nameOf(table)} PARTITION (${quoted(GENERATION)} = ${generation})`

const inGeneration = (generation: number) =>
  sql`${sql.identifier(GENERATION)} = ${sql.raw(String(generation))}`

export const cratedbMaterializing: Materializing<Engine> = {
  longestMs: 3600_000,
  async look(engine, { name, mark }) {
    const found = await describeData(engine, name)
    if (!found) return 'free'
    return (await viewOf(engine, name)).includes(mark) ? 'ours' : 'others'
  },
  clean: (engine, place, limits) => cleanUp(engine, place, limits),
  async replace(engine, place, kept, { limits, check, record }) {
    const generation = newGeneration()
    const table = tableOf(place, kept)
    if (kept.columns.some(({ name }) => name === GENERATION))
      throw invalidParameter(`No column of the answer can be called ${GENERATION}.`)
    await ensureTable(engine, place, kept, limits)
    await engine.script([insertionOf(table, kept, generation)], limits)
    // A generation without rows has no partition.
    const isEmpty = !(await generationsOf(engine, table)).includes(generation)
    if (!isEmpty) await engine.script([refreshOf(table, generation)], limits)
    const where = inGeneration(generation)
    const measured = await measure(engine, table, { incremental: kept.incremental, generation, where })
    check(measured)
    await record(measured)
    await show(engine, place, kept, limits)
    // Nobody reads what was not there before.
    if (place.generation === null) return
    // What cannot be dropped now goes with the next refresh.
    await sleep(BEGINNING_MS, undefined, { signal: limits.signal })
      .then(() => cleanUp(engine, { ...place, generation }, limits, table))
      .catch(() => {})
  },
  async takes(engine, place, kept) {
    const { table } = tableOf(place, kept)
    return place.generation !== null && (await viewOf(engine, place.name)).includes(table)
  },
  async merge(engine, place, kept, limits) {
    const table = tableOf(place, kept)
    const { generation } = place
    if (generation === null) throw invalidParameter('There are no rows to add to.')
    const where = inGeneration(generation)
    const { type } = await measure(engine, table, { ...kept, where })
    const rows = insertionOf(table, kept, generation, isSince(kept, type))
    await engine.script([`${rows} ${onConflict(kept, [GENERATION])}`, refreshOf(table, generation)], limits)
    return measure(engine, table, { incremental: kept.incremental, generation, where })
  },
  async drop(engine, place, limits) {
    if ((await this.look(engine, place)) === 'ours')
      await engine.script([`DROP VIEW ${nameOf(place.name)}`], limits)
    for (const table of await findMarked(engine, place.mark)) await dropTable(engine, table)
    await dropTable(engine, shapeOf(place))
  },
}

/** The statement of the view of this name; empty when there is none. */
async function viewOf(engine: Engine, { schema, table }: TableName): Promise<string> {
  const rows = await engine.rows(
    sql`SELECT view_definition FROM information_schema.views WHERE table_schema = ${schema} AND table_name = ${table}`,
  )
  return String(rows[0]?.[0] ?? '')
}

/** Has the view show rows of the table, whatever their generation. */
async function show(engine: Engine, place: Place, kept: Kept, limits: ScriptLimits): Promise<void> {
  const table = tableOf(place, kept)
  if ((await viewOf(engine, place.name)).includes(table.table)) return
  const registry = nameOf({ schema: engine.schema, table: 'materialized_views' })
  await engine.script(
    [
      `CREATE OR REPLACE VIEW ${nameOf(place.name)} AS SELECT ${columnsOf(kept).join(', ')} FROM ${nameOf(table)}
       WHERE ${quoted(GENERATION)} = (SELECT generation FROM ${registry} WHERE view_id = ${literal(place.viewId)})`,
    ],
    limits,
  )
}

/** Drops generations that are not shown, and tables whose columns are not; `shown` when it has just been shown. */
async function cleanUp(engine: Engine, place: Place, limits: ScriptLimits, shown?: TableName): Promise<void> {
  const definition = shown ? shown.table : await viewOf(engine, place.name)
  await dropTable(engine, shapeOf(place))
  for (const table of await findMarked(engine, place.mark)) {
    if (!definition.includes(table.table)) {
      await dropTable(engine, table)
      continue
    }
    const others = (await generationsOf(engine, table)).filter((one) => one !== place.generation)
    const deletions = others.map((one) => `DELETE FROM ${nameOf(table)} WHERE ${quoted(GENERATION)} = ${one}`)
    if (deletions.length > 0) await engine.script(deletions, limits)
  }
}

async function generationsOf(engine: Engine, { schema, table }: TableName): Promise<number[]> {
  const rows = await engine.rows(
    sql`SELECT "values"[${sql.raw(literal(GENERATION))}] FROM information_schema.table_partitions
        WHERE table_schema = ${schema} AND table_name = ${table}`,
  )
  return rows.map(([generation]) => Number(generation))
}

const shapeOf = ({ name, mark }: Place): TableName => ({ schema: name.schema, table: `${mark}_shape` })

/** Makes the table of these columns, unless it is there: an empty table of the answer tells their types, as nothing else knows those within objects. */
async function ensureTable(engine: Engine, place: Place, kept: Kept, limits: ScriptLimits): Promise<void> {
  const table = tableOf(place, kept)
  if (await describeData(engine, table)) return
  const shape = shapeOf(place)
  await dropTable(engine, shape)
  await engine.script([`CREATE TABLE ${nameOf(shape)} AS ${rowsOf(kept)} LIMIT 0`], limits)
  const [row] = await engine.rows(sql`SHOW CREATE TABLE ${identifierOf(shape)}`)
  const columns = COLUMNS.exec(String(row?.[0]))?.[1] ?? ''
  await dropTable(engine, shape)
  await engine.script([creationOf(table, { columns, key: [...kept.key], mark: place.mark })], limits)
}
