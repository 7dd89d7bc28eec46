// Statements that delete the label schemas of experiments for good.
import { deleteOwned } from '../../platform/database/deletion.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { nameClaims } from '../../platform/database/name-claims.ts'
import { scopeOf } from './store.ts'
import { labelSchemas } from './tables.ts'

/** Deletes all label schemas of an experiment with their names. Repeatable. @returns how many rows went */
export async function removeLabelSchemasOf(engine: Engine, experimentId: string): Promise<number> {
  const own = [{ table: labelSchemas, of: labelSchemas.experimentId }]
  const deleted = await deleteOwned(engine, own, [experimentId])
  const names = [{ table: nameClaims, of: nameClaims.scope }]
  return deleted + (await deleteOwned(engine, names, [scopeOf(experimentId)]))
}
