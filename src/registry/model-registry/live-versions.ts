// Finds versions that are not deleted, by the name of their model.
import type { Engine } from '../../platform/database/engine.ts'
import { findModelByName, type NamedModelRow } from './models.store.ts'
import { checkModelName, readVersion, versionNotFound } from './names.ts'
import type { ModelVersionRow } from './tables.ts'
import { findVersion, STAGE_DELETED } from './versions.store.ts'

/** A version that is not deleted, with its model. */
export interface LiveVersion {
  model: NamedModelRow
  row: ModelVersionRow
}

/** @throws RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE. Reads by primary key: sees every acknowledged write. */
export async function requireVersion(engine: Engine, name: string, version: string): Promise<LiveVersion> {
  checkModelName(name)
  const number = readVersion(name, version)
  const model = await findModelByName(engine, name)
  const row = model && (await findVersion(engine, model.modelUid, number))
  if (!row || row.currentStage === STAGE_DELETED) throw versionNotFound(name, number)
  return { model, row }
}
