// Deletes what belongs to rows for good: all of it, in pieces that hold nobody up, and proved.
import { and, type Column, or, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { unavailable } from '../../errors.ts'
import { isOwned } from './children.ts'
import { arrayOf } from './columns.ts'
import type { Engine } from './engine.ts'

/** Rows of a table that belong to others. */
export interface Owned {
  table: PgTable
  /** The columns that tell whose they are, each the first one of an index. */
  of: Column | Column[]
  /** What else holds for them. */
  where?: SQL | undefined
}

/** Rows of one statement where statements wait for each other: some 100 ms on PGlite. */
const SLICE = 10_000
/** Times that a table is gone through before the database is taken to keep rows from the deletion. */
const MAX_ROUNDS = 3

/**
 * Deletes the rows of each table that belong to the owners by one of the columns. Sees what was acknowledged before the
 * call, and looks afterwards whether anything is left: CrateDB reports success where a shard that is away keeps rows.
 * Repeatable. @returns how many rows went
 * @throws TEMPORARILY_UNAVAILABLE when rows stay
 */
export async function deleteOwned(
  engine: Engine,
  owned: readonly Owned[],
  owners: readonly string[],
): Promise<number> {
  if (owners.length === 0) return 0
  let deleted = 0
  let left = owned
  for (let round = 0; left.length > 0; round++) {
    if (round === MAX_ROUNDS) throw unavailable('The database did not delete all rows. Please retry.')
    await engine.refresh(...left.map(({ table }) => table))
    const counts = await Promise.all(left.map((one) => deleteFrom(engine, one, owners)))
    for (const count of counts) deleted += count
    await engine.refresh(...left.map(({ table }) => table))
    const found = await Promise.all(left.map((one) => engine.rows(findOne(engine, one, owners))))
    left = left.filter((_one, i) => found[i]?.length)
  }
  return deleted
}

async function deleteFrom(engine: Engine, owned: Owned, owners: readonly string[]): Promise<number> {
  const { table } = owned
  if (!engine.dialect.looksUp) {
    return (await engine.execute(sql`DELETE FROM ${table} WHERE ${belongs(owned, owners)}`)).rowCount
  }
  let deleted = 0
  for (;;) {
    const { rowCount } = await engine.execute(
      sql`DELETE FROM ${table} WHERE ctid = ANY(ARRAY(${placesOf(owned, owners, SLICE)}))`,
    )
    deleted += rowCount
    if (rowCount < SLICE) return deleted
  }
}

const findOne = (engine: Engine, owned: Owned, owners: readonly string[]): SQL =>
  engine.dialect.looksUp
    ? placesOf(owned, owners, 1)
    : sql`SELECT 1 FROM ${owned.table} WHERE ${belongs(owned, owners)} LIMIT 1`

const belongs = ({ of, where }: Owned, owners: readonly string[]) =>
  and(or(...[of].flat().map((column) => isOwned(column, owners))), where)

/** Where PostgreSQL keeps some of the rows, which it finds owner by owner, whatever statistics it has of the table. */
function placesOf({ table, of, where }: Owned, owners: readonly string[], limit: number): SQL {
  const columns = [of].flat() as [Column, ...Column[]]
  const isOwn = and(or(...columns.map((column) => sql`${column} = owner.id`)), where)
  return sql`SELECT own.ctid FROM (SELECT unnest(${arrayOf(columns[0], new Set(owners))})) AS owner (id)
    CROSS JOIN LATERAL (SELECT ctid FROM ${table} WHERE ${isOwn} OFFSET 0) AS own LIMIT ${limit}`
}

/** How many rows of the tables belong to each of the owners, by owner. Sees what was acknowledged before the call. */
export async function countOwned(
  engine: Engine,
  owned: readonly Owned[],
  owners: readonly string[],
): Promise<Map<string, number>> {
  const counts = new Map<string, number>(owners.map((id) => [id, 0]))
  if (owners.length === 0) return counts
  await engine.refresh(...owned.map(({ table }) => table))
  const pairs = owned.flatMap(({ table, of, where }) =>
    [of].flat().map((column) => ({ table, column, where })),
  )
  const found = await Promise.all(pairs.map((pair) => engine.rows(countBy(engine, pair, owners))))
  for (const rows of found) {
    for (const [id, count] of rows) counts.set(String(id), (counts.get(String(id)) ?? 0) + Number(count))
  }
  return counts
}

function countBy(
  { dialect }: Engine,
  { table, column, where }: { table: PgTable; column: Column; where: SQL | undefined },
  owners: readonly string[],
): SQL {
  if (!dialect.looksUp)
    return sql`SELECT ${column}, count(*) FROM ${table} WHERE ${and(isOwned(column, owners), where)} GROUP BY ${column}`
  return sql`SELECT owner.id, (SELECT count(*) FROM ${table} WHERE ${and(sql`${column} = owner.id`, where)})
    FROM (SELECT unnest(${arrayOf(column, new Set(owners))})) AS owner (id)`
}
