// How many rows the server's tables have, on PostgreSQL as a server or embedded.
import { sql } from 'drizzle-orm'
import type { Engine } from './engine.ts'
import { identifierOf } from './own-columns.ts'

/** What is counted at once: some thousand rows. */
const SMALL_BYTES = 1024 * 1024

/**
 * Rows of those of the server's tables that are small. The database's own estimate is right within some fifty rows and a twentieth, which is
 * nothing for large tables and everything for these.
 */
export async function countSmallTables(engine: Engine): Promise<Map<string, number>> {
  const small = await engine.rows(
    sql`SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ${engine.schema} AND c.relkind = 'r' AND pg_relation_size(c.oid) <= ${SMALL_BYTES}`,
  )
  if (small.length === 0) return new Map()
  const counts = small.map(([name]) => {
    const table = identifierOf({ schema: engine.schema, table: String(name) })
    return sql`SELECT ${String(name)}::TEXT, count(*) FROM ${table}`
  })
  const rows = await engine.rows(sql.join(counts, sql` UNION ALL `))
  return new Map(rows.map(([name, count]) => [String(name), Number(count)]))
}
