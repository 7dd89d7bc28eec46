// How CrateDB thins tables, which has no transactions: what is about to be done to some rows is written into a journal, then buckets are written, then the rows
// go, then the journal is cleared. Whoever finds one does the same once more, which changes nothing that was done.
//
// A row goes only with the values that were counted: one that was changed meanwhile stays, and is taken out of its bucket again. What is changed within the
// milliseconds between a refresh and the end of the deletion that follows goes uncounted, as the database does not look at a row once more (6.4); it takes
// conditions on versions only with primary keys of tables without partitions. Rows that are added have ids of their own, and stay.
import { type SQL, sql } from 'drizzle-orm'
import { invalidParameter, unavailable } from '../../errors.ts'
import {
  BUCKET,
  columnsOf,
  id,
  isDue,
  list,
  type Part,
  partIn,
  partsOf,
  type Source,
} from './bucket-columns.ts'
import { gather, idOf, type StoredSums, type Sums, startOf, together, type Value } from './bucket-sums.ts'
import type { Engine } from './engine.ts'
import { identifierOf, type TableName } from './own-columns.ts'
import type { DueBuckets, Journal, Thinned, Thinning } from './thinning.ts'

/** Rows of a journal, some hundred bytes each. */
const WINDOW = 10_000
/** Rows of a DELETE: each that is found by its id is compared with all that are meant. */
const AT_ONCE = 2_000
/** Bytes of a text that an index takes. */
const LONGEST_TEXT = 32_766
const MOST_ROUNDS = 3

/** A row, or a smaller bucket, that goes. */
interface Going extends Sums {
  /** How the database tells it from all others. */
  id: string
  /** Tells what it said. */
  print: string
}

interface Work {
  thinned: Thinned
  source: Source
  size: number
  rows: Going[]
  /** The buckets that they belong to, as they were before. */
  before: StoredSums[]
}

export const cratedbThinning: Thinning<Engine> = {
  numbers: ['smallint', 'integer', 'bigint', 'real', 'double precision'],
  keys: ['text', 'character varying', 'smallint', 'integer', 'bigint', 'boolean', 'ip'],
  refusedNames: /^_|[[\].]/,
  isCounted: () => undefined,
  async make(engine, thinned) {
    await engine.execute(
      sql`CREATE TABLE IF NOT EXISTS ${identifierOf(thinned.into)} (${columnsOf(thinned)}) WITH (column_policy = 'strict')`,
    )
  },
  async *resume(engine, journal) {
    const left = await journal.take()
    if (left !== null) yield { rows: await apply(engine, JSON.parse(left) as Work, journal) }
  },
  async *thin(engine, thinned, due, journal) {
    for (const source of ['buckets', 'rows'] as const) {
      for (;;) {
        const rows = await findRows(engine, thinned, { due, source })
        if (rows.length === 0) break
        const before = await findBuckets(engine, thinned, [
          ...new Set(rows.map((row) => idOf(row, due.size))),
        ])
        const work: Work = { thinned, source, size: due.size, rows, before }
        await journal.write(JSON.stringify(work))
        yield { rows: await apply(engine, work, journal) }
      }
    }
  },
}

const settle = (engine: Engine, table: TableName) => engine.execute(sql`REFRESH TABLE ${identifierOf(table)}`)

const sourceOf = ({ table, into }: Thinned, source: Source): TableName => (source === 'rows' ? table : into)

const timeOf = ({ time }: Thinned, source: Source): SQL => id(source === 'rows' ? time.name : BUCKET.start)

/** Values of a row that are counted, as one text. */
function printOf(thinned: Thinned, source: Source): SQL {
  const { by, columns } = thinned
  const values =
    source === 'buckets'
      ? [id(BUCKET.version)]
      : [timeOf(thinned, source), ...[...by, ...columns].map(({ name }) => id(name))]
  const texts = values.map(
    (value) => sql`CASE WHEN ${value} IS NULL THEN '-' ELSE '+' || CAST(${value} AS TEXT) END`,
  )
  return sql`md5(concat_ws(chr(31), '', ${list(texts)}))`
}

const textOf = (value: unknown): Value => (value === null || value === undefined ? null : String(value))

