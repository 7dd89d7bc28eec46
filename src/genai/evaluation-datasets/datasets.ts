// Rules for evaluation datasets: digests, how they are answered, the text about one that is not there.

import { doesNotExist } from '../../errors.ts'
import { hashOf } from '../../platform/wire/ids.ts'
import { pythonDumps } from '../../platform/wire/python.ts'
import type { EvaluationDataset } from './schema.ts'
import type { EvaluationDatasetRow } from './tables.ts'

export const datasetNotFound = (datasetId: string) =>
  doesNotExist(`Evaluation dataset with id '${datasetId}' not found`)

/** @see mlflow/store/tracking/sqlalchemy_store.py _compute_dataset_digest */
export const digestOf = (name: string, timeMs: number): string => hashOf(`${name}:${timeMs}`, 8)

/** @see mlflow/entities/evaluation_dataset.py EvaluationDataset.to_proto */
export const datasetToWire = (
  row: EvaluationDatasetRow,
  tags: Iterable<readonly [key: string, value: string | null]>,
): EvaluationDataset => ({
  dataset_id: row.datasetId,
  name: row.name,
  tags: pythonDumps(Object.fromEntries(tags)),
  schema: row.schema ?? undefined,
  profile: profileOf(row.numRecords),
  digest: row.digest,
  created_time: row.createdTimeMs,
  last_update_time: row.lastUpdateTimeMs,
  created_by: row.createdBy ?? undefined,
  last_updated_by: row.lastUpdatedBy ?? undefined,
})

/** A dataset whose records are all deleted has `null` for a profile, one that never had any has none. */
function profileOf(numRecords: number | null): string | undefined {
  if (numRecords === null) return undefined
  return numRecords > 0 ? `{"num_records": ${numRecords}}` : 'null'
}
