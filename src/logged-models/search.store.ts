// The search over logged models as one statement: conditions on children are semi-joins, metrics to sort by left joins.
import { and, type Column, desc, eq, getTableColumns, inArray, ne, or, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { equalsAny } from '../database/columns.ts'
import type { Engine } from '../database/engine.ts'
import type { LoggedModelComparison, LoggedModelOrderBy } from '../search/logged-model-search.ts'
import { compare, orderNullsLast } from '../search/to-sql.ts'
import {
  type LoggedModelRow,
  loggedModelMetrics,
  loggedModelParams,
  loggedModels,
  loggedModelTags,
} from './tables.ts'

/** A dataset by name, or by name and digest. */
export interface DatasetFilter {
  name: string
  digest: string | undefined
}

export interface LoggedModelSearch {
  /** Ids of the experiments to search; at least one. */
  experimentIds: string[]
  filter: LoggedModelComparison[]
  /** Metric conditions hold for points on one of these datasets; without such conditions, any point on one will do. */
  datasets: DatasetFilter[]
  orderBy: LoggedModelOrderBy[]
  /** Rows to skip, and to answer at most. */
  offset: number
  limit: number
}

/**
 * A page of the models that meet all conditions and are not deleted, by the sort keys, then newest first, then model
 * id. Sees every write acknowledged before the call.
 * @see mlflow/store/tracking/sqlalchemy_store.py SqlAlchemyStore.search_logged_models
 */
export async function searchLoggedModelRows(
  engine: Engine,
  search: LoggedModelSearch,
): Promise<LoggedModelRow[]> {
  await engine.refresh(loggedModels, ...searchedTables(search))
  const { joins, order } = sortKeys(engine, search.orderBy)
  let query = engine.db
    .select(getTableColumns(loggedModels))
    .from(loggedModels)
    .where(
      and(
        equalsAny(loggedModels.experimentId, search.experimentIds),
        ne(loggedModels.lifecycleStage, 'deleted'),
        ...search.filter.map((comparison) => condition(engine, comparison, search)),
        onDatasets(engine, search),
      ),
    )
    .$dynamic()
  for (const join of joins) query = query.leftJoin(join, eq(loggedModels.modelId, join.modelId))
  return query
    .orderBy(...order)
    .limit(search.limit)
    .offset(search.offset)
}

const CHILDREN = { metric: loggedModelMetrics, parameter: loggedModelParams, tag: loggedModelTags }

function searchedTables({ filter, orderBy, datasets }: LoggedModelSearch): PgTable[] {
  const types = [...filter, ...orderBy].flatMap(({ type }) => (type === 'attribute' ? [] : [type]))
  const tables: PgTable[] = types.map((type) => CHILDREN[type])
  return [...new Set(datasets.length > 0 ? [...tables, loggedModelMetrics] : tables)]
}

const ATTRIBUTES: Record<string, Column> = Object.fromEntries(
  Object.values(getTableColumns(loggedModels)).map((column) => [column.name, column]),
)
/** Numbers that filters compare as texts. */
const AS_TEXT = ['status', 'experiment_id']

function condition(engine: Engine, comparison: LoggedModelComparison, search: LoggedModelSearch): SQL {
  const { type, key } = comparison
  if (type === 'attribute') {
    const column = ATTRIBUTES[key] as Column
    return compare(AS_TEXT.includes(key) ? sql`CAST(${column} AS text)` : column, comparison, engine.dialect)
  }
  if (type === 'metric') {
    return hasMetric(
      engine,
      eq(loggedModelMetrics.name, key),
      compare(loggedModelMetrics.value, comparison),
      ofDatasets(search.datasets),
    )
  }
  const table = CHILDREN[type]
  const ofKey = and(equalsAny(table.experimentId, search.experimentIds), eq(table.key, key))
  const modelIds = engine.db
    .select({ modelId: table.modelId })
    .from(table)
    .where(and(ofKey, compare(table.value, comparison, engine.dialect)))
  return inArray(loggedModels.modelId, modelIds)
}

/** Any point that meets all conditions. */
function hasMetric(engine: Engine, ...conditions: (SQL | undefined)[]): SQL {
  const modelIds = engine.db
    .select({ modelId: loggedModelMetrics.modelId })
    .from(loggedModelMetrics)
    .where(and(...conditions))
  return inArray(loggedModels.modelId, modelIds)
}

const ofDatasets = (datasets: DatasetFilter[]): SQL | undefined =>
  or(...datasets.map(({ name, digest }) => ofDataset(name, digest)))

const ofDataset = (name: string | undefined, digest: string | undefined): SQL | undefined =>
  and(
    name === undefined ? undefined : eq(loggedModelMetrics.datasetName, name),
    digest === undefined ? undefined : eq(loggedModelMetrics.datasetDigest, digest),
  )

const onDatasets = (engine: Engine, { filter, datasets }: LoggedModelSearch): SQL | undefined =>
  datasets.length === 0 || filter.some(({ type }) => type === 'metric')
    ? undefined
    : hasMetric(engine, ofDatasets(datasets))

/** What ORDER BY needs; the latest point of a metric is joined as a table of its own, named by its position. */
function sortKeys(engine: Engine, orderBy: LoggedModelOrderBy[]) {
  const order: SQL[] = []
  const joins = orderBy.flatMap((sortKey, position) => {
    if (sortKey.type === 'attribute') {
      order.push(orderNullsLast(ATTRIBUTES[sortKey.key] as Column, sortKey.ascending))
      return []
    }
    const latest = latestMetrics(engine, sortKey, `sort_${position}`)
    order.push(orderNullsLast(latest.value, sortKey.ascending))
    return [latest]
  })
  const isSortedBy = (key: string) =>
    orderBy.some((sortKey) => sortKey.type === 'attribute' && sortKey.key === key)
  if (!isSortedBy('creation_timestamp_ms')) order.push(desc(loggedModels.creationTimestampMs))
  if (!isSortedBy('model_id')) order.push(sql`${loggedModels.modelId} ASC`)
  return { joins, order }
}

/** The latest point of the metric for each model: by timestamp, then step, of the first run. */
function latestMetrics(
  engine: Engine,
  { key, datasetName, datasetDigest }: LoggedModelOrderBy,
  name: string,
) {
  const { modelId, value, timestamp, step, runId } = loggedModelMetrics
  const points = engine.db
    .select({
      modelId,
      value,
      position: sql<number>`row_number() OVER (PARTITION BY ${modelId}
        ORDER BY ${timestamp} DESC, ${step} DESC, ${runId} ASC,
          ${loggedModelMetrics.datasetName} ASC, ${loggedModelMetrics.datasetDigest} ASC, ${value} DESC)`.as(
        'position',
      ),
    })
    .from(loggedModelMetrics)
    .where(and(eq(loggedModelMetrics.name, key), ofDataset(datasetName, datasetDigest)))
    .as(`${name}_points`)
  return engine.db
    .select({ modelId: points.modelId, value: points.value })
    .from(points)
    .where(eq(points.position, 1))
    .as(name)
}
