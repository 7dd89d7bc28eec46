// What CrateDB tells of its nodes, tables, statements and checks.
import { type SQL, sql } from 'drizzle-orm'
import { reasonOf } from '../../errors.ts'
import { NOT_VISIBLE } from './cratedb-health.ts'
import type { Engine } from './engine.ts'
import { quoted } from './refusals.ts'
import {
  type EngineStatus,
  type Health,
  type NodeStatus,
  SLOW_MINUTES,
  type StatementStatus,
  type TableStatus,
  withoutValues,
} from './status.ts'

/** What is hidden from the user is left out, with a notice that says what to grant. */
export async function cratedbStatus(engine: Engine, most: number): Promise<EngineStatus> {
  const hidden: string[] = []
  const ask = async <T>(what: string, question: (engine: Engine) => Promise<T>): Promise<T | undefined> => {
    try {
      return await question(engine)
    } catch (error) {
      if (!NOT_VISIBLE.test(reasonOf(error))) throw error
      hidden.push(what)
      return undefined
    }
  }
  const status = {
    cluster: await ask('the name of the cluster', clusterName),
    health: await ask('its health', health),
    nodes: await ask('nodes', nodes),
    tables: await ask('tables', tables),
    slow: await ask('slow statements', (one) => slowStatements(one, most)),
    running: await ask('running statements', (one) => runningStatements(one, most)),
    failedChecks: await ask('checks', failedChecks),
  }
  const notices = hidden.length > 0 ? [await grantFor(engine, hidden)] : []
  return { ...known(status), rowsAreEstimates: false, notices }
}

/** The fields that have a value. */
function known<T extends object>(all: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as never
}

async function grantFor(engine: Engine, hidden: readonly string[]): Promise<string> {
  const { rows } = await engine.execute<{ user: string }>(sql`SELECT current_user AS "user"`)
  const user = quoted(rows[0]?.user ?? '')
  return `This user may not see ${hidden.join(', ')}. Let an administrator run: GRANT DQL ON SCHEMA sys TO ${user}`
}

async function clusterName(engine: Engine): Promise<string | undefined> {
  const { rows } = await engine.execute<{ name: string }>(sql`SELECT name FROM sys.cluster`)
  return rows[0]?.name
}

async function health(engine: Engine): Promise<Health> {
  const { rows } = await engine.execute<{ health: Health }>(
    sql`SELECT health FROM sys.health ORDER BY severity DESC LIMIT 1`,
  )
  return rows[0]?.health ?? 'GREEN'
}

async function nodes(engine: Engine): Promise<NodeStatus[]> {
  const { rows } = await engine.execute<Record<keyof NodeStatus, unknown>>(
    sql`SELECT name, version['number'] AS version, heap['used'] AS "heapUsed", heap['max'] AS "heapMax",
          load['1'] AS load, fs['total']['used'] AS "diskUsed", fs['total']['available'] AS "diskFree"
        FROM sys.nodes ORDER BY name`,
  )
  return rows.map(({ name, version, ...numbers }) => ({
    name: String(name),
    version: String(version),
    heapUsed: Number(numbers.heapUsed),
    heapMax: Number(numbers.heapMax),
    load: Number(numbers.load),
    diskUsed: Number(numbers.diskUsed),
    diskFree: Number(numbers.diskFree),
  }))
}

async function tables(engine: Engine): Promise<TableStatus[]> {
  const [sizes, copies] = await Promise.all([
    engine.execute<{ name: string; rows: unknown; size: unknown; shards: unknown }>(
      sql`SELECT table_name AS name, sum(num_docs) FILTER (WHERE "primary") AS rows, sum(size) AS size,
            count(*) FILTER (WHERE "primary") AS shards
          FROM sys.shards WHERE schema_name = ${engine.schema} GROUP BY table_name`,
    ),
    engine.execute<{ name: string; missing: unknown }>(
      sql`SELECT table_name AS name, sum(missing_shards + underreplicated_shards) AS missing
          FROM sys.health WHERE table_schema = ${engine.schema} GROUP BY table_name`,
    ),
  ])
  const missing = new Map(copies.rows.map(({ name, missing }) => [name, Number(missing)]))
  return sizes.rows
    .map(({ name, rows, size, shards }) => ({
      name,
      rows: Number(rows ?? 0),
      size: Number(size ?? 0),
      shards: Number(shards),
      missing: missing.get(name) ?? 0,
    }))
    .sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1))
}

interface Job {
  stmt: string
  ms: unknown
  username: string
  failed?: boolean
}

async function statements(engine: Engine, question: SQL): Promise<StatementStatus[]> {
  const own = engine.compile(question).text
  const { rows } = await engine.execute<Job>(question)
  return rows
    .filter(({ stmt }) => stmt !== own)
    .map(({ stmt, ms, username, failed }) => ({
      statement: withoutValues(stmt),
      ms: Math.max(0, Number(ms)),
      user: username,
      ...(failed !== undefined && { failed }),
    }))
}

const slowStatements = (engine: Engine, most: number) =>
  statements(
    engine,
    sql`SELECT stmt, ended::BIGINT - started::BIGINT AS ms, username, error IS NOT NULL AS failed
        FROM sys.jobs_log
        WHERE ended > ${new Date(Date.now() - SLOW_MINUTES * 60_000).toISOString()}::TIMESTAMP WITH TIME ZONE
        ORDER BY ms DESC LIMIT ${sql.raw(String(most))}`,
  )

const runningStatements = (engine: Engine, most: number) =>
  statements(
    engine,
    sql`SELECT stmt, current_timestamp::BIGINT - started::BIGINT AS ms, username FROM sys.jobs
        ORDER BY ms DESC LIMIT ${sql.raw(String(most + 1))}`,
  )

async function failedChecks(engine: Engine): Promise<string[]> {
  const { rows } = await engine.execute<{ description: string; severity: number }>(
    sql`SELECT description, severity FROM sys.checks WHERE NOT passed
        UNION SELECT description, severity FROM sys.node_checks WHERE NOT passed
        ORDER BY severity DESC, description`,
  )
  return rows.map(({ description }) => description)
}
