// Unique names on a store without transactions or unique constraints: a name is the primary key of a claim row.
//
// The owner row carries the name and a fence number; the claim row carries the owner and the fence it was taken at.
// Every step is an atomic change of one row:
//   create:  claim(name → id, fence 0), insert owner row {name, fence 0} if absent
//   rename:  claim(new → id, fence f), set owner's name and fence f + 1 while its fence is still f, release(old)
// A rename that finds another fence has lost: it gives the new name back and begins again.
// A claim whose owner does not carry the name is left over from a crash, or its owner is about to take it. Whoever
// needs the name first raises the owner's fence, so that the owner can no longer take the name, and then moves the
// claim by compare-and-set. No step relies on time for safety.
import { and, eq, sql } from 'drizzle-orm'
import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { unavailable } from '../../errors.ts'
import { changesIf, milliseconds } from './columns.ts'
import type { Engine } from './engine.ts'

export const nameClaims = pgTable(
  'name_claims',
  {
    scope: text('scope').notNull(),
    name: text('name').notNull(),
    /** Empty for a released name. */
    ownerId: text('owner_id').notNull(),
    fence: milliseconds('fence').notNull(),
  },
  (table) => [primaryKey({ columns: [table.scope, table.name] })],
)

/** What the claims need from the room that owns the names. All by full primary key. */
export interface NameOwner {
  /** First half of the claim's key, such as `experiment`. */
  scope: string
  /** The name that the owner row carries; undefined when the row is missing or has none. */
  nameOf(ownerId: string): Promise<string | undefined>
  /**
   * Raises the owner's fence (a missing row is made, nameless) so that no claim taken before counts any more.
   * @returns the name that the owner carries now
   */
  raiseFence(ownerId: string): Promise<string | undefined>
}

export interface Claim {
  name: string
  ownerId: string
  fence: number
}

/** How long a claim without a named owner is given to finish before it is fenced off, in milliseconds. */
const PATIENCE_MS = 1_000
const POLL_MS = 20

/**
 * Takes a name. Repeating it for the same owner and fence is fine: that is how a crashed rename goes on.
 * @returns the id of the owner that has the name, when it is another one; undefined when the claim is ours
 */
export async function claimName(engine: Engine, owner: NameOwner, claim: Claim): Promise<string | undefined> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    if (await insertClaim(engine, owner.scope, claim)) return undefined
    const held = await readClaim(engine, owner.scope, claim.name)
    if (!held) throw unavailable('The database did not take a name claim. Please retry.')
    if (held.ownerId === claim.ownerId && held.fence === claim.fence) return undefined
    if (held.ownerId !== '' && held.ownerId !== claim.ownerId) {
      if ((await owner.nameOf(held.ownerId)) === claim.name) return held.ownerId
      if (Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS))
        continue
      }
      if ((await owner.raiseFence(held.ownerId)) === claim.name) return held.ownerId
    }
    if (await moveClaim(engine, owner.scope, held, claim)) return undefined
  }
}

/**
 * Gives a name back, unless somebody else has it by now, or the owner has taken it again under a higher fence than
 * the one of the claim.
 */
export async function releaseName(engine: Engine, owner: NameOwner, claim: Claim): Promise<void> {
  const held = await readClaim(engine, owner.scope, claim.name)
  if (held?.ownerId === claim.ownerId && held.fence <= claim.fence)
    await moveClaim(engine, owner.scope, held, { ...held, ownerId: '' })
}

/** The owner of a name by primary key, whether or not it carries the name yet. */
export async function claimedBy(engine: Engine, scope: string, name: string): Promise<string | undefined> {
  return (await readClaim(engine, scope, name))?.ownerId || undefined
}

async function insertClaim(engine: Engine, scope: string, claim: Claim): Promise<boolean> {
  const inserted = await engine.db
    .insert(nameClaims)
    .values({ scope, ...claim })
    .onConflictDoNothing()
    .returning({ ownerId: nameClaims.ownerId })
  return inserted.length === 1
}

async function readClaim(engine: Engine, scope: string, name: string): Promise<Claim | undefined> {
  const [row] = await engine.db
    .select()
    .from(nameClaims)
    .where(and(eq(nameClaims.scope, scope), eq(nameClaims.name, name)))
  return row
}

/** Compare-and-set of one claim row. */
async function moveClaim(engine: Engine, scope: string, from: Claim, to: Claim): Promise<boolean> {
  const isFrom = sql`owner_id = ${from.ownerId} AND fence = ${from.fence}`
  const [row] = await engine.db
    .update(nameClaims)
    .set(changesIf(nameClaims, isFrom, { ownerId: to.ownerId, fence: to.fence }))
    .where(and(eq(nameClaims.scope, scope), eq(nameClaims.name, from.name)))
    .returning({ ownerId: nameClaims.ownerId, fence: nameClaims.fence })
  if (!row) throw unavailable('The database did not take a name claim. Please retry.')
  return row.ownerId === to.ownerId && row.fence === to.fence
}
