// Statements over the table of materialized views.
import { eq, sql } from 'drizzle-orm'
import { createInsert } from '../../platform/database/bulk.ts'
import { changesIf } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { materializedViews, type ViewRow } from './tables.ts'

const isView = (viewId: string) => eq(materializedViews.viewId, viewId)

/** The view by primary key. */
export async function findView(engine: Engine, viewId: string): Promise<ViewRow | undefined> {
  const [row] = await engine.db.select().from(materializedViews).where(isView(viewId))
  return row
}

/** All views, by name. Passes the refresh gate. */
export async function listViews(engine: Engine): Promise<ViewRow[]> {
  await engine.refresh(materializedViews)
  return engine.db.select().from(materializedViews).orderBy(materializedViews.name)
}

/** Adds a view. @returns false when there is one of its id */
export const insertView = (engine: Engine, row: ViewRow): Promise<boolean> =>
  createInsert(engine, materializedViews)([row])

/** Changes columns of a view. @returns its row afterwards; undefined when it is gone */
export async function updateView(
  engine: Engine,
  viewId: string,
  changes: Partial<Omit<ViewRow, 'viewId'>>,
): Promise<ViewRow | undefined> {
  const [row] = await engine.db.update(materializedViews).set(changes).where(isView(viewId)).returning()
  return row
}

/** Moves the time from which the schedule counts, if it is still the one that was seen. */
export async function moveSchedule(
  engine: Engine,
  { viewId, scheduledFromMs: seen }: Pick<ViewRow, 'viewId' | 'scheduledFromMs'>,
  next: number,
): Promise<void> {
  const isSeen = sql`scheduled_from_ms = ${seen}::bigint`
  await engine.db
    .update(materializedViews)
    .set(changesIf(materializedViews, isSeen, { scheduledFromMs: next }))
    .where(isView(viewId))
}

export async function deleteView(engine: Engine, viewId: string): Promise<void> {
  await engine.db.delete(materializedViews).where(isView(viewId))
}
