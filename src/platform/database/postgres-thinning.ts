// How PostgreSQL and the embedded database thin tables: one statement deletes rows and puts what they said into buckets.
import { type SQL, sql } from 'drizzle-orm'
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
import type { Engine } from './engine.ts'
import { identifierOf } from './own-columns.ts'
import type { DueBuckets, Thinned, Thinning } from './thinning.ts'

/** Rows of one statement; on the embedded database all else waits meanwhile. */
const SLICE = 50_000
const EXCLUSIVE_SLICE = 10_000

/** Milliseconds since 1970, with what is below them. */
const EPOCH: Record<string, (time: SQL) => SQL> = {
  bigint: (time) => sql`${time}::NUMERIC`,
}
const epochOf = (type: string, time: SQL): SQL =>
  EPOCH[type]?.(time) ?? sql`(extract(epoch FROM ${time})::NUMERIC * 1000)`

/** A time of milliseconds, by the type of its column. */
const TIMES: Record<string, (ms: SQL) => SQL> = {
  bigint: (ms) => ms,
  date: (ms) => sql`(DATE '1970-01-01' + (${ms} / 86400000)::INTEGER)`,
  'timestamp without time zone': (ms) => sql`(TIMESTAMP '1970-01-01' + ${ms} * INTERVAL '1 millisecond')`,
  'timestamp with time zone': (ms) =>
    sql`((TIMESTAMP '1970-01-01' + ${ms} * INTERVAL '1 millisecond') AT TIME ZONE 'UTC')`,
}

export const postgresThinning: Thinning<Engine> = {
  numbers: ['smallint', 'integer', 'bigint', 'real', 'double precision', 'numeric'],
  keys: ['text', 'character varying', 'smallint', 'integer', 'bigint', 'boolean', 'uuid'],
  isCounted: ({ name, type }) => (type === 'bigint' ? undefined : sql`isfinite(${id(name)})`),
  async make(engine, thinned) {
    const { schema } = thinned.into
    const found = await engine.rows(sql`SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = ${schema}`)
    // Who may not make schemas may use one that is there.
    if (found.length === 0) await engine.execute(sql`CREATE SCHEMA IF NOT EXISTS ${sql.identifier(schema)}`)
    await engine.execute(
      sql`CREATE TABLE IF NOT EXISTS ${identifierOf(thinned.into)} (${columnsOf(thinned, sql`STORED`)})`,
    )
  },
  // No statement is done by half.
  async *resume() {},
  async *thin(engine, thinned, due) {
    const slice = engine.dialect.exclusive ? EXCLUSIVE_SLICE : SLICE
    for (const source of ['buckets', 'rows'] as const) {
      const statement = takingOf(thinned, due, { source, slice })
      for (;;) {
        const rows = Number((await engine.rows(statement))[0]?.[0] ?? 0)
        if (rows === 0) break
        yield { rows }
      }
    }
  },
}

