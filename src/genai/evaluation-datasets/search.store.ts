// The search over evaluation datasets as one statement.
import { and, type Column, eq, type SQL } from 'drizzle-orm'
import { hasChild } from '../../platform/database/children.ts'
import { equalsAny } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import {
  checkPlace,
  isBehind,
  orderOf,
  type Place,
  placeOf,
  type SortKey,
} from '../../platform/search/keyset.ts'
import { compare } from '../../platform/search/to-sql.ts'
import type { DatasetComparison, DatasetOrderBy } from './search.ts'
import {
  type EvaluationDatasetRow,
  evaluationDatasetExperiments as experiments,
  evaluationDatasets as table,
  evaluationDatasetTags as tags,
} from './tables.ts'

export interface DatasetSearch {
  /** Datasets of any of these; of all and none when empty. */
  experimentIds: string[]
  filter: DatasetComparison[]
  /** Sort keys, of which the last one is dataset_id. */
  orderBy: DatasetOrderBy[]
  /** Rows to skip; counted from the first one, or from behind a row when its place is given. */
  offset: number
  after?: readonly unknown[] | undefined
  /** Rows to answer at most. */
  limit: number
}

const ATTRIBUTES: Record<string, Column> = {
  dataset_id: table.datasetId,
  name: table.name,
  created_time: table.createdTimeMs,
  last_update_time: table.lastUpdateTimeMs,
  created_by: table.createdBy,
  last_updated_by: table.lastUpdatedBy,
}
const NUMBERS = ['created_time', 'last_update_time']

/** A dataset and its place in the order of the search. */
export type FoundDataset = EvaluationDatasetRow & { place: Place }

/**
 * A page of the datasets that meet all comparisons. Sees every write acknowledged before the call.
 * @throws INVALID_PARAMETER_VALUE when `after` is no place in this order
 * @see mlflow/store/tracking/sqlalchemy_store.py search_datasets
 */
export async function searchDatasetRows(engine: Engine, search: DatasetSearch): Promise<FoundDataset[]> {
  const { experimentIds, filter, orderBy, offset, limit } = search
  const keys = orderBy.map(sortKey)
  const after = search.after && checkPlace(keys, search.after)
  await engine.refresh(
    table,
    ...(filter.some(({ type }) => type === 'tag') ? [tags] : []),
    ...(experimentIds.length > 0 ? [experiments] : []),
  )
  const rows = await engine.db
    .select()
    .from(table)
    .where(
      and(
        experimentIds.length > 0 ? isOfExperiments(engine, experimentIds) : undefined,
        ...filter.map((comparison) => condition(engine, comparison)),
        after && isBehind(keys, after),
      ),
    )
    .orderBy(...orderOf(keys))
    .limit(limit)
    .offset(offset)
  return rows.map((row) => {
    const places: Record<string, unknown> = {
      dataset_id: row.datasetId,
      name: row.name,
      created_time: row.createdTimeMs,
      last_update_time: row.lastUpdateTimeMs,
    }
    return { ...row, place: orderBy.map(({ key }) => placeOf(places[key], false)) }
  })
}

const sortKey = ({ key, ascending }: DatasetOrderBy): SortKey => ({
  kind: NUMBERS.includes(key) ? 'int64' : 'text',
  value: ATTRIBUTES[key] as Column,
  ascending,
  required: true,
})

const isOfExperiments = ({ dialect }: Engine, experimentIds: string[]): SQL =>
  hasChild(dialect, table.datasetId, {
    table: experiments,
    of: experiments.datasetId,
    where: equalsAny(experiments.experimentId, experimentIds),
  })

function condition({ dialect }: Engine, comparison: DatasetComparison): SQL {
  if (comparison.type === 'attribute')
    return compare(ATTRIBUTES[comparison.key] as Column, comparison, dialect)
  return hasChild(dialect, table.datasetId, {
    table: tags,
    of: tags.datasetId,
    where: and(eq(tags.key, comparison.key), compare(tags.value, comparison, dialect)),
  })
}
