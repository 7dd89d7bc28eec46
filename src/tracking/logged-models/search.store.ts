// The search over logged models as one statement.
import { and, type Column, desc, eq, getTableColumns, or, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { hasChild } from '../../platform/database/children.ts'
import { equalsOneOf } from '../../platform/database/columns.ts'
import type { Dialect, Engine } from '../../platform/database/engine.ts'
import { compare, orderNullsLast } from '../../platform/search/to-sql.ts'
import type { LoggedModelComparison, LoggedModelOrderBy } from './search.ts'
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
        equalsOneOf(loggedModels.experimentId, search.experimentIds),
        eq(loggedModels.lifecycleStage, 'active'),
        ...search.filter.map((comparison) => condition(engine, comparison, search)),
        onDatasets(engine, search),
      ),
    )
    .$dynamic()
  for (const join of joins) {
    query = engine.dialect.looksUp
      ? query.leftJoinLateral(join, sql`true`)
      : query.leftJoin(join, eq(loggedModels.modelId, join.modelId))
  }
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

function condition({ dialect }: Engine, comparison: LoggedModelComparison, search: LoggedModelSearch): SQL {
  const { type, key } = comparison
  if (type === 'attribute') {
    const column = ATTRIBUTES[key] as Column
    return compare(AS_TEXT.includes(key) ? sql`CAST(${column} AS text)` : column, comparison, dialect)
  }
  if (type === 'metric') {
    const isMet = and(compare(loggedModelMetrics.value, comparison), ofDatasets(search.datasets))
    return hasMetric(dialect, isMet, eq(loggedModelMetrics.name, key))
  }
  const table = CHILDREN[type]
  return hasChild(dialect, loggedModels.modelId, {
    table,
    of: table.modelId,
    where: and(eq(table.key, key), compare(table.value, comparison, dialect)),
    slice: equalsOneOf(table.experimentId, search.experimentIds),
  })
}

/** Any point that meets the conditions. Unless told apart, those on names and values have an index of their own. */
const hasMetric = (dialect: Dialect, where: SQL | undefined, isName?: SQL): SQL =>
  hasChild(dialect, loggedModels.modelId, {
    table: loggedModelMetrics,
    of: loggedModelMetrics.modelId,
    key: isName,
    where,
  })

const ofDatasets = (datasets: DatasetFilter[]): SQL | undefined =>
  or(...datasets.map(({ name, digest }) => ofDataset(name, digest)))

const ofDataset = (name: string | undefined, digest: string | undefined): SQL | undefined =>
  and(
    name === undefined ? undefined : eq(loggedModelMetrics.datasetName, name),
    digest === undefined ? undefined : eq(loggedModelMetrics.datasetDigest, digest),
  )

const onDatasets = ({ dialect }: Engine, { filter, datasets }: LoggedModelSearch): SQL | undefined =>
  datasets.length === 0 || filter.some(({ type }) => type === 'metric')
    ? undefined
    : hasMetric(dialect, ofDatasets(datasets))

/** What ORDER BY needs; the latest point of a metric is joined, named by its position. */
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

/** The latest point of the metric: by timestamp, then step, of the first run. That of a model, or those of all. */
function latestMetrics(
  engine: Engine,
  { key, datasetName, datasetDigest }: LoggedModelOrderBy,
  name: string,
) {
  const { modelId, value, timestamp, step, runId } = loggedModelMetrics
  const isMetric = and(eq(loggedModelMetrics.name, key), ofDataset(datasetName, datasetDigest))
  const latestFirst = sql`${timestamp} DESC, ${step} DESC, ${runId} ASC, ${loggedModelMetrics.datasetName} ASC,
    ${loggedModelMetrics.datasetDigest} ASC, ${value} DESC`
  if (engine.dialect.looksUp) {
    return engine.db
      .select({ modelId, value })
      .from(loggedModelMetrics)
      .where(and(eq(modelId, loggedModels.modelId), isMetric))
      .orderBy(latestFirst)
      .limit(1)
      .as(name)
  }
  const position = sql<number>`row_number() OVER (PARTITION BY ${modelId} ORDER BY ${latestFirst})`
  const points = engine.db
    .select({ modelId, value, position: position.as('position') })
    .from(loggedModelMetrics)
    .where(isMetric)
    .as(`${name}_points`)
  return engine.db
    .select({ modelId: points.modelId, value: points.value })
    .from(points)
    .where(eq(points.position, 1))
    .as(name)
}
