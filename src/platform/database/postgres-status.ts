// What PostgreSQL, as a server or embedded, tells of its tables and statements.
import { sql } from 'drizzle-orm'
import type { Engine } from './engine.ts'
import { countSmallTables } from './postgres-rows.ts'
import { type EngineStatus, withoutValues } from './status.ts'

/** What PostgreSQL shows instead of the statement of another user. */
const HIDDEN = '<insufficient privilege>'

export async function postgresStatus(engine: Engine, most: number): Promise<EngineStatus> {
  const { rows: sizes } = await engine.execute<{ size: unknown }>(
    sql`SELECT pg_database_size(current_database()) AS size`,
  )
  const { rows: tables } = await engine.execute<{ name: string; rows: unknown; size: unknown }>(
    // Below 0: nobody has counted. Then statistics of changes may know.
    sql`SELECT c.relname AS name, pg_total_relation_size(c.oid) AS size,
          CASE WHEN c.reltuples >= 0 THEN c.reltuples::BIGINT ELSE s.n_live_tup END AS rows
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
        WHERE n.nspname = ${engine.schema} AND c.relkind = 'r' ORDER BY size DESC, name`,
  )
  const small = await countSmallTables(engine)
  const { rows: running } = await engine.execute<{ query: string; user: string; ms: unknown }>(
    sql`SELECT query, usename AS user, EXTRACT(EPOCH FROM clock_timestamp() - query_start) * 1000 AS ms
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND (state = 'active' OR query = ${HIDDEN}) AND backend_type = 'client backend'
        ORDER BY ms DESC NULLS LAST LIMIT ${sql.raw(String(most))}`,
  )
  const seen = running.filter(({ query }) => query !== HIDDEN)
  return {
    size: Number(sizes[0]?.size ?? 0),
    tables: tables.map(({ name, rows, size }) => ({
      name,
      rows: small.get(name) ?? (rows === null ? undefined : Number(rows)),
      size: Number(size),
    })),
    rowsAreEstimates: true,
    running: seen.map(({ query, user, ms }) => ({
      statement: withoutValues(query),
      ms: Math.max(0, Math.round(Number(ms))),
      user,
    })),
    notices: seen.length < running.length ? [await grant(engine)] : [],
  }
}

async function grant(engine: Engine): Promise<string> {
  const { rows } = await engine.execute<{ user: string }>(sql`SELECT quote_ident(current_user) AS "user"`)
  return `This user may not see the statements of others. Let an administrator run: GRANT pg_read_all_stats TO ${rows[0]?.user ?? ''}`
}
