// The search over runs: a page is looked for among the first runs of the order, then among more of them.
import { and, Column, eq, getTableColumns, is, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { type Children, hasChild, isOwned, ownedBy } from '../../platform/database/children.ts'
import { equalsOneOf } from '../../platform/database/columns.ts'
import type { Dialect, Engine } from '../../platform/database/engine.ts'
import type { Comparison, OrderBy } from '../../platform/search/comparison.ts'
import { checkPlace, orderOf, type Place, placesOf, type SortKey } from '../../platform/search/keyset.ts'
import {
  createWalk,
  type FirstKey,
  isInOrder,
  MAX_SIZE,
  type Part,
} from '../../platform/search/stretch.store.ts'
import { compare } from '../../platform/search/to-sql.ts'
import { datasets, inputs, inputTags } from '../datasets/tables.ts'
import { latestMetrics } from '../metrics/tables.ts'
import { params, type RunRow, runs, tags } from './tables.ts'

const RUN_NAME_TAG = 'mlflow.runName'
const DATASET_CONTEXT_TAG = 'mlflow.data.context'
/** Stretches of the order in which a page is looked for before all others. */
const MAX_STRETCHES = 3
/** The part of the runs looked at below which it is worth while to ask which comparison so few meet. */
const FEW = 0.1
/** So many runs are looked at by their ids rather than those in the order. */
const MAX_FEW = 1000

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
 * Sees every write acknowledged before the call. Where params, tags or metrics have a say, the page is looked for among
 * the first runs of the order, then, unless a comparison holds for few runs, among those that follow, then among all.
 * @throws INVALID_PARAMETER_VALUE when `after` is no place in this order
 * @see mlflow/store/tracking/sqlalchemy_store.py SqlAlchemyStore._search_runs
 */
export async function searchRunRows(engine: Engine, search: RunSearch): Promise<FoundRun[]> {
  const after = search.after && checkPlace(sortKeys(engine, search, undefined).keys, search.after)
  const tables = searchedTables(search)
  await engine.refresh(runs, ...tables)
  if (tables.length === 0 || search.offset > 0) return selectRuns(engine, search, { after })
  return findPage(engine, search, after)
}

/** Goes through the order until the page is full. */
async function findPage(engine: Engine, search: RunSearch, after: Place | undefined): Promise<FoundRun[]> {
  const { limit } = search
  const look = (part: Part, missing: number) => selectRuns(engine, { ...search, limit: missing }, part)
  const walk = createWalk(engine, { key: firstKey(search), limit, after, look })
  const { found, looked, isFull } = walk
  const lookFurther = async () => {
    const size = nextSize(limit, found.length, looked())
    return size !== undefined && walk.lookFurther(size)
  }
  await lookFurther()
  const few = found.length < looked() * FEW || looked() === 0 ? await findFew(engine, search) : undefined
  if (!few) for (let round = 1; round < MAX_STRETCHES && !isFull() && (await lookFurther()); round++);
  if (!isFull()) await walk.lookAtRest(few && { ids: few })
  return found
}

/**
 * Among how many runs to look next for what is missing of a page: at first among four times as many, then among as
 * many as should do when conditions go on to hold as often. Undefined when all that are left are as good.
 */
function nextSize(limit: number, found: number, looked: number): number | undefined {
  const missing = limit - found
  const size = looked === 0 ? 4 * limit : Math.max(looked, Math.ceil((1.5 * missing * looked) / found))
  return size <= MAX_SIZE ? size : undefined
}

/** The runs that one of the comparisons leaves, when these are few. */
async function findFew(engine: Engine, search: RunSearch): Promise<string[] | undefined> {
  const scope = { ...search, within: undefined }
  for (const comparison of search.filter) {
    const children = childrenOf(engine.dialect, comparison, scope)
    if (!children || comparison.comparator === 'IS NULL') continue
    const { table, of, where, slice } = children
    const rows = await engine.rows(
      sql`SELECT ${of} FROM ${table} WHERE ${and(slice, where)} LIMIT ${MAX_FEW + 1}`,
    )
    if (rows.length <= MAX_FEW) return [...new Set(rows.map(([runId]) => String(runId)))]
  }
  return undefined
}

async function selectRuns(engine: Engine, search: RunSearch, part: Part): Promise<FoundRun[]> {
  const { within } = part
  const { joins, keys } = sortKeys(engine, search, within)
  const shown = Object.fromEntries(
    keys.flatMap(({ value, isNan }, position) =>
      is(value, Column)
        ? []
        : [[`value_${position}`, value] as const, [`nan_${position}`, isNan ?? sql`false`]],
    ),
  )
  const { from, where } =
    within && !within.isOne
      ? ownedBy(engine.dialect, { table: runs, of: runs.runId }, within.ids)
      : { from: runs, where: within?.isOne ?? equalsOneOf(runs.experimentId, search.experimentIds) }
  let query = engine.db
    .select({ ...getTableColumns(runs), ...shown })
    .from(from)
    .where(
      and(
        where,
        // What runs hold may tell of runs elsewhere: data sets are logged in several experiments.
        within && !within.isOne ? equalsOneOf(runs.experimentId, search.experimentIds) : undefined,
        equalsOneOf(runs.lifecycleStage, search.stages),
        ...search.filter.map((comparison) => condition(engine, comparison, { ...search, within })),
        isInOrder(keys, part),
      ),
    )
    .$dynamic()
  for (const join of joins) {
    query = engine.dialect.looksUp
      ? query.leftJoinLateral(join, sql`true`)
      : query.leftJoin(join, eq(runs.runId, join.runId))
  }
  const rows = await query
    .orderBy(...orderOf(keys))
    .limit(search.limit)
    .offset(search.offset)
  const placeOf = placesOf(runs, keys)
  return rows.map((row) => ({ ...row, place: placeOf(row) }))
}

/** Where the values to sort by first are. */
function firstKey({ orderBy, experimentIds, stages }: RunSearch): FirstKey {
  const { type, key, ascending } = orderBy[0] ?? { type: 'attribute', key: 'start_time', ascending: false }
  if (type === 'attribute' || type === 'dataset') {
    const column = ATTRIBUTES[key] as Column
    return {
      ...attributeKey(column, ascending),
      column,
      id: runs.runId,
      isOwn: true,
      where: and(equalsOneOf(runs.experimentId, experimentIds), equalsOneOf(runs.lifecycleStage, stages)),
    }
  }
  const table = CHILDREN[type]
  const isMetric = type === 'metric'
  const where = and(
    equalsOneOf(table.experimentId, experimentIds),
    eq(table.key, key),
    isMetric ? eq(latestMetrics.isNan, false) : undefined,
  )
  const kind = isMetric ? 'metric' : 'text'
  return { column: table.value, id: table.runId, isOwn: false, kind, ascending, where }
}

const CHILDREN = { metric: latestMetrics, parameter: params, tag: tags }
type ChildTable = (typeof CHILDREN)[keyof typeof CHILDREN]

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

/** Where runs are looked for. */
type Scope = Pick<RunSearch, 'experimentIds'> & Pick<Part, 'within'>

/** The rows of a table that may count, where it is read as a whole. */
const sliceOf = (table: ChildTable, { experimentIds, within }: Scope): SQL | undefined =>
  and(equalsOneOf(table.experimentId, experimentIds), within && isOwned(table.runId, within.ids))

function condition({ dialect }: Engine, comparison: Comparison, scope: Scope): SQL {
  const children = childrenOf(dialect, comparison, scope)
  if (!children) return compare(ATTRIBUTES[comparison.key] as Column, comparison, dialect)
  const has = hasChild(dialect, runs.runId, children)
  return comparison.comparator === 'IS NULL' ? sql`NOT ${has}` : has
}

/** The rows of which a run must have one (or, for IS NULL, none); undefined for a comparison with an attribute. */
function childrenOf(dialect: Dialect, comparison: Comparison, scope: Scope): Children | undefined {
  const { type, key } = comparison
  if (type === 'dataset') return datasetsOf(dialect, comparison, scope)
  // The name is repeated in a tag, and stock goes by the tag.
  const isName = type === 'attribute' && key === 'run_name'
  if (type === 'attribute' && !isName) return undefined
  const table = type === 'attribute' ? tags : CHILDREN[type]
  return {
    table,
    of: table.runId,
    where: and(eq(table.key, isName ? RUN_NAME_TAG : key), meets(dialect, table, comparison)),
    slice: sliceOf(table, scope),
  }
}

/** Whether a row's value is as the comparison wants it; undefined when any is. */
function meets(dialect: Dialect, table: ChildTable, comparison: Comparison): SQL | undefined {
  const { comparator } = comparison
  if (comparator === 'IS NULL' || comparator === 'IS NOT NULL') return undefined
  if (table !== latestMetrics) return compare(table.value, comparison, dialect)
  // NaN is stored as 0 with a mark: nothing but `!=` holds for it.
  const holds = compare(latestMetrics.value, comparison)
  const { isNan } = latestMetrics
  return comparator === '!=' ? sql`(${holds} OR ${isNan})` : sql`(${holds} AND NOT ${isNan})`
}

function datasetsOf(dialect: Dialect, comparison: Comparison, { experimentIds }: Scope): Children {
  if (comparison.key === 'context') {
    return {
      table: inputTags,
      of: inputTags.runId,
      where: and(eq(inputTags.name, DATASET_CONTEXT_TAG), compare(inputTags.value, comparison, dialect)),
    }
  }
  const column = comparison.key === 'name' ? datasets.name : datasets.digest
  const isOfDataset = hasChild(dialect, inputs.sourceId, {
    table: datasets,
    of: datasets.datasetId,
    where: compare(column, comparison, dialect),
    slice: equalsOneOf(datasets.experimentId, experimentIds),
  })
  return { table: inputs, of: inputs.destinationId, where: isOfDataset }
}

/** What ORDER BY needs; a key of a child is joined as a table of its own, named by its position. */
function sortKeys(engine: Engine, { orderBy, experimentIds }: RunSearch, within: Part['within']) {
  const keys: SortKey[] = []
  const joins = orderBy.flatMap(({ type, key, ascending }, position) => {
    if (type === 'attribute' || type === 'dataset') {
      keys.push(attributeKey(ATTRIBUTES[key] as Column, ascending))
      return []
    }
    const join = sortValues(engine, CHILDREN[type], { position, key, scope: { experimentIds, within } })
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

/** The values of a key: that of the run, or those of all runs to join with. */
function sortValues(
  { db, dialect }: Engine,
  table: ChildTable,
  { position, key, scope }: { position: number; key: string; scope: Scope },
) {
  const isNan = table === latestMetrics ? latestMetrics.isNan : sql<boolean>`false`
  // Drizzle names such columns without their table in ORDER BY, so their names are distinct.
  const columns = {
    runId: table.runId,
    value: sql`${table.value}`.as(`value_${position}`),
    isNan: sql`${isNan}`.as(`is_nan_${position}`),
  }
  const values = db.select(columns).from(table)
  const isKey = eq(table.key, key)
  const found = dialect.looksUp
    ? // LIMIT keeps PostgreSQL from joining: see database/children.ts.
      values.where(and(eq(table.runId, runs.runId), isKey)).limit(1)
    : values.where(and(isKey, sliceOf(table, scope)))
  return found.as(`sort_${position}`)
}

const attributeKey = (value: Column, ascending: boolean): SortKey => ({
  kind: value.getSQLType() === 'bigint' ? 'int64' : 'text',
  value,
  ascending,
})