async function findRows(
  engine: Engine,
  thinned: Thinned,
  { due, source }: { due: DueBuckets; source: Source },
): Promise<Going[]> {
  const { by, time } = thinned
  const parts = partsOf(thinned)
  const from = sourceOf(thinned, source)
  // What went a moment ago is no longer found then.
  await settle(engine, from)
  const columns = [
    sql`_id`,
    printOf(thinned, source),
    sql`CAST(${timeOf(thinned, source)} AS BIGINT)`,
    source === 'rows' ? sql`1` : id(BUCKET.rows),
    ...by.map(({ name }) => id(name)),
    ...parts.map((part) => readable(part, partIn(thinned, part, source))),
  ]
  const isCounted = cratedbThinning.isCounted(time)
  const rows = await engine.rows(
    sql`SELECT ${list(columns)} FROM ${identifierOf(from)} WHERE ${isDue(thinned, due, { source, isCounted })} LIMIT ${sql.raw(String(WINDOW))}`,
  )
  return rows.map(([_id, print, at, count, ...values]) => {
    const keys = values.slice(0, by.length).map(textOf)
    const long = by.find((_one, i) => Buffer.byteLength(keys[i] ?? '') > LONGEST_TEXT)
    if (long)
      throw invalidParameter(
        `A value of column ${long.name} has more than ${LONGEST_TEXT} bytes, which no index takes.`,
      )
    return {
      id: String(_id),
      print: String(print),
      start: startOf(String(at), due.size),
      rows: String(count),
      by: keys,
      values: values.slice(by.length).map(textOf),
    }
  })
}

/** Sums of integers go beyond what drivers read as numbers; times are read as milliseconds. */
const readable = ({ kind, type }: Part, value: SQL): SQL =>
  kind.endsWith('_at')
    ? sql`CAST(${value} AS BIGINT)`
    : type === 'REAL'
      ? sql`CAST(${value} AS DOUBLE PRECISION)`
      : kind === 'sum'
        ? sql`CAST(${value} AS TEXT)`
        : value

async function findBuckets(engine: Engine, thinned: Thinned, ids: readonly string[]): Promise<StoredSums[]> {
  const { into, by } = thinned
  await settle(engine, into)
  const columns = [
    ...[BUCKET.id, BUCKET.version].map(id),
    sql`CAST(${id(BUCKET.start)} AS BIGINT)`,
    id(BUCKET.rows),
    ...by.map(({ name }) => id(name)),
    ...partsOf(thinned).map((part) => readable(part, id(part.name))),
  ]
  const rows = await engine.rows(
    sql`SELECT ${list(columns)} FROM ${identifierOf(into)} WHERE ${id(BUCKET.id)} = ANY(${sql.param([...ids])}::TEXT[])`,
  )
  return rows.map(([bucketId, version, start, count, ...values]) => ({
    id: String(bucketId),
    version: Number(version),
    start: String(start),
    rows: String(count),
    by: values.slice(0, by.length).map(textOf),
    values: values.slice(by.length).map(textOf),
  }))
}

/** Does what the journal says, and clears it. Repeatable. @returns how many rows went */
async function apply(engine: Engine, work: Work, journal: Journal): Promise<number> {
  const { rows } = work
  await writeBuckets(engine, work, { rows, changes: 1 })
  const { deleted, changed } = await removeRows(engine, work)
  if (changed.size > 0)
    await writeBuckets(engine, work, { rows: rows.filter((row) => !changed.has(row.id)), changes: 2 })
  await journal.write(null)
  return deleted
}

