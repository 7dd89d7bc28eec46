// Statements over the aliases of registered models. A deleted alias is a row without a version.
import { and, asc, eq, getTableColumns, isNotNull, sql } from 'drizzle-orm'
import { ownedBy } from '../../platform/database/children.ts'
import { changesIf } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { NO_EVENT } from './audit.store.ts'
import { type RegisteredModelAliasRow, registeredModelAliases as table } from './tables.ts'

const isAlias = (modelUid: string, alias: string) => and(eq(table.modelUid, modelUid), eq(table.alias, alias))

/** The alias by primary key, deleted or not. */
export async function findAlias(
  engine: Engine,
  modelUid: string,
  alias: string,
): Promise<RegisteredModelAliasRow | undefined> {
  const [row] = await engine.db.select().from(table).where(isAlias(modelUid, alias))
  return row
}

/**
 * Points the alias to a version, or to none, if its last change is still `previousEventId`.
 * @returns whether it does so now
 */
export async function switchAlias(
  engine: Engine,
  next: RegisteredModelAliasRow,
  previousEventId: string,
): Promise<boolean> {
  if (previousEventId === NO_EVENT) {
    const inserted = await engine.db
      .insert(table)
      .values(next)
      .onConflictDoNothing()
      .returning({ eventId: table.eventId })
    return inserted.length === 1
  }
  const isPrevious = sql`event_id = ${previousEventId}`
  const [row] = await engine.db
    .update(table)
    .set(changesIf(table, isPrevious, { version: next.version, eventId: next.eventId }))
    .where(isAlias(next.modelUid, next.alias))
    .returning({ eventId: table.eventId })
  return row?.eventId === next.eventId
}

export type Alias = RegisteredModelAliasRow & { version: number }

/** Aliases of the models by name, deleted ones left out. The caller has passed the refresh gate. */
export async function findAliases(engine: Engine, modelUids: string[]): Promise<Map<string, Alias[]>> {
  const byModel = new Map<string, Alias[]>(modelUids.map((modelUid) => [modelUid, []]))
  if (modelUids.length === 0) return byModel
  const ofModels = ownedBy(engine.dialect, { table, of: table.modelUid }, modelUids)
  const rows = await engine.db
    .select(getTableColumns(table))
    .from(ofModels.from)
    .where(and(ofModels.where, isNotNull(table.version)))
    .orderBy(asc(table.alias))
  for (const row of rows) if (row.version !== null) byModel.get(row.modelUid)?.push(row as Alias)
  return byModel
}
