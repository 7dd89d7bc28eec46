// Statements over registered models and their tags. Aliases are in aliases.store.ts, searches in search.store.ts.
import { and, asc, eq, getTableColumns, sql } from 'drizzle-orm'
import { unavailable } from '../../errors.ts'
import { upsertRows } from '../../platform/database/bulk.ts'
import { ownedBy } from '../../platform/database/children.ts'
import { changesIf } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { claimedBy, type NameOwner, releaseName } from '../../platform/database/name-claims.ts'
import {
  modelVersions,
  modelVersionTags,
  type RegisteredModelRow,
  registeredModelAliases,
  registeredModels,
  registeredModelTags,
} from './tables.ts'
import { fromStoredTag, type Tag, takeNewTag, toStoredTag } from './tag-values.store.ts'

/** A model that has its name. */
export type NamedModelRow = RegisteredModelRow & { name: string }

const SCOPE = 'registered_model'

const isNamed = (row: RegisteredModelRow | undefined): row is NamedModelRow => row?.name != null

/** The model by primary key, unless it is deleted or was never finished. */
export async function findModel(engine: Engine, modelUid: string): Promise<NamedModelRow | undefined> {
  const [row] = await engine.db.select().from(registeredModels).where(eq(registeredModels.modelUid, modelUid))
  return isNamed(row) ? row : undefined
}

/** The model that carries the name. Two reads by primary key: sees every acknowledged write. */
export async function findModelByName(engine: Engine, name: string): Promise<NamedModelRow | undefined> {
  const modelUid = await claimedBy(engine, SCOPE, name)
  const row = modelUid === undefined ? undefined : await findModel(engine, modelUid)
  return row?.name === name ? row : undefined
}

/** @returns whether the row was inserted: false when the uid was fenced off */
export async function insertModel(engine: Engine, row: RegisteredModelRow): Promise<boolean> {
  const inserted = await engine.db
    .insert(registeredModels)
    .values(row)
    .onConflictDoNothing()
    .returning({ modelUid: registeredModels.modelUid })
  return inserted.length === 1
}

export type ModelChanges = Partial<Pick<RegisteredModelRow, 'description' | 'lastUpdatedTimeMs' | 'isPrompt'>>

/** @returns the changed row; undefined when the model is deleted */
export async function updateModel(
  engine: Engine,
  modelUid: string,
  changes: ModelChanges,
): Promise<NamedModelRow | undefined> {
  const [row] = await engine.db
    .update(registeredModels)
    .set(changes)
    .where(eq(registeredModels.modelUid, modelUid))
    .returning()
  return isNamed(row) ? row : undefined
}

/** Notes that a version was made. @returns the changed row; undefined when the model is deleted */
export async function noteVersion(
  engine: Engine,
  { modelUid, version, nowMs }: { modelUid: string; version: number; nowMs: number },
): Promise<NamedModelRow | undefined> {
  const [row] = await engine.db
    .update(registeredModels)
    .set({
      lastVersion: sql`CASE WHEN last_version < ${version} THEN ${version} ELSE last_version END`,
      lastUpdatedTimeMs: nowMs,
    })
    .where(eq(registeredModels.modelUid, modelUid))
    .returning()
  return isNamed(row) ? row : undefined
}

/**
 * Switches the name while the fence is still the one under which the name was claimed, and raises the fence: of the
 * renames that began at the same time one holds.
 * @returns the row that carries the name now; undefined when another was faster
 */
export async function renameModel(
  engine: Engine,
  { modelUid, name, fence, nowMs }: { modelUid: string; name: string; fence: number; nowMs: number },
): Promise<NamedModelRow | undefined> {
  const changes = { name, nameFence: fence + 1, lastUpdatedTimeMs: nowMs, renamedTimeMs: nowMs }
  const [row] = await engine.db
    .update(registeredModels)
    .set(changesIf(registeredModels, sql`name_fence = ${fence}`, changes))
    .where(eq(registeredModels.modelUid, modelUid))
    .returning()
  return isNamed(row) && row.name === name ? row : undefined
}

/**
 * Takes the name from the row, which is what deletes a model: from then on nothing shows it, and no rename or
 * creation in flight can give it a name again.
 * @returns the row as it was buried; undefined when the model carries another name by now
 */
export async function buryModel(
  engine: Engine,
  { modelUid, name, nameFence }: NamedModelRow,
): Promise<BuriedModel | undefined> {
  const [row] = await engine.db
    .update(registeredModels)
    .set({
      name: sql`CASE WHEN name = ${name} THEN NULL ELSE name END`,
      nameFence: sql`CASE WHEN name = ${name} THEN name_fence + 1 ELSE name_fence END`,
    })
    .where(eq(registeredModels.modelUid, modelUid))
    .returning({ name: registeredModels.name, nameFence: registeredModels.nameFence })
  return row?.name == null ? { modelUid, name, nameFence: row?.nameFence ?? nameFence } : undefined
}

