// The search over experiments as one statement.
import { and, asc, type Column, desc, eq, isNotNull, type SQL, sql } from 'drizzle-orm'
import { hasChild } from '../../platform/database/children.ts'
import { equalsAny } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Comparison, OrderBy } from '../../platform/search/comparison.ts'
import { compare } from '../../platform/search/to-sql.ts'
import { type ExperimentRow, experiments, experimentTags } from './tables.ts'

export interface ExperimentSearch {
  filter: Comparison[]
  /** Sort keys, of which one is experiment_id. */
  orderBy: OrderBy[]
  /** Lifecycle stages to show. */
  stages: string[]
  /** Rows to skip, and to answer at most. */
  offset: number
  limit: number
}

const ATTRIBUTES: Record<string, Column> = {
  name: experiments.name,
  experiment_id: experiments.experimentId,
  creation_time: experiments.creationTimeMs,
  last_update_time: experiments.lastUpdateTimeMs,
}

/**
 * A page of the experiments that meet all comparisons. Sees every write acknowledged before the call.
 * @see mlflow/store/tracking/sqlalchemy_store.py SqlAlchemyStore._search_experiments
 */
export async function searchExperimentRows(
  engine: Engine,
  { filter, orderBy, stages, offset, limit }: ExperimentSearch,
): Promise<ExperimentRow[]> {
  const usesTags = filter.some(({ type }) => type === 'tag')
  await engine.refresh(experiments, ...(usesTags ? [experimentTags] : []))
  const order = orderBy.map(({ key, ascending }) => (ascending ? asc : desc)(ATTRIBUTES[key] as Column))
  return engine.db
    .select()
    .from(experiments)
    .where(
      and(
        // Without a name it is a creation that never finished.
        isNotNull(experiments.name),
        equalsAny(experiments.lifecycleStage, stages.includes('deleted') ? [...stages, 'restoring'] : stages),
        ...filter.map((comparison) => condition(engine, comparison)),
      ),
    )
    .orderBy(...order)
    .limit(limit)
    .offset(offset)
}

function condition({ dialect }: Engine, comparison: Comparison): SQL {
  const { type, key, comparator } = comparison
  if (type === 'attribute') return compare(ATTRIBUTES[key] as Column, comparison, dialect)
  const isNullCheck = comparator === 'IS NULL' || comparator === 'IS NOT NULL'
  const isTagged = hasChild(dialect, experiments.experimentId, {
    table: experimentTags,
    of: experimentTags.experimentId,
    where: and(
      eq(experimentTags.key, key),
      isNullCheck ? undefined : compare(experimentTags.value, comparison, dialect),
    ),
  })
  return comparator === 'IS NULL' ? sql`NOT ${isTagged}` : isTagged
}
