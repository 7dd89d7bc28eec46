// Names that are unique: whoever gets one has its claim, as if a request had made it.

import type { Engine } from '../platform/database/engine.ts'
import { claimName, type NameOwner, releaseName } from '../platform/database/name-claims.ts'
import { upsertClaims } from './claims.store.ts'
import type { FamilyName, Row } from './families.store.ts'

/** How rows of a family take part in the claiming of names. */
export interface NameRules {
  id: string
  fence: string
  /** The name in the claim's key. */
  keyOf(row: Row): string
  owner(engine: Engine, row: Row): NameOwner
}

export type Names = Partial<Record<FamilyName, NameRules>>

/**
 * Takes the names of rows that are about to be written: of new ones by one statement, of a renamed one, or where a claim is
 * left over, one by one.
 * @param stored the rows that are there, by id
 * @returns rows whose names others have
 */
export async function claimNames(
  engine: Engine,
  rules: NameRules,
  rows: readonly Row[],
  stored: ReadonlyMap<string, Row>,
): Promise<{ row: Row; takenBy: string }[]> {
  const claims = rows.map((row) => ({
    row,
    owner: rules.owner(engine, row),
    claim: {
      name: rules.keyOf(row),
      ownerId: String(row[rules.id]),
      fence: Number(stored.get(String(row[rules.id]))?.[rules.fence] ?? 0),
    },
  }))
  const due = claims.filter(({ row, claim }) => {
    const known = stored.get(claim.ownerId)
    return !known || rules.keyOf(known) !== rules.keyOf(row)
  })
  const taken = await upsertClaims(
    engine,
    due.map(({ owner, claim }) => ({ scope: owner.scope, ...claim })),
  )
  const lost: { row: Row; takenBy: string }[] = []
  for (const { row, owner, claim } of due) {
    if (taken.get(`${owner.scope}\0${claim.name}`) === claim.ownerId) continue
    const takenBy = await claimName(engine, owner, claim)
    if (takenBy !== undefined) lost.push({ row, takenBy })
  }
  return lost
}

/** Gives back the names that rows had before. Call it when they carry the new ones. */
export async function releaseNames(
  engine: Engine,
  rules: NameRules,
  renamed: readonly { before: Row; after: Row }[],
): Promise<void> {
  for (const { before, after } of renamed) {
    const fence = Number(after[rules.fence])
    const claim = { name: rules.keyOf(before), ownerId: String(before[rules.id]), fence }
    await releaseName(engine, rules.owner(engine, before), claim)
  }
}