/** The statement that takes rows. A row that somebody changes meanwhile stays, as its place is another one then. */
function takingOf(
  thinned: Thinned,
  due: DueBuckets,
  { source, slice }: { source: Source; slice: number },
): SQL {
  const { table, time, by, into } = thinned
  const parts = partsOf(thinned)
  const from = identifierOf(source === 'rows' ? table : into)
  const where = isDue(thinned, due, { source, isCounted: postgresThinning.isCounted(time) })
  const size = sql`${due.size}::BIGINT`
  const at = epochOf(time.type, id(source === 'rows' ? time.name : BUCKET.start))
  const keys = by.map((_one, i) => id(`k${i}`))
  const values = parts.map((_part, i) => id(`v${i}`))
  const taken = [
    sql`(floor(${at} / ${size}) * ${size})::BIGINT AS start`,
    sql`${source === 'rows' ? sql`1` : id(BUCKET.rows)} AS rows`,
    ...by.map(({ name }, i) => sql`${id(name)} AS ${keys[i]}`),
    ...parts.map((part, i) => sql`${partIn(thinned, part, source)} AS ${values[i]}`),
  ]
  const names = [BUCKET.id, BUCKET.start, BUCKET.size, BUCKET.rows, BUCKET.version]
  const columns = [...names, ...by.map(({ name }) => name), ...parts.map(({ name }) => name)].map(id)
  const texts = keys.map((key) => sql`${key}::TEXT`)
  const made = [
    sql`encode(sha256(convert_to(jsonb_build_array(${list([size, sql`start`, ...texts])})::TEXT, 'UTF8')), 'hex')`,
    (TIMES[time.type] ?? (() => sql`NULL`))(sql`start`),
    size,
    sql`sum(rows)::BIGINT`,
    sql`1`,
    ...keys,
    ...parts.map((part, i) => sql`CAST(${gathered(part, values, { parts, i })} AS ${sql.raw(part.type)})`),
  ]
  const changes = [
    ...[BUCKET.rows, BUCKET.version].map(
      (name) => sql`${id(name)} = stored.${id(name)} + excluded.${id(name)}`,
    ),
    ...parts.map((part) => sql`${id(part.name)} = ${merged(part)}`),
  ]
  return sql`WITH gone AS (
      DELETE FROM ${from} WHERE ${where}
        AND ctid = ANY(ARRAY(SELECT ctid FROM ${from} WHERE ${where} LIMIT ${slice}))
      RETURNING ${list(taken)}
    ), put AS (
      INSERT INTO ${identifierOf(into)} AS stored (${list(columns)})
      SELECT ${list(made)} FROM gone GROUP BY ${list([sql`start`, ...keys])} ORDER BY 1
      ON CONFLICT (${id(BUCKET.id)}) DO UPDATE SET ${list(changes)}
    ) SELECT count(*) FROM gone`
}

/** What all rows of a bucket say together. First and last are told by time, then by value. */
function gathered(
  { kind, column }: Part,
  values: readonly SQL[],
  { parts, i }: { parts: readonly Part[]; i: number },
): SQL {
  const own = values[i] as SQL
  const of = (other: Part['kind']) =>
    values[parts.findIndex((part) => part.column === column && part.kind === other)] as SQL
  switch (kind) {
    case 'count':
    case 'sum':
      return sql`sum(${own})`
    case 'min':
    case 'first_at':
      return sql`min(${own})`
    case 'max':
    case 'last_at':
      return sql`max(${own})`
    case 'first':
      return sql`(array_agg(${own} ORDER BY ${of('first_at')}, ${own}) FILTER (WHERE ${own} IS NOT NULL))[1]`
    case 'last':
      return sql`(array_agg(${own} ORDER BY ${of('last_at')} DESC, ${own} DESC) FILTER (WHERE ${own} IS NOT NULL))[1]`
  }
}

/** What the stored bucket and the new one say together. */
function merged({ kind, name, column }: Part): SQL {
  const [stored, news] = [sql`stored.${id(name)}`, sql`excluded.${id(name)}`]
  const isNew = (at: string, order: SQL) => {
    const [a, b] = [id(`${column.name}_${at}`), id(name)]
    return sql`CASE WHEN stored.${a} IS NULL OR (excluded.${a}, excluded.${b}) ${order} (stored.${a}, stored.${b})
      THEN ${news} ELSE ${stored} END`
  }
  switch (kind) {
    case 'count':
      return sql`${stored} + ${news}`
    case 'sum':
      return sql`coalesce(${stored} + ${news}, ${stored}, ${news})`
    case 'min':
    case 'first_at':
      return sql`least(${stored}, ${news})`
    case 'max':
    case 'last_at':
      return sql`greatest(${stored}, ${news})`
    case 'first':
      return isNew('first_at', sql`<`)
    case 'last':
      return isNew('last_at', sql`>`)
  }
}
