// What tables and columns a schema of PostgreSQL or CrateDB has.
import { sql } from 'drizzle-orm'
import type { Engine } from '../../platform/database/engine.ts'

/** Pairs of table and column in the engine's schema. */
export async function readColumns(engine: Engine): Promise<[table: string, column: string][]> {
  const rows = await engine.rows(
    sql`SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ${engine.schema}`,
  )
  return rows as [string, string][]
}
