// Whether the table that is read is one of the store that is written to.
import type { Engine } from '../../platform/database/engine.ts'
import { listMigrations, migrationStatus, type TableLayout } from '../../platform/database/migrate.ts'
import type { SqlReader } from '../mlflow/sql-reader.ts'
import type { Mapping } from './mapping.ts'

export interface OwnTableDeps {
  engine: Engine
  layout: TableLayout
  /** Where the table is read. */
  source: SqlReader
  mapping: Mapping
}

const MADE = /^CREATE (?:TABLE IF NOT EXISTS|OR REPLACE VIEW) (\w+)/

/**
 * A table or view of the store itself would be read together with what an import writes, again and again.
 * @throws MappingError for one that the store has made
 */
export async function refuseOwn({ engine, layout, source, mapping }: OwnTableDeps): Promise<void> {
  const { table, schema = source.schema } = mapping.table
  const isMade = listMigrations(engine, layout).some(({ statements }) =>
    statements.some((statement) => MADE.exec(statement)?.[1] === table),
  )
  if (!isMade || source.kind !== 'server' || schema === undefined) return
  if (!(await isSameStore({ engine, layout, source, schema }))) return
  throw mapping.mistake(
    ['table'],
    `${schema}.${table} belongs to the store that is written to: an import would read what it writes`,
  )
}

/** Hosts have several names, and clusters several hosts; the moments of its migrations are a store's own. */
async function isSameStore(
  deps: Pick<OwnTableDeps, 'engine' | 'layout' | 'source'> & { schema: string },
): Promise<boolean> {
  const { engine, layout, source, schema } = deps
  const text = `SELECT version, applied_at FROM "${schema.replaceAll('"', '""')}".schema_migrations ORDER BY version`
  // Without such a table, or without rights to it, this is no store of the user's.
  const there = await source.rows(text, []).catch(() => [])
  const here = await migrationStatus(engine, layout)
  return (
    there.length > 0 &&
    here.map(({ version, appliedAtMs }) => `${version} ${appliedAtMs}`).join() ===
      there.map(([version, appliedAt]) => `${version} ${appliedAt}`).join()
  )
}
