// The search over runs as one statement: conditions on children are semi-joins, sort keys of children left joins.
import { and, Column, eq, getTableColumns, inArray, is, notInArray, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { equalsAny } from '../database/columns.ts'
import type { Engine } from '../database/engine.ts'
import { datasets, inputs, inputTags } from '../datasets/tables.ts'
import { latestMetrics } from '../metrics/tables.ts'
import type { Comparison, OrderBy } from '../search/comparison.ts'
import { checkPlace, isBehind, orderOf, type Place, placeOf, type SortKey } from '../search/keyset.ts'
import { compare } from '../search/to-sql.ts'
import { type FirstKey, findWindow, ofExperiments, windowSizes } from './search-window.store.ts'
import { params, type RunRow, runs, tags } from './tables.ts'

const RUN_NAME_TAG = 'mlflow.runName'
const DATASET_CONTEXT_TAG = 'mlflow.data.context'

export interface RunSearch {
  /** Ids of the experiments to search; at least one. */
  experimentIds: string[]
  filter: Comparison[]
  orderBy: OrderBy[]
  /** Lifecycle stages to show. */
  stages: string[]
  /** Rows to skip; counted from the first one, or from behind a row when its place is given. */
  offset: number
  after?: readonly unknown[] | undefined
  /** Rows to answer at most. */
  limit: number
}

/** A run and its place in the order of the search. */
export type FoundRun = RunRow & { place: Place }

/**
 * A page of the runs that meet all comparisons, by the sort keys, then latest start, then run id.
 * Sees every write acknowledged before the call. Where params, tags or metrics have a say, the page is looked
 * for among the first runs of the order, then among more of them, then among all: five statements at most.
 * @throws INVALID_PARAMETER_VALUE when `after` is no place in this order
 * @see mlflow/store/tracking/sqlalchemy_store.py SqlAlchemyStore._search_runs
 */
export async function searchRunRows(engine: Engine, search: RunSearch): Promise<FoundRun[]> {
  const after = search.after && checkPlace(sortKeys(engine, search, undefined).keys, search.after)
  const tables = searchedTables(search)
  await engine.refresh(runs, ...tables)
  const sizes = tables.length > 0 && search.offset === 0 ? windowSizes(search.limit) : []
  for (const size of sizes) {
    const window = await findWindow(engine, firstKey(search), { size, at: after?.[0] })
    if (!window) break
    const found = await selectRuns(engine, search, after, window)
    if (found.length >= search.limit) return found
  }
  return selectRuns(engine, search, after, undefined)
}

async function selectRuns(
  engine: Engine,
  search: RunSearch,
  after: Place | undefined,
  window: SQL | undefined,
): Promise<FoundRun[]> {
  const { joins, keys } = sortKeys(engine, search, window)
  const shown = Object.fromEntries(
    keys.flatMap(({ value, isNan }, position) =>
      is(value, Column)
        ? []
        : [[`value_${position}`, value] as const, [`nan_${position}`, isNan ?? sql`false`]],
    ),
  )
  let query = engine.db
    .select({ ...getTableColumns(runs), ...shown })
    .from(runs)
    .where(
      and(
        ofExperiments(search.experimentIds, search.stages),
        isIn(window, runs.runId),
        ...search.filter.map((comparison) => condition(engine, comparison, search.experimentIds, window)),
        after && isBehind(keys, after),
      ),
    )
    .$dynamic()
  for (const join of joins) query = query.leftJoin(join, eq(runs.runId, join.runId))
  const rows = await query
    .orderBy(...orderOf(keys))
    .limit(search.limit)
    .offset(search.offset)
  return rows.map((row) => ({ ...row, place: keys.map((key, position) => placeIn(row, key, position)) }))
}

const isIn = (window: SQL | undefined, runId: Column): SQL | undefined =>
  window && sql`${runId} IN (${window})`

/** Where the values to sort by first are. */
function firstKey({ orderBy, experimentIds, stages }: RunSearch): FirstKey {
  const { type, key, ascending } = orderBy[0] ?? { type: 'attribute', key: 'start_time', ascending: false }
  if (type === 'attribute' || type === 'dataset') {
    const column = ATTRIBUTES[key] as Column
    return {
      table: runs,
      ...attributeKey(column, ascending),
      column,
      where: ofExperiments(experimentIds, stages),
    }
  }
  const table = CHILDREN[type]
  const where = and(equalsAny(table.experimentId, experimentIds), eq(table.key, key))
  return { table, column: table.value, kind: type === 'metric' ? 'metric' : 'text', ascending, where }
}

function placeIn(row: Record<string, unknown>, { value }: SortKey, position: number): string | null {
  if (!is(value, Column)) return placeOf(row[`value_${position}`], row[`nan_${position}`])
  const [property] = Object.entries(getTableColumns(runs)).find(([, column]) => column === value) ?? ['']
  return placeOf(row[property], false)
}

const CHILDREN = { metric: latestMetrics, parameter: params, tag: tags }

const ATTRIBUTES: Record<string, Column> = {
  run_id: runs.runId,
  run_name: runs.runName,
  status: runs.status,
  user_id: runs.userId,
  start_time: runs.startTime,
  end_time: runs.endTime,
  artifact_uri: runs.artifactUri,
}

function searchedTables({ filter, orderBy }: RunSearch): PgTable[] {
  const tables = [...filter, ...orderBy].flatMap(({ type, key }): PgTable[] => {
    if (type === 'dataset') return key === 'context' ? [inputTags] : [datasets, inputs]
    if (type === 'attribute') return key === 'run_name' ? [tags] : []
    return [CHILDREN[type]]
  })
  return [...new Set(tables)]
}

function condition(
  engine: Engine,
  comparison: Comparison,
  experimentIds: string[],
  window: SQL | undefined,
): SQL {
  const { type, key } = comparison
  if (type === 'dataset') return datasetCondition(engine, comparison, experimentIds)
  // The name is repeated in a tag, and stock goes by the tag.
  if (type === 'attribute' && key === 'run_name') {
    return condition(engine, { ...comparison, type: 'tag', key: RUN_NAME_TAG }, experimentIds, window)
  }
  if (type === 'attribute') return compare(ATTRIBUTES[key] as Column, comparison, engine.dialect)
  const table = CHILDREN[type]
  const ofKey = and(
    equalsAny(table.experimentId, experimentIds),
    eq(table.key, key),
    isIn(window, table.runId),
  )
  const runIds = (where: SQL | undefined) =>
    engine.db.select({ runId: table.runId }).from(table).where(and(ofKey, where))
  if (comparison.comparator === 'IS NULL') return notInArray(runs.runId, runIds(undefined))
  if (comparison.comparator === 'IS NOT NULL') return inArray(runs.runId, runIds(undefined))
  if (type !== 'metric') return inArray(runs.runId, runIds(compare(table.value, comparison, engine.dialect)))
  // NaN is stored as 0 with a mark: nothing but `!=` holds for it.
  const holds = compare(latestMetrics.value, comparison)
  const { isNan } = latestMetrics
  return inArray(
    runs.runId,
    runIds(comparison.comparator === '!=' ? sql`(${holds} OR ${isNan})` : sql`(${holds} AND NOT ${isNan})`),
  )
}

function datasetCondition(engine: Engine, comparison: Comparison, experimentIds: string[]): SQL {
  if (comparison.key === 'context') {
    const where = and(
      eq(inputTags.name, DATASET_CONTEXT_TAG),
      compare(inputTags.value, comparison, engine.dialect),
    )
    return inArray(runs.runId, engine.db.select({ runId: inputTags.runId }).from(inputTags).where(where))
  }
  const column = comparison.key === 'name' ? datasets.name : datasets.digest
  const runIds = engine.db
    .select({ runId: inputs.destinationId })
    .from(inputs)
    .innerJoin(datasets, eq(datasets.datasetId, inputs.sourceId))
    .where(and(equalsAny(datasets.experimentId, experimentIds), compare(column, comparison, engine.dialect)))
  return inArray(runs.runId, runIds)
}

/** What ORDER BY needs; a key of a child is joined as a table of its own, named by its position. */
function sortKeys(engine: Engine, { orderBy, experimentIds }: RunSearch, window: SQL | undefined) {
  const keys: SortKey[] = []
  const joins = orderBy.flatMap(({ type, key, ascending }, position) => {
    if (type === 'attribute' || type === 'dataset') {
      keys.push(attributeKey(ATTRIBUTES[key] as Column, ascending))
      return []
    }
    const table = CHILDREN[type]
    const isNan = type === 'metric' ? latestMetrics.isNan : sql<boolean>`false`
    // Drizzle names such columns without their table in ORDER BY, so their names are distinct.
    const columns = {
      runId: table.runId,
      value: sql`${table.value}`.as(`value_${position}`),
      isNan: sql`${isNan}`.as(`is_nan_${position}`),
    }
    const join = engine.db
      .select(columns)
      .from(table)
      .where(and(equalsAny(table.experimentId, experimentIds), eq(table.key, key), isIn(window, table.runId)))
      .as(`sort_${position}`)
    const value = sql`${join.value}`
    keys.push(
      type === 'metric'
        ? { kind: 'metric', value, isNan: sql`${join.isNan}`, ascending }
        : { kind: 'text', value, ascending },
    )
    return [join]
  })
  if (!orderBy.some(({ type, key }) => type === 'attribute' && key === 'start_time')) {
    keys.push(attributeKey(runs.startTime, false))
  }
  return { joins, keys: [...keys, { ...attributeKey(runs.runId, true), required: true }] }
}

const attributeKey = (value: Column, ascending: boolean): SortKey => ({
  kind: value.getSQLType() === 'bigint' ? 'int64' : 'text',
  value,
  ascending,
})