/** Writes the buckets with these rows in them where none newer is. */
async function writeBuckets(
  engine: Engine,
  { thinned, size, rows: all, before }: Work,
  { rows, changes }: { rows: readonly Going[]; changes: number },
): Promise<void> {
  const parts = partsOf(thinned)
  const stored = new Map(before.map((bucket) => [bucket.id, bucket]))
  const added = gather(parts, rows, size)
  const buckets = [...gather(parts, all, size)].map(([bucketId, whole]) => {
    const old = stored.get(bucketId)
    const news = added.get(bucketId)
    // Of a bucket that none of its rows is left for nothing is said.
    const empty: Sums = {
      ...whole,
      rows: '0',
      values: parts.map(({ kind }) => (kind === 'count' ? '0' : null)),
    }
    const sums = old && news ? together(parts, old, news) : (old ?? news ?? empty)
    return { ...sums, id: bucketId, version: (old?.version ?? 0) + changes }
  })
  const columns: [name: string, type: string, values: Value[]][] = [
    [BUCKET.id, 'TEXT', buckets.map((bucket) => bucket.id)],
    [BUCKET.start, thinned.time.type, buckets.map(({ start }) => start)],
    [BUCKET.size, 'BIGINT', buckets.map(() => String(size))],
    [BUCKET.rows, 'BIGINT', buckets.map((bucket) => bucket.rows)],
    [BUCKET.version, 'BIGINT', buckets.map(({ version }) => String(version))],
    ...thinned.by.map(({ name, type }, i): [string, string, Value[]] => [
      name,
      type,
      buckets.map(({ by }) => by[i] ?? null),
    ]),
    ...parts.map(({ name, kind, type }, i): [string, string, Value[]] => [
      name,
      kind.endsWith('_at') ? thinned.time.type : type,
      buckets.map(({ values }) => values[i] ?? null),
    ]),
  ]
  const names = columns.map(([name]) => id(name))
  const values = columns.map(([, type, own]) => boundOf(type, own))
  const isNewer = sql`excluded.${id(BUCKET.version)} > ${id(BUCKET.version)}`
  const sets = columns
    .filter(([name]) => name !== BUCKET.id)
    .map(([name]) => sql`${id(name)} = CASE WHEN ${isNewer} THEN excluded.${id(name)} ELSE ${id(name)} END`)
  const { rowCount } = await engine.execute(
    sql`INSERT INTO ${identifierOf(thinned.into)} (${list(names)}) SELECT ${list(values)}
        ON CONFLICT (${id(BUCKET.id)}) DO UPDATE SET ${list(sets)}`,
  )
  if (rowCount !== buckets.length) throw unavailable('The database did not take all buckets. Please retry.')
}

const boundOf = (type: string, values: readonly Value[]): SQL => {
  const texts = sql`unnest(${sql.param([...values])}::TEXT[])`
  // A text of digits is no time, a number is.
  const plain = type.startsWith('timestamp') ? sql`CAST(${texts} AS BIGINT)` : texts
  return sql`CAST(${plain} AS ${sql.raw(type.replace('character varying', 'TEXT'))})`
}

/** Deletes the rows that say what they said. Repeatable. @returns how many went, and which say something else by now */
async function removeRows(
  engine: Engine,
  { thinned, source, rows }: Work,
): Promise<{ deleted: number; changed: Set<string> }> {
  const from = sourceOf(thinned, source)
  const print = printOf(thinned, source)
  const changed = new Set<string>()
  let deleted = 0
  for (let i = 0; i < rows.length; i += AT_ONCE) {
    const some = rows.slice(i, i + AT_ONCE)
    const isOne = sql`_id = ANY(${sql.param(some.map((row) => row.id))}::TEXT[])`
    const prints = sql.param(some.map((row) => row.id + row.print))
    // It finds rows as they were when the table was refreshed.
    await settle(engine, from)
    for (let round = 0; ; round++) {
      const { rowCount } = await engine.execute(
        sql`DELETE FROM ${identifierOf(from)} WHERE ${isOne} AND (_id || ${print}) = ANY(${prints}::TEXT[])`,
      )
      deleted += rowCount
      if (round === 0 && rowCount === some.length) break
      await settle(engine, from)
      const left = await engine.rows(sql`SELECT _id, ${print} FROM ${identifierOf(from)} WHERE ${isOne}`)
      const meant = new Map(some.map((row) => [row.id, row.print]))
      const others = left.filter(([_id, now]) => meant.get(String(_id)) !== String(now))
      for (const [_id] of others) changed.add(String(_id))
      if (others.length === left.length) break
      if (round === MOST_ROUNDS) throw unavailable('The database did not delete all rows. Please retry.')
    }
  }
  return { deleted, changed }
}
