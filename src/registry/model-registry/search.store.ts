// The searches over registered models and model versions, each as one statement.
import { and, type Column, eq, inArray, isNotNull, ne, or, type SQL, sql } from 'drizzle-orm'
import { hasChild } from '../../platform/database/children.ts'
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
import type { NamedModelRow } from './models.store.ts'
import type { RegistryComparison, RegistryOrderBy } from './search.ts'
import {
  type ModelVersionRow,
  modelVersions,
  modelVersionTags,
  registeredModels,
  registeredModelTags,
} from './tables.ts'
import { compareTag } from './tag-values.store.ts'
import { STAGE_DELETED } from './versions.store.ts'

export interface RegistrySearch {
  filter: RegistryComparison[]
  /** Sort keys, which together are unique. */
  orderBy: RegistryOrderBy[]
  /** Leave prompts out. */
  modelsOnly: boolean
  /** Rows to skip; counted from the first one, or from behind a row when its place is given. */
  offset: number
  after?: readonly unknown[] | undefined
  /** Rows to answer at most. */
  limit: number
}

/** A model and its place in the order of the search. */
export type FoundModel = NamedModelRow & { place: Place }

/** A version, the name of its model, and its place in the order of the search. */
export type FoundVersion = ModelVersionRow & { name: string; place: Place }

const key = (kind: 'text' | 'int64', value: Column | SQL) => ({ kind, value, required: true as const })

const MODEL_KEYS = {
  name: key('text', registeredModels.name),
  last_updated_timestamp: key('int64', registeredModels.lastUpdatedTimeMs),
}

/**
 * A page of the models that meet all comparisons. Sees every write acknowledged before the call.
 * @throws INVALID_PARAMETER_VALUE when `after` is no place in this order
 * @see mlflow/store/model_registry/sqlalchemy_store.py search_registered_models
 */
export async function searchModelRows(engine: Engine, search: RegistrySearch): Promise<FoundModel[]> {
  const keys = sortKeys(MODEL_KEYS, search.orderBy)
  const after = search.after && checkPlace(keys, search.after)
  const tags = tagConditions(search.filter)
  await engine.refresh(registeredModels, ...(tags.length > 0 ? [registeredModelTags] : []))
  const rows = await engine.db
    .select()
    .from(registeredModels)
    .where(
      and(
        isNotNull(registeredModels.name),
        search.modelsOnly ? eq(registeredModels.isPrompt, false) : undefined,
        ...attributesOf(search.filter).map((comparison) => compare(registeredModels.name, comparison)),
        isTagged(engine, registeredModels.modelUid, {
          table: registeredModelTags,
          of: registeredModelTags.modelUid,
          tags,
        }),
        after && isBehind(keys, after),
      ),
    )
    .orderBy(...orderOf(keys))
    .limit(search.limit)
    .offset(search.offset)
  return (rows as NamedModelRow[]).map((row) => {
    const places = { name: row.name, last_updated_timestamp: row.lastUpdatedTimeMs }
    return { ...row, place: placesIn(places, search.orderBy) }
  })
}

/** The rename of a model counts for its versions too. */
const lastUpdated = sql<number>`GREATEST(${modelVersions.lastUpdatedTimeMs}, ${registeredModels.renamedTimeMs})`

const VERSION_KEYS = {
  name: key('text', registeredModels.name),
  version_number: key('int64', modelVersions.version),
  creation_timestamp: key('int64', modelVersions.creationTimeMs),
  last_updated_timestamp: key('int64', lastUpdated),
}

const VERSION_ATTRIBUTES: Record<string, Column> = {
  name: registeredModels.name,
  version_number: modelVersions.version,
  run_id: modelVersions.runId,
  source_path: modelVersions.source,
}

/**
 * A page of the versions that are not deleted and meet all comparisons. A model of which one version is a prompt's
 * counts as a prompt. Sees every write acknowledged before the call.
 * @throws INVALID_PARAMETER_VALUE when `after` is no place in this order
 * @see mlflow/store/model_registry/sqlalchemy_store.py search_model_versions
 */
