// How far the import of a table is: a row beside the claims of names, which an import takes over from the one before.
//
// Its fence is raised by every import that begins: the one that finds another fence than its own ends. The owner's place holds
// the high-water value up to which all rows are in the store.
import { and, eq, sql } from 'drizzle-orm'
import { unavailable } from '../../errors.ts'
import { changesIf } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { nameClaims } from '../../platform/database/name-claims.ts'

const SCOPE = 'table_import'

export interface TableProgress {
  /** Up to where all rows are there; undefined before the first of them is, and without a high-water column. */
  readonly mark: string | undefined
  /** @throws Error when another import of the same table has begun */
  requireOwn(): Promise<void>
  /** @throws Error when another import of the same table has begun */
  save(mark: string): Promise<void>
}

const isImport = (name: string) => and(eq(nameClaims.scope, SCOPE), eq(nameClaims.name, name))

/** The mark that imports of this name have left. */
export async function findMark(engine: Engine, name: string): Promise<string | undefined> {
  const [row] = await engine.db.select().from(nameClaims).where(isImport(name))
  return row?.ownerId || undefined
}

/** Begins an import. One that is still under way ends with its next page. */
export async function beginImport(engine: Engine, name: string): Promise<TableProgress> {
  const [row] = await engine.db
    .insert(nameClaims)
    .values({ scope: SCOPE, name, ownerId: '', fence: 1 })
    .onConflictDoUpdate({
      target: [nameClaims.scope, nameClaims.name],
      set: { fence: sql`${engine.dialect.stored(nameClaims.fence)} + 1` },
    })
    .returning({ ownerId: nameClaims.ownerId, fence: nameClaims.fence })
  if (!row) throw unavailable('The database did not take the row of the import. Please retry.')
  const { fence } = row
  const check = (found: { fence: number } | undefined) => {
    if (found?.fence !== fence)
      throw new Error('Another import of this table has begun, which goes on instead of this one.')
  }
  return {
    mark: row.ownerId || undefined,
    async requireOwn() {
      const [found] = await engine.db.select().from(nameClaims).where(isImport(name))
      check(found)
    },
    async save(mark) {
      const [found] = await engine.db
        .update(nameClaims)
        .set(changesIf(nameClaims, sql`fence = ${fence}::bigint`, { ownerId: mark }))
        .where(isImport(name))
        .returning({ fence: nameClaims.fence })
      check(found)
    },
  }
}
