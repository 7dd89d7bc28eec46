// The searches over registered models and model versions, each as one statement: conditions on tags are semi-joins.
import { and, type Column, eq, inArray, isNotNull, ne, type SQL, sql } from 'drizzle-orm'
import type { Engine } from '../database/engine.ts'
import { checkPlace, isBehind, orderOf, type Place, placeOf, type SortKey } from '../search/keyset.ts'
import type { RegistryComparison, RegistryOrderBy } from '../search/model-registry-search.ts'
import { compare } from '../search/to-sql.ts'
import type { NamedModelRow } from './models.store.ts'
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
        ...tags.map((conditions) => {
          const { modelUid } = registeredModelTags
          const tagged = engine.db.select({ modelUid }).from(registeredModelTags)
          return inArray(registeredModels.modelUid, tagged.where(meets(registeredModelTags, conditions)))
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
          compare(VERSION_ATTRIBUTES[comparison.key] as Column, comparison),
        ),
        ...tags.map((conditions) => {
          const { versionUid } = modelVersionTags
          const tagged = engine.db.select({ versionUid }).from(modelVersionTags)
          return inArray(modelVersions.versionUid, tagged.where(meets(modelVersionTags, conditions)))
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

const meets = (
  table: typeof registeredModelTags | typeof modelVersionTags,
  conditions: RegistryComparison[],
): SQL | undefined =>
  and(
    eq(table.key, conditions[0]?.key ?? ''),
    ...conditions.map((comparison) => compareTag(table, comparison)),
  )

const sortKeys = (keys: Record<string, Omit<SortKey, 'ascending'>>, orderBy: RegistryOrderBy[]): SortKey[] =>
  orderBy.map(({ key, ascending }) => ({ ...(keys[key] as Omit<SortKey, 'ascending'>), ascending }))

const placesIn = (values: Record<string, unknown>, orderBy: RegistryOrderBy[]): Place =>
  orderBy.map(({ key }) => placeOf(values[key], false))