export async function searchVersionRows(engine: Engine, search: RegistrySearch): Promise<FoundVersion[]> {
  const keys = sortKeys(VERSION_KEYS, search.orderBy)
  const after = search.after && checkPlace(keys, search.after)
  const tags = tagConditions(search.filter)
  await engine.refresh(registeredModels, modelVersions, ...(tags.length > 0 ? [modelVersionTags] : []))
  const { modelUid } = modelVersions
  const rows = await engine.db
    .select({
      row: modelVersions,
      name: registeredModels.name,
      renamedTimeMs: registeredModels.renamedTimeMs,
    })
    .from(modelVersions)
    .innerJoin(registeredModels, eq(modelUid, registeredModels.modelUid))
    .where(
      and(
        isNotNull(registeredModels.name),
        ne(modelVersions.currentStage, STAGE_DELETED),
        search.modelsOnly ? isNoPrompt(engine) : undefined,
        ...attributesOf(search.filter).map((comparison) =>
          and(compare(VERSION_ATTRIBUTES[comparison.key] as Column, comparison), ofNamed(engine, comparison)),
        ),
        isTagged(engine, modelVersions.versionUid, {
          table: modelVersionTags,
          of: modelVersionTags.versionUid,
          tags,
        }),
        after && isBehind(keys, after),
      ),
    )
    .orderBy(...orderOf(keys))
    .limit(search.limit)
    .offset(search.offset)
  return rows.map(({ row, name, renamedTimeMs }) => {
    const found = {
      ...row,
      name: name ?? '',
      lastUpdatedTimeMs: Math.max(row.lastUpdatedTimeMs, renamedTimeMs),
    }
    const places = {
      name: found.name,
      version_number: found.version,
      creation_timestamp: found.creationTimeMs,
      last_updated_timestamp: found.lastUpdatedTimeMs,
    }
    return { ...found, place: placesIn(places, search.orderBy) }
  })
}

/** Finds the models of a name first, so that the versions of all others are not joined. */
function ofNamed(engine: Engine, comparison: RegistryComparison): SQL | undefined {
  if (comparison.key !== 'name' || !['=', 'IN'].includes(comparison.comparator)) return undefined
  const { modelUid, name } = registeredModels
  const named = engine.db.select({ modelUid }).from(registeredModels).where(compare(name, comparison))
  return inArray(modelVersions.modelUid, named)
}

const isNoPrompt = (engine: Engine): SQL => {
  const { modelUid } = modelVersions
  const prompts = engine.db.select({ modelUid }).from(modelVersions).where(eq(modelVersions.isPrompt, true))
  return sql`${modelUid} NOT IN ${prompts}`
}

const attributesOf = (filter: RegistryComparison[]) => filter.filter(({ type }) => type === 'attribute')

/** Conditions on tags by key: all conditions on one key must hold for one tag. */
function tagConditions(filter: RegistryComparison[]): RegistryComparison[][] {
  const byKey = new Map<string, RegistryComparison[]>()
  for (const comparison of filter) {
    if (comparison.type === 'tag') {
      byKey.set(comparison.key, [...(byKey.get(comparison.key) ?? []), comparison])
    }
  }
  return [...byKey.values()]
}

type TagTable = typeof registeredModelTags | typeof modelVersionTags

const meets = (table: TagTable, conditions: RegistryComparison[]): SQL | undefined =>
  and(
    eq(table.key, conditions[0]?.key ?? ''),
    ...conditions.map((comparison) => compareTag(table, comparison)),
  )

/** Whether the conditions on all keys are met. */
function isTagged(
  { dialect }: Engine,
  owner: Column,
  { table, of, tags }: { table: TagTable; of: Column; tags: RegistryComparison[][] },
): SQL | undefined {
  if (tags.length === 0) return undefined
  if (!dialect.looksUp) return inArray(owner, tagged(table, of, tags))
  return and(
    ...tags.map((conditions) => hasChild(dialect, owner, { table, of, where: meets(table, conditions) })),
  )
}

/**
 * Ids of what meets the conditions on every key. Since nothing has a key twice, its rows that meet some are counted,
 * which is far cheaper for CrateDB than one semi-join per key; keys with `=` come first and narrow down the others.
 */
function tagged(table: TagTable, id: Column, tags: RegistryComparison[][]): SQL {
  const isNarrow = (conditions: RegistryComparison[]) =>
    conditions.some(({ comparator }) => comparator === '=')
  const narrow = tags.filter(isNarrow)
  const wide = tags.filter((conditions) => !isNarrow(conditions))
  const ids = (keys: RegistryComparison[][], within?: SQL) =>
    sql`(SELECT ${id} FROM ${table} WHERE ${and(or(...keys.map((conditions) => meets(table, conditions))), within)}${
      keys.length > 1 ? sql` GROUP BY ${id} HAVING count(*) = ${sql.raw(String(keys.length))}` : sql.empty()
    })`
  if (wide.length === 0 || narrow.length === 0) return ids(tags)
  return ids(wide, inArray(id, ids(narrow)))
}

const sortKeys = (keys: Record<string, Omit<SortKey, 'ascending'>>, orderBy: RegistryOrderBy[]): SortKey[] =>
  orderBy.map(({ key, ascending }) => ({ ...(keys[key] as Omit<SortKey, 'ascending'>), ascending }))

const placesIn = (values: Record<string, unknown>, orderBy: RegistryOrderBy[]): Place =>
  orderBy.map(({ key }) => placeOf(values[key], false))
