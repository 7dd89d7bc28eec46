// Ids of records, and where they stand among the others of their dataset.
import { hashOf } from '../../platform/wire/ids.ts'
import { isJsonObject, type JsonObject } from '../../platform/wire/int64.ts'
import { pythonDumps } from '../../platform/wire/python.ts'

/**
 * The id of a record: the same for the same inputs, whatever the order of their fields, so that the primary key
 * keeps them apart from all others. 128 bits of a hash.
 */
export const recordIdOf = (datasetId: string, inputs: JsonObject): string =>
  `dr-${hashOf(`${datasetId}\n${pythonDumps(withSortedKeys(inputs))}`)}`

function withSortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSortedKeys)
  if (!isJsonObject(value)) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, item]) => [key, withSortedKeys(item)]))
}

/** Where a record stands in the order of a dataset: texts sort as the times and ids in them. */
export const placeOf = (createdTimeMs: number | string, recordId: string): string =>
  `${String(createdTimeMs).padStart(13, '0')}:${recordId}`
