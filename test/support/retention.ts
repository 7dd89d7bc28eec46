// Policies of tests: requests of their REST, tables for them to be about, and the wait for the end of executions.
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { expect } from 'vitest'
import type { Execution, Finding, Planned, Policy, StepWire } from '../../src/lifecycle/retention/schema.ts'
import type { Engine } from '../../src/platform/database/engine.ts'
import { type Ask, ask } from './full-experiment.ts'

export const RETENTION = '/api/crateflow/1.0/retention'
export const DAY_MS = 24 * 3600_000

interface Ended {
  execution: Execution
  steps: StepWire[]
}

/** Requests that have to succeed. */
export function retentionOf(request: Ask) {
  const post = <T>(path: string, body: object) => ask<T>(request, 'POST', `${RETENTION}/${path}`, body)
  const get = <T>(path: string) => ask<T>(request, 'GET', `${RETENTION}/${path}`)
  const pathOf = (id: string) => `${RETENTION}/executions/get?execution_id=${id}&max_results=1000`
  /** Asks until it is over, and again while the database is away, as clients do. */
  async function ended(id: string): Promise<Ended> {
    for (;;) {
      const { status, body } = await request('GET', pathOf(id))
      expect([200, 503], JSON.stringify(body)).toContain(status)
      if (status === 200 && (body as Ended).execution.state !== 'running') return body as Ended
      await sleep(100)
    }
  }
  return {
    post,
    get,
    ended,
    create: async (policy: object) => (await post<{ policy: Policy }>('policies/create', policy)).policy,
    preview: async (selection: object) =>
      (await post<{ plans: Planned[] }>('policies/preview', selection)).plans,
    check: async (selection: object) =>
      (await post<{ findings: Finding[] }>('policies/check', selection)).findings,
    start: async (selection: object) =>
      (await post<{ executions: Execution[] }>('executions/run', selection)).executions,
    /** Runs one policy to its end. */
    async run(name: string, more: object = {}) {
      const { executions } = await post<{ executions: Execution[] }>('executions/run', {
        policy_ids: [name],
        ...more,
      })
      return ended(executions[0]?.execution_id ?? '')
    },
  }
}

/** A schema for tables that are not the server's. */
export const dataSchema = (engine: Engine): string => `${engine.schema}_data`

/** Makes a table of readings of the days before a time, one a day, in a schema of its own. */
export async function createReadings(
  engine: Engine,
  table: string,
  { days, endMs }: { days: number; endMs: number },
): Promise<string> {
  const schema = dataSchema(engine)
  const name = sql`${sql.identifier(schema)}.${sql.identifier(table)}`
  if (engine.dialect.migrations === 'postgres')
    await engine.execute(sql`CREATE SCHEMA IF NOT EXISTS ${sql.identifier(schema)}`)
  await engine.execute(
    sql`CREATE TABLE ${name} (id INTEGER, time TIMESTAMP WITH TIME ZONE, value DOUBLE PRECISION)`,
  )
  const times = Array.from({ length: days }, (_, i) => new Date(endMs - (i + 1) * DAY_MS).toISOString())
  await engine.execute(sql`INSERT INTO ${name} (id, time, value)
    SELECT i, t::TIMESTAMP WITH TIME ZONE, 0.5 FROM (
      SELECT unnest(${sql.param(times.map((_, i) => i))}::INTEGER[]) AS i, unnest(${sql.param(times)}::TEXT[]) AS t) AS rows`)
  return `${schema}.${table}`
}

/** A table that CrateDB partitions by month, with so many rows in each. */
export async function createPartitioned(
  engine: Engine,
  table: string,
  { months, rows, shards = 1 }: { months: readonly string[]; rows: number; shards?: number },
): Promise<string> {
  const schema = dataSchema(engine)
  const name = sql`${sql.identifier(schema)}.${sql.identifier(table)}`
  await engine.execute(sql`CREATE TABLE ${name} (
      id INTEGER, time TIMESTAMP WITH TIME ZONE, text TEXT,
      time_month TIMESTAMP WITH TIME ZONE GENERATED ALWAYS AS date_trunc('month', time)
    ) CLUSTERED INTO ${sql.raw(String(shards))} SHARDS PARTITIONED BY (time_month) WITH (number_of_replicas = 0)`)
  for (const month of months)
    await engine.execute(sql`INSERT INTO ${name} (id, time, text)
      SELECT g, ${`${month}-02T00:00:00Z`}::TIMESTAMP WITH TIME ZONE + g * INTERVAL '1 minute', 'text ' || g
      FROM generate_series(1, ${sql.raw(String(rows))}) AS s (g)`)
  await engine.execute(sql`REFRESH TABLE ${name}`)
  return `${schema}.${table}`
}

/** How many rows the table has now. */
export async function countRowsOf(engine: Engine, name: string, where = sql`true`): Promise<number> {
  const [schema = '', table = ''] = name.split('.')
  const own = sql`${sql.identifier(schema)}.${sql.identifier(table)}`
  if (engine.dialect.name === 'cratedb') await engine.execute(sql`REFRESH TABLE ${own}`)
  const rows = await engine.rows(sql`SELECT count(*) FROM ${own} WHERE ${where}`)
  return Number(rows[0]?.[0])
}

/** Drops all tables of the schema for data. */
export async function dropData(engine: Engine): Promise<void> {
  const schema = dataSchema(engine)
  const { rows } = await engine.execute<{ table_name: string }>(
    sql`SELECT table_name FROM information_schema.tables WHERE table_schema = ${schema}`,
  )
  for (const { table_name } of rows)
    await engine.execute(sql`DROP TABLE IF EXISTS ${sql.identifier(schema)}.${sql.identifier(table_name)}`)
}
