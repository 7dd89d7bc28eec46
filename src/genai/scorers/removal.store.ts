// Statements that delete the scorers of experiments for good.
import { and, eq, ne } from 'drizzle-orm'
import { deleteOwned } from '../../platform/database/deletion.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { scorers, scorerVersions } from './tables.ts'

/** Deletes all scorers of an experiment, their versions first. Repeatable. @returns how many rows went */
export async function removeScorersOf(engine: Engine, experimentId: string): Promise<number> {
  await engine.refresh(scorers)
  const { scorerId } = scorers
  const rows = await engine.db
    .select({ scorerId })
    .from(scorers)
    .where(and(eq(scorers.experimentId, experimentId), ne(scorerId, '')))
  const ids = rows.map((row) => row.scorerId)
  const versions = await deleteOwned(engine, [{ table: scorerVersions, of: scorerVersions.scorerId }], ids)
  return (
    versions + (await deleteOwned(engine, [{ table: scorers, of: scorers.experimentId }], [experimentId]))
  )
}
