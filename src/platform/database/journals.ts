// Journals of what a server is about to do, written before it is done, where there is no transaction: whoever finds something in one does it once more.
// One owner at a time may write a journal.
import { eq, sql } from 'drizzle-orm'
import { upsertRows } from './bulk.ts'
import { changesIf, excluded, type JournalTable } from './columns.ts'
import type { Engine } from './engine.ts'

/** A journal, and who has it. */
export interface OwnJournal {
  name: string
  ownerId: string
}

/** Whether one of the journals has something that is under way, or was when a server ended. Each is found by its key, so it is as the last write left it. */
export async function isUnderWay(
  engine: Engine,
  table: JournalTable,
  names: readonly string[],
): Promise<boolean> {
  const found = await Promise.all(
    names.map((name) => engine.db.select().from(table).where(eq(table.name, name))),
  )
  return found.flat().some(({ journal }) => journal !== null)
}

/** Takes a journal from whoever had it. @returns what was under way, as text */
export async function takeJournal(
  engine: Engine,
  table: JournalTable,
  { name, ownerId }: OwnJournal,
): Promise<string | null> {
  const owner = table.ownerId
  const [row] = await upsertRows(engine, table, [{ name, ownerId, journal: null }], {
    onConflict: () => sql`${sql.identifier(owner.name)} = ${excluded(owner)}`,
    returning: [owner, table.journal],
  })
  return (row?.journal as string | null | undefined) ?? null
}

/** Writes a journal, or clears it, if the owner still has it. @returns whether it has */
export async function writeJournal(
  engine: Engine,
  table: JournalTable,
  { own: { name, ownerId }, journal }: { own: OwnJournal; journal: string | null },
): Promise<boolean> {
  const isOwn = sql`owner_id = ${ownerId}`
  const [row] = await engine.db
    .update(table)
    .set(changesIf(table, isOwn, { journal }))
    .where(eq(table.name, name))
    .returning({ ownerId: table.ownerId })
  return row?.ownerId === ownerId
}
