// Statements over the record of what was deleted for good.
import { and, eq, gte, sql } from 'drizzle-orm'
import { keepStored, upsertRows } from '../../platform/database/bulk.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { orderOf, type SortKey } from '../../platform/search/keyset.ts'
import { findPage, type PageBounds } from '../../platform/search/page.store.ts'
import { type DeletionRow, deletions } from './tables.ts'

/** Records deletions that begin. One that goes on after a crash is recorded already, and stays as it is. */
export async function recordDeletions(engine: Engine, rows: readonly DeletionRow[]): Promise<void> {
  await upsertRows(engine, deletions, rows, { onConflict: keepStored(deletions.kind) })
}

/** Adds to what a deletion has taken with it. */
export async function addToDeletion(
  engine: Engine,
  deletionId: string,
  { rows, files }: { rows: number; files: number },
): Promise<void> {
  if (rows === 0 && files === 0) return
  await engine.db
    .update(deletions)
    .set({ rowCount: sql`row_count + ${rows}::bigint`, fileCount: sql`file_count + ${files}::bigint` })
    .where(eq(deletions.deletionId, deletionId))
}

/** Ids of things of a kind whose deletion began since then, the last ones. Passes the refresh gate. */
export async function findRecentIds(
  engine: Engine,
  { kind, sinceMs, limit }: { kind: string; sinceMs: number; limit: number },
): Promise<string[]> {
  await engine.refresh(deletions)
  const rows = await engine.db
    .select({ id: deletions.entityId })
    .from(deletions)
    .where(and(eq(deletions.kind, kind), gte(deletions.deletedAtMs, sinceMs)))
    .orderBy(...orderOf(ORDER))
    .limit(limit)
  return [...new Set(rows.map(({ id }) => id))]
}

/** Newest first. */
const ORDER: SortKey[] = [
  { kind: 'int64', value: deletions.deletedAtMs, ascending: false, required: true },
  { kind: 'text', value: deletions.deletionId, ascending: false, required: true },
]

/**
 * A page of deletions, the newest first, each with its place in the order. Passes the refresh gate.
 * @throws INVALID_PARAMETER_VALUE when `after` is no place
 */
export const findDeletions = (
  engine: Engine,
  {
    kind,
    entityId,
    experimentId,
    ...page
  }: PageBounds & {
    kind: string | undefined
    entityId: string | undefined
    experimentId: string | undefined
  },
) =>
  findPage(engine, deletions, {
    order: ORDER,
    page,
    where: and(
      kind === undefined ? undefined : eq(deletions.kind, kind),
      entityId === undefined ? undefined : eq(deletions.entityId, entityId),
      experimentId === undefined ? undefined : eq(deletions.experimentId, experimentId),
    ),
  })
