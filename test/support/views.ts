// Materialized views of tests: requests of their REST, tables for them to read, and what is there of them.
import { type SQL, sql } from 'drizzle-orm'
import type { View } from '../../src/lifecycle/views/schema.ts'
import type { Engine } from '../../src/platform/database/engine.ts'
import { type Ask, ask } from './full-experiment.ts'
import { dataSchema } from './retention.ts'

export const VIEWS = '/api/crateflow/1.0/views'

/** Requests that have to succeed. */
export function viewsOf(request: Ask) {
  const post = async (verb: string, body: object) =>
    (await ask<{ view: View }>(request, 'POST', `${VIEWS}/${verb}`, body)).view
  return {
    create: (view: object) => post('create', view),
    refresh: (name: string, more: object = {}) => post('refresh', { name, ...more }),
    get: async (name: string) =>
      (await ask<{ view: View }>(request, 'GET', `${VIEWS}/get?name=${name}`)).view,
    list: async () => (await ask<{ views: View[] }>(request, 'GET', `${VIEWS}/list`)).views,
    drop: (name: string) => post('drop', { name }),
  }
}

/** A name as a table in a statement. */
export function tableOf(name: string): SQL {
  const [schema = '', table = ''] = name.split('.')
  return sql`${sql.identifier(schema)}.${sql.identifier(table)}`
}

/** Makes a table for views to read, in a schema of its own. @returns its name with the schema */
export async function createSource(engine: Engine, table: string, columns: string): Promise<string> {
  const name = `${dataSchema(engine)}.${table}`
  if (engine.dialect.migrations === 'postgres')
    await engine.execute(sql`CREATE SCHEMA IF NOT EXISTS ${sql.identifier(dataSchema(engine))}`)
  await engine.execute(sql`CREATE TABLE ${tableOf(name)} (${sql.raw(columns)})`)
  if (engine.dialect.exclusive) {
    // Who asks there is a role, made for the first who does, which sees nothing but the server's tables by itself.
    await readRows(engine, 'SELECT 1')
    await engine.execute(sql`GRANT USAGE ON SCHEMA ${sql.identifier(dataSchema(engine))} TO crateflow_reader`)
    await engine.execute(sql`GRANT SELECT ON ${tableOf(name)} TO crateflow_reader`)
  }
  return name
}

/** Adds rows `(id, at, value)`, or changes them, and has all see them. */
export async function putRows(
  engine: Engine,
  name: string,
  rows: readonly { id: number; at: number; value: string }[],
): Promise<void> {
  if (rows.length === 0) return
  const column = (of: (row: (typeof rows)[number]) => unknown) => sql.param(rows.map(of))
  await engine.execute(sql`INSERT INTO ${tableOf(name)} (id, at, value)
    SELECT id, at, value FROM (SELECT unnest(${column(({ id }) => id)}::INTEGER[]) AS id,
      unnest(${column(({ at }) => at)}::BIGINT[]) AS at, unnest(${column(({ value }) => value)}::TEXT[]) AS value) AS t
    ON CONFLICT (id) DO UPDATE SET at = excluded.at, value = excluded.value`)
  await settle(engine, name)
}

export async function settle(engine: Engine, name: string): Promise<void> {
  if (engine.dialect.name === 'cratedb') await engine.execute(sql`REFRESH TABLE ${tableOf(name)}`)
}

/** Tables of the schema, by name. */
export async function tablesIn(engine: Engine, schema: string): Promise<string[]> {
  const rows = await engine.rows(
    sql`SELECT table_name FROM information_schema.tables WHERE table_schema = ${schema} ORDER BY table_name`,
  )
  return rows.flat().map(String)
}

/** Tables and views of the schema that people know of, by name: CrateDB keeps rows in tables of other names. */
export const shownIn = async (engine: Engine, schema: string): Promise<string[]> =>
  (await tablesIn(engine, schema)).filter((name) => !/^crateflow_view_[0-9a-f]{24}_[0-9a-f]{8}$/.test(name))

/** Drops what has the name, as a person would, past the server. */
export async function dropByHand(engine: Engine, name: string): Promise<void> {
  const kind = sql.raw(engine.dialect.name === 'cratedb' ? 'VIEW' : 'TABLE')
  await engine.execute(sql`DROP ${kind} ${tableOf(name)}`)
}

/** Rows as arrays, as a person who asks in SQL sees them. */
export async function readRows(engine: Engine, statement: string): Promise<unknown[][]> {
  const answer = await engine.readSql(statement, { timeoutMs: 60_000, signal: new AbortController().signal })
  const rows: unknown[][] = []
  for await (const piece of answer.pieces) rows.push(...piece)
  return rows
}
