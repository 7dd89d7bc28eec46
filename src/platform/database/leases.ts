// Leases: of any number of servers on one database, one does a certain work at a time, and it is known when it is due again.
//
// A lease is a row of the claims of names, in a scope of its own: its owner is the server that works, nobody between
// two times, and its fence is when it is free: when the work is due, or when whoever works is taken for dead. Each change is
// a compare-and-set. Clocks that differ may let two servers work at once, so the work itself must bear that.
import { and, eq, sql } from 'drizzle-orm'
import { changesIf } from './columns.ts'
import type { Engine } from './engine.ts'
import { nameClaims } from './name-claims.ts'

const SCOPE = 'lease'

export interface Lease {
  /** The work. */
  name: string
  ownerId: string
  /** When it is free, in milliseconds. */
  untilMs: number
}

/** The lease by primary key; undefined before anybody has had it. */
export async function findLease(engine: Engine, name: string): Promise<Lease | undefined> {
  const [row] = await engine.db.select().from(nameClaims).where(isLease(name))
  return row && { name, ownerId: row.ownerId, untilMs: row.fence }
}

const isLease = (name: string) => and(eq(nameClaims.scope, SCOPE), eq(nameClaims.name, name))

/** Takes the lease, or holds it longer, or gives it back, if it is still as it was seen. @returns whether it was */
export async function moveLease(engine: Engine, seen: Lease | undefined, next: Lease): Promise<boolean> {
  const { name, ownerId, untilMs: fence } = next
  if (!seen) {
    const inserted = await engine.db
      .insert(nameClaims)
      .values({ scope: SCOPE, name, ownerId, fence })
      .onConflictDoNothing()
      .returning({ ownerId: nameClaims.ownerId })
    return inserted.length === 1
  }
  const isSeen = sql`owner_id = ${seen.ownerId} AND fence = ${seen.untilMs}::bigint`
  const [row] = await engine.db
    .update(nameClaims)
    .set(changesIf(nameClaims, isSeen, { ownerId, fence }))
    .where(isLease(name))
    .returning({ ownerId: nameClaims.ownerId, fence: nameClaims.fence })
  return row?.ownerId === ownerId && row.fence === fence
}
