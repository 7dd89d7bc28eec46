// Readings of sensors in a table that is downsampled in tests: written, and compared with the buckets that they went into.
import { sql } from 'drizzle-orm'
import { expect } from 'vitest'
import type { Engine } from '../../src/platform/database/engine.ts'
import { dataSchema } from './retention.ts'

export interface Reading {
  id: number
  /** Milliseconds; null stays for ever. */
  at: number | null
  sensor: string | null
  site: number | null
  /** A whole number, so that sums are exact in any order. */
  x: number | null
  n: number | null
}

const AGGREGATED = ['x', 'n'] as const
const nameOf = (schema: string, table: string) => sql`${sql.identifier(schema)}.${sql.identifier(table)}`
const split = (name: string) => {
  const [schema = '', table = ''] = name.split('.')
  return nameOf(schema, table)
}

export async function settle(engine: Engine, name: string): Promise<void> {
  if (engine.dialect.name === 'cratedb') await engine.execute(sql`REFRESH TABLE ${split(name)}`)
}

/** Makes the table. `isPartitioned` where the database has partitions. */
export async function createSensorTable(
  engine: Engine,
  table: string,
  { type = 'TIMESTAMP WITH TIME ZONE', isPartitioned = false } = {},
): Promise<string> {
  const schema = dataSchema(engine)
  if (engine.dialect.migrations === 'postgres')
    await engine.execute(sql`CREATE SCHEMA IF NOT EXISTS ${sql.identifier(schema)}`)
  const cratedb = isPartitioned
    ? sql.raw(`, m TIMESTAMP WITH TIME ZONE GENERATED ALWAYS AS date_trunc('month', ts)) PARTITIONED BY (m)`)
    : sql.raw(') CLUSTERED INTO 2 SHARDS')
  await engine.execute(
    sql`CREATE TABLE ${nameOf(schema, table)} (id BIGINT, ts ${sql.raw(type)}, sensor TEXT, site INTEGER, x DOUBLE PRECISION, n BIGINT ${
      engine.dialect.name === 'cratedb' ? cratedb : sql`)`
    }`,
  )
  return `${schema}.${table}`
}

export async function writeReadings(engine: Engine, name: string, rows: readonly Reading[]): Promise<void> {
  const [{ type } = { type: '' }] = (
    await engine.execute<{ type: string }>(
      sql`SELECT data_type AS type FROM information_schema.columns WHERE column_name = 'ts'
          AND table_schema || '.' || table_name = ${name}`,
    )
  ).rows
  const times = rows.map(({ at }) =>
    at === null
      ? null
      : type === 'bigint'
        ? String(at)
        : new Date(at).toISOString().replace('Z', type.includes('without') ? '' : 'Z'),
  )
  const all = (of: keyof Reading) => sql`unnest(${sql.param(rows.map((row) => row[of]))}::`
  await engine.execute(sql`INSERT INTO ${split(name)} (id, ts, sensor, site, x, n)
    SELECT ${all('id')}BIGINT[]), CAST(unnest(${sql.param(times)}::TEXT[]) AS ${sql.raw(type)}),
      ${all('sensor')}TEXT[]), ${all('site')}INTEGER[]), ${all('x')}DOUBLE PRECISION[]), ${all('n')}BIGINT[])`)
  await settle(engine, name)
}

export async function idsOf(engine: Engine, name: string): Promise<number[]> {
  await settle(engine, name)
  const rows = await engine.rows(sql`SELECT id FROM ${split(name)} ORDER BY id`)
  return rows.map(([id]) => Number(id))
}

type Row = Record<string, unknown>

/** Rows of the table of buckets, their times as milliseconds. */
export async function bucketsIn(engine: Engine, name: string): Promise<Row[]> {
  await settle(engine, name)
  const { rows } = await engine.execute<Row>(sql`SELECT * FROM ${split(name)}`)
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([column, value]) => [column, value instanceof Date ? value.getTime() : value]),
    ),
  )
}

/** A bucket as it should be, of the readings that went into it. */
function expected(rows: readonly Reading[]): Row {
  const of = (column: (typeof AGGREGATED)[number]) => {
    const own = rows.filter((row) => row[column] !== null)
    const values = own.map((row) => row[column] as number)
    const sorted = [...own].sort(
      (a, b) => (a.at as number) - (b.at as number) || (a[column] as number) - (b[column] as number),
    )
    const end = (row: Reading | undefined) => ({ value: row?.[column] ?? null, at: row?.at ?? null })
    return {
      count: own.length,
      sum: own.length > 0 ? values.reduce((sum, value) => sum + value, 0) : null,
      min: own.length > 0 ? Math.min(...values) : null,
      max: own.length > 0 ? Math.max(...values) : null,
      first: end(sorted[0]),
      last: end(sorted.at(-1)),
    }
  }
  return { rows: rows.length, x: of('x'), n: of('n') }
}

function found(row: Row): Row {
  const number = (value: unknown) => (value === null ? null : Number(value))
  const of = (column: string) => ({
    count: Number(row[`${column}_count`]),
    sum: number(row[`${column}_sum`]),
    min: number(row[`${column}_min`]),
    max: number(row[`${column}_max`]),
    first: { value: number(row[`${column}_first`]), at: number(row[`${column}_first_at`]) },
    last: { value: number(row[`${column}_last`]), at: number(row[`${column}_last_at`]) },
  })
  return { rows: Number(row.row_count), x: of('x'), n: of('n') }
}

/** Proves that each reading is there still, or in one bucket which says what it should. @returns the sizes of buckets that there are */
export async function expectEachOnce(
  engine: Engine,
  name: string,
  written: readonly Reading[],
  into = `${name}_downsampled`,
): Promise<{ sizes: number[]; left: number }> {
  const ids = await idsOf(engine, name)
  const left = new Set(ids)
  expect(ids.length).toBe(left.size)
  const buckets = await bucketsIn(engine, into)
  const gone = written.filter(({ id }) => !left.has(id))
  for (const { at } of gone) expect(at).not.toBeNull()
  let counted = 0
  for (const bucket of buckets) {
    const [start, size] = [Number(bucket.bucket), Number(bucket.bucket_ms)]
    const own = gone.filter(
      ({ at, sensor, site }) =>
        (at as number) >= start &&
        (at as number) < start + size &&
        sensor === bucket.sensor &&
        site === bucket.site,
    )
    expect(found(bucket), JSON.stringify(bucket)).toEqual(expected(own))
    counted += own.length
  }
  expect(counted).toBe(gone.length)
  return {
    sizes: [...new Set(buckets.map(({ bucket_ms }) => Number(bucket_ms)))].sort((a, b) => a - b),
    left: ids.length,
  }
}

/** Readings of all that may be in such a table, told by a seed. */
export function readingsOf(
  seed: number,
  { count, from, to, firstId }: { count: number; from: number; to: number; firstId: number },
): Reading[] {
  let state = seed * 2654435761 + 1
  const next = (below: number) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0
    return state % below
  }
  const rarelyNull = <Of>(value: Of): Of | null => (next(10) === 0 ? null : value)
  return Array.from({ length: count }, (_, i) => ({
    id: firstId + i,
    at: next(50) === 0 ? null : from + next(to - from),
    sensor: rarelyNull(['a', 'b', '', 'ä "quoted" \\ {1,NULL}'][next(4)] as string),
    site: rarelyNull(next(2)),
    x: rarelyNull(next(1000) - 500),
    n: rarelyNull(next(1000) - 500),
  }))
}