/** A model without its name, which it had until then. No fence of its claims is higher. */
type BuriedModel = Pick<NamedModelRow, 'modelUid' | 'name' | 'nameFence'>

/**
 * Removes what a buried model leaves, its row last, and frees its name. Everything may be repeated; what a crash
 * leaves is shown nowhere, since every read goes by a model that has a name.
 */
export async function removeBuriedModel(
  engine: Engine,
  { modelUid, name, nameFence }: BuriedModel,
): Promise<void> {
  await releaseName(engine, modelNames(engine), { name, ownerId: modelUid, fence: nameFence })
  await engine.refresh(modelVersionTags, modelVersions, registeredModelTags, registeredModelAliases)
  await Promise.all(
    [modelVersionTags, modelVersions, registeredModelTags, registeredModelAliases].map((table) =>
      engine.execute(sql`DELETE FROM ${table} WHERE model_uid = ${modelUid}`),
    ),
  )
  await engine.execute(sql`DELETE FROM registered_models WHERE ${eq(registeredModels.modelUid, modelUid)}`)
}

/** How registered models take part in the claiming of names. */
export const modelNames = (engine: Engine): NameOwner => ({
  scope: SCOPE,
  nameOf: async (modelUid) => (await findModel(engine, modelUid))?.name,
  raiseFence: async (modelUid) => {
    const abandoned: RegisteredModelRow = {
      modelUid,
      name: null,
      nameFence: 1,
      creationTimeMs: 0,
      lastUpdatedTimeMs: 0,
      renamedTimeMs: 0,
      description: null,
      isPrompt: false,
      lastVersion: 0,
    }
    if (await insertModel(engine, abandoned)) return undefined
    const [row] = await engine.db
      .update(registeredModels)
      .set({ nameFence: sql`name_fence + 1` })
      .where(eq(registeredModels.modelUid, modelUid))
      .returning({ name: registeredModels.name })
    return row?.name ?? undefined
  },
})

/** Sets tags with distinct keys. */
export async function upsertModelTags(engine: Engine, modelUid: string, tags: Tag[]): Promise<void> {
  const rows = tags.map((tag) => ({ modelUid, ...toStoredTag(tag) }))
  await upsertRows(engine, registeredModelTags, rows, { onConflict: takeNewTag(registeredModelTags) })
}

/** The value of one tag by primary key. */
export async function findModelTag(
  engine: Engine,
  modelUid: string,
  key: string,
): Promise<string | undefined> {
  const [row] = await engine.db.select().from(registeredModelTags).where(isTag(modelUid, key))
  return row && fromStoredTag(row).value
}

/** Deletes a tag if there is one. */
export async function deleteModelTag(engine: Engine, modelUid: string, key: string): Promise<void> {
  await engine.execute(sql`DELETE FROM registered_model_tags WHERE ${isTag(modelUid, key)}`)
}

const isTag = (modelUid: string, key: string) =>
  and(eq(registeredModelTags.modelUid, modelUid), eq(registeredModelTags.key, key))

/** Tags of the models by key. The caller has passed the refresh gate. */
export async function findModelTags(engine: Engine, modelUids: string[]): Promise<Map<string, Tag[]>> {
  const byModel = new Map<string, Tag[]>(modelUids.map((modelUid) => [modelUid, []]))
  if (modelUids.length === 0) return byModel
  const table = registeredModelTags
  const ofModels = ownedBy(engine.dialect, { table, of: table.modelUid }, modelUids)
  const rows = await engine.db
    .select(getTableColumns(table))
    .from(ofModels.from)
    .where(ofModels.where)
    .orderBy(asc(table.key))
  for (const row of rows) byModel.get(row.modelUid)?.push(fromStoredTag(row))
  return byModel
}

/** How often the mark that repeats a tag is set again while others change the tag at the same time. */
const MAX_REPEATS = 20

/**
 * Brings a mark on an owner's row in line with the tag that it repeats, however many change the tag at once: whoever
 * sets the mark looks at the tag again afterwards.
 */
export async function settleMark(
  readTag: () => Promise<string | undefined>,
  setMark: (value: string | undefined) => Promise<void>,
): Promise<void> {
  let value = await readTag()
  for (let repeat = 0; repeat < MAX_REPEATS; repeat++) {
    await setMark(value)
    const now = await readTag()
    if (now === value) return
    value = now
  }
  throw unavailable('The tag is being changed by others. Please retry.')
}
