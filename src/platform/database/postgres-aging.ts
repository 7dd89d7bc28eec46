// Old rows on PostgreSQL, as a server or embedded: rows by time, a slice at a time.
import { sql } from 'drizzle-orm'
import type { Aging, Holding } from './aging.ts'
import type { Engine } from './engine.ts'
import { isBefore } from './old-rows.ts'
import { identifierOf } from './own-columns.ts'
import { countSmallTables } from './postgres-rows.ts'

/** Rows of one statement. Each begins at the front of the table, so that few large ones are faster. */
const SLICE = 100_000
/** The same where all else waits meanwhile: some 100 ms on PGlite. */
const EXCLUSIVE_SLICE = 10_000

/** What is counted in less than a second; the embedded database does nothing else meanwhile. */
const MOST_COUNTED = 5_000_000
const EXCLUSIVE_COUNTED = 1_000_000
const COUNTED_BYTES = 512 * 1024 * 1024
const EXCLUSIVE_COUNTED_BYTES = 128 * 1024 * 1024

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

  mostCounted: (engine) => (engine.dialect.exclusive ? EXCLUSIVE_COUNTED : MOST_COUNTED),

  async holdings(engine): Promise<Holding[]> {
    const months = await countMonths(engine)
    const small = await countSmallTables(engine)
    const { rows } = await engine.execute<{ schema: string; table: string; rows: unknown; bytes: unknown }>(
      sql`SELECT n.nspname AS "schema", c.relname AS "table", pg_total_relation_size(c.oid) AS bytes,
            CASE WHEN c.reltuples >= 0 THEN c.reltuples::BIGINT ELSE s.n_live_tup END AS "rows"
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
          WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'`,
    )
    return rows.map(({ schema, table, rows, bytes }) => {
      const counted = schema === engine.schema ? months.get(table) : undefined
      const estimated = rows === null ? undefined : Number(rows)
      const own = schema === engine.schema ? small.get(table) : undefined
      return {
        schema,
        table,
        rows: counted ? counted.reduce((sum, one) => sum + one.rows, 0) : (own ?? estimated),
        bytes: Number(bytes),
        partitions: [],
        months: counted ?? [],
      }
    })
  },
}

/** Rows by month of the server's tables that name it and are small enough to be gone through. */
async function countMonths(engine: Engine): Promise<Map<string, Holding['months']>> {
  const most = engine.dialect.exclusive ? EXCLUSIVE_COUNTED_BYTES : COUNTED_BYTES
  const small = await engine.rows(
    sql`SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'month' AND NOT a.attisdropped
        WHERE n.nspname = ${engine.schema} AND c.relkind = 'r' AND pg_relation_size(c.oid) <= ${most}::BIGINT`,
  )
  const counts = small.map(([name]) => {
    const table = identifierOf({ schema: engine.schema, table: String(name) })
    return sql`SELECT ${String(name)}::TEXT AS name, month::TEXT AS month, count(*) AS "rows" FROM ${table} GROUP BY month`
  })
  const found = new Map<string, Holding['months']>(small.map(([name]) => [String(name), []]))
  if (counts.length === 0) return found
  const rows = await engine.rows(sql`${sql.join(counts, sql` UNION ALL `)} ORDER BY 1, 2`)
  for (const [name, month, count] of rows)
    found.get(String(name))?.push({ month: String(month), rows: Number(count), bytes: undefined })
  return found
}
