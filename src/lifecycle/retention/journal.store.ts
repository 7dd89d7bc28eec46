// Statements over the journal of what is under way with a table that is downsampled, which one owner at a time may write.
import { eq, sql } from 'drizzle-orm'
import { upsertRows } from '../../platform/database/bulk.ts'
import { changesIf, excluded } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { tableDownsampling } from './tables.ts'

interface OwnJournal {
  name: string
  ownerId: string
}

const isNamed = (name: string) => eq(tableDownsampling.name, name)

/** Whether something is under way, or was left. */
export async function isUnderWay(engine: Engine, name: string): Promise<boolean> {
  const [row] = await engine.db.select().from(tableDownsampling).where(isNamed(name))
  return (row?.journal ?? null) !== null
}

/** Takes a journal from whoever had it. @returns what was under way */
export async function takeJournal(engine: Engine, { name, ownerId }: OwnJournal): Promise<string | null> {
  const owner = tableDownsampling.ownerId
  const [row] = await upsertRows(engine, tableDownsampling, [{ name, ownerId, journal: null }], {
    onConflict: () => sql`${sql.identifier(owner.name)} = ${excluded(owner)}`,
    returning: [owner, tableDownsampling.journal],
  })
  return (row?.journal as string | null | undefined) ?? null
}

/** Writes a journal, or clears it, if the owner still has it. @returns whether it has */
export async function writeJournal(
  engine: Engine,
  { name, ownerId }: OwnJournal,
  journal: string | null,
): Promise<boolean> {
  const isOwn = sql`owner_id = ${ownerId}`
  const [row] = await engine.db
    .update(tableDownsampling)
    .set(changesIf(tableDownsampling, isOwn, { journal }))
    .where(isNamed(name))
    .returning({ ownerId: tableDownsampling.ownerId })
  return row?.ownerId === ownerId
}
