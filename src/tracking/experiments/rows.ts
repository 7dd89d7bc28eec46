// Rows of experiments that must be there.
import type { Engine } from '../../platform/database/engine.ts'
import { experimentNotFound, parseExperimentId } from './ids.ts'
import * as store from './store.ts'
import type { ExperimentRow } from './tables.ts'

/** The row, whatever its lifecycle stage. @throws RESOURCE_DOES_NOT_EXIST */
export async function requireExperiment(engine: Engine, experimentId: string): Promise<ExperimentRow> {
  const id = parseExperimentId(experimentId)
  const row = await store.findExperiment(engine, id)
  if (!row || store.isGoing(row)) throw experimentNotFound(id)
  return row
}
