// Statements over many claims of names at once.
import { and, type SQL, sql } from 'drizzle-orm'
import { keepStored, upsertRows } from '../platform/database/bulk.ts'
import { equalsAny } from '../platform/database/columns.ts'
import type { Engine } from '../platform/database/engine.ts'
import { nameClaims } from '../platform/database/name-claims.ts'

type ClaimRow = typeof nameClaims.$inferSelect

const keyOf = ({ scope, name }: Pick<ClaimRow, 'scope' | 'name'>) => `${scope}\0${name}`

/** Claims names that nobody has claimed. @returns who has each of them afterwards, by scope and name */
export async function upsertClaims(
  engine: Engine,
  claims: readonly ClaimRow[],
): Promise<Map<string, string>> {
  const rows = await upsertRows(engine, nameClaims, claims, {
    onConflict: keepStored(nameClaims.ownerId),
    returning: [nameClaims.scope, nameClaims.name, nameClaims.ownerId],
  })
  return new Map(
    rows.map((row) => [keyOf({ scope: `${row.scope}`, name: `${row.name}` }), String(row.owner_id)]),
  )
}

/** Who has claimed the names, by scope and name. The caller has passed the refresh gate. */
export async function findClaims(
  engine: Engine,
  scope: string,
  names: readonly string[],
): Promise<Map<string, string>> {
  if (names.length === 0) return new Map()
  const isOne: SQL | undefined = and(sql`scope = ${scope}`, equalsAny(nameClaims.name, names))
  const rows = await engine.db.select().from(nameClaims).where(isOne)
  return new Map(rows.filter(({ ownerId }) => ownerId !== '').map((row) => [keyOf(row), row.ownerId]))
}
