// Old rows on PostgreSQL, as a server or embedded: rows by time, a slice at a time.
import { sql } from 'drizzle-orm'
import type { Aging, Holding } from './aging.ts'
import type { Engine } from './engine.ts'
import { identifierOf, isBefore } from './old-rows.ts'

/** Rows of one statement. Each begins at the front of the table, so that few large ones are faster. */
const SLICE = 100_000
/** The same where all else waits meanwhile: some 100 ms on PGlite. */
const EXCLUSIVE_SLICE = 10_000

export const postgresAging: Aging<Engine> = {
  async *deleteRange(engine, range) {
    const table = identifierOf(range.table)
    const isOld = isBefore(range)
    const slice = engine.dialect.exclusive ? EXCLUSIVE_SLICE : SLICE
    // The places of rows are unique within a partition only: the time is asked for in both.
    const statement = sql`DELETE FROM ${table} WHERE ${isOld}
      AND ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE ${isOld} LIMIT ${slice}))`
    for (;;) {
      const { rowCount } = await engine.execute(statement)
      if (rowCount > 0) yield { rows: rowCount }
      if (rowCount === 0) return
    }
  },

  async bytesOf(engine, table) {
    const rows = await engine.rows(
      sql`SELECT pg_total_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = ${table.schema} AND c.relname = ${table.table}`,
    )
    return rows[0] ? Number(rows[0][0]) : undefined
  },

  async holdings(engine): Promise<Holding[]> {
    const { rows } = await engine.execute<{ schema: string; table: string; rows: unknown; bytes: unknown }>(
      sql`SELECT n.nspname AS "schema", c.relname AS "table", pg_total_relation_size(c.oid) AS bytes,
            CASE WHEN c.reltuples >= 0 THEN c.reltuples::BIGINT ELSE s.n_live_tup END AS "rows"
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
          WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'`,
    )
    return rows.map(({ schema, table, rows, bytes }) => ({
      schema,
      table,
      rows: rows === null ? undefined : Number(rows),
      bytes: Number(bytes),
      partitions: [],
    }))
  },
}
