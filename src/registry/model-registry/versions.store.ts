// Statements over model versions and their tags. The search is in search.store.ts.
import { and, asc, eq, getTableColumns, ne, sql } from 'drizzle-orm'
import { unavailable } from '../../errors.ts'
import { upsertRows } from '../../platform/database/bulk.ts'
import { ownedBy } from '../../platform/database/children.ts'
import { changesIf } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { type ModelVersionRow, modelVersions, modelVersionTags } from './tables.ts'
import { fromStoredTag, type Tag, takeNewTag, toStoredTag } from './tag-values.store.ts'

/** The stage of a deleted version; its row stays, so that its number is never used again. */
export const STAGE_DELETED = 'Deleted_Internal'

/** Versions whose tags are read in one statement. */
const TAGS_CHUNK = 5_000
/** How often a number may be found neither taken nor free. */
const MAX_MISSES = 3
/** Numbers that are looked up by primary key in one statement. */
const NUMBERS_CHUNK = 64

/** The version by primary key, deleted or not. */
export async function findVersion(
  engine: Engine,
  modelUid: string,
  version: number,
): Promise<ModelVersionRow | undefined> {
  const [row] = await engine.db.select().from(modelVersions).where(isVersion(modelUid, version))
  return row
}

const isVersion = (modelUid: string, version: number) =>
  and(eq(modelVersions.modelUid, modelUid), eq(modelVersions.version, version))

/**
 * Gives the version the next free number behind `known`, a number that is taken (or 0), and writes its row. The row's
 * primary key is the claim: of several servers exactly one gets a number, and since each looks at every number in
 * turn, none is left out. A row that is there is never removed but with its model.
 * @throws TEMPORARILY_UNAVAILABLE when the database takes no row
 */
export async function insertVersion(
  engine: Engine,
  row: Omit<ModelVersionRow, 'version'>,
  known: number,
): Promise<ModelVersionRow> {
  let taken = known
  for (let misses = 0; misses <= MAX_MISSES; ) {
    const numbered = { ...row, version: taken + 1 }
    const inserted = await engine.db
      .insert(modelVersions)
      .values(numbered)
      .onConflictDoNothing()
      .returning({ version: modelVersions.version })
    if (inserted.length === 1) return numbered
    const next = await lastTaken(engine, row.modelUid, taken)
    // Neither taken nor free: the row in the way went with its model, or the database took none.
    if (next === taken) misses += 1
    taken = next
  }
  throw unavailable('The database did not take a model version. Please retry.')
}

/** The last number of the unbroken row of taken ones behind `known`, as far as one statement sees. */
async function lastTaken(engine: Engine, modelUid: string, known: number): Promise<number> {
  const numbers = Array.from({ length: NUMBERS_CHUNK }, (_, index) => known + 1 + index)
  const isAny = numbers.map((version) => sql`${modelVersions.version} = ${version}`)
  const rows = await engine.db
    .select({ version: modelVersions.version })
    .from(modelVersions)
    .where(and(eq(modelVersions.modelUid, modelUid), sql`(${sql.join(isAny, sql` OR `)})`))
  const taken = new Set(rows.map(({ version }) => version))
  return (numbers.find((version) => !taken.has(version)) ?? known + NUMBERS_CHUNK + 1) - 1
}

/** Removes a version that was made for a model that is deleted meanwhile. */
export async function removeVersion(engine: Engine, { modelUid, version }: ModelVersionRow): Promise<void> {
  await engine.execute(sql`DELETE FROM model_versions WHERE ${isVersion(modelUid, version)}`)
}

export type VersionChanges = Partial<Pick<ModelVersionRow, 'description' | 'lastUpdatedTimeMs' | 'isPrompt'>>

/** @returns the changed row; undefined when there is none */
export async function updateVersion(
  engine: Engine,
  { modelUid, version }: Pick<ModelVersionRow, 'modelUid' | 'version'>,
  changes: VersionChanges,
): Promise<ModelVersionRow | undefined> {
  const [row] = await engine.db
    .update(modelVersions)
    .set(changes)
    .where(isVersion(modelUid, version))
    .returning()
  return row
}

export type StageChanges = Partial<Omit<ModelVersionRow, 'modelUid' | 'version' | 'versionUid'>> & {
  currentStage: string
  eventId: string
}

/**
 * Changes the stage, and what changes with it, if the last change of the version's stage is still `previousEventId`.
 * @returns the changed row; undefined when the stage was changed meanwhile
 */
export async function switchStage(
  engine: Engine,
  { modelUid, version, eventId: previousEventId }: ModelVersionRow,
  changes: StageChanges,
): Promise<ModelVersionRow | undefined> {
  const [row] = await engine.db
    .update(modelVersions)
    .set(changesIf(modelVersions, sql`event_id = ${previousEventId}`, changes))
    .where(isVersion(modelUid, version))
    .returning()
  return row?.eventId === changes.eventId ? row : undefined
}

/** Versions of the model in a stage. Passes the refresh gate. */
export async function findVersionsInStage(
  engine: Engine,
  modelUid: string,
  stage: string,
): Promise<ModelVersionRow[]> {
  await engine.refresh(modelVersions)
  return engine.db
    .select()
    .from(modelVersions)
    .where(and(eq(modelVersions.modelUid, modelUid), eq(modelVersions.currentStage, stage)))
    .orderBy(asc(modelVersions.version))
}

/**
 * The latest version of each model in each stage, in one statement, oldest first. The caller has passed the refresh
 * gate.
 */
export async function findLatestVersions(
  engine: Engine,
  modelUids: string[],
): Promise<Map<string, ModelVersionRow[]>> {
  const byModel = new Map<string, ModelVersionRow[]>(modelUids.map((modelUid) => [modelUid, []]))
  if (modelUids.length === 0) return byModel
  const ofModels = ownedBy(engine.dialect, { table: modelVersions, of: modelVersions.modelUid }, modelUids)
  const position = sql<number>`row_number() OVER (PARTITION BY ${modelVersions.modelUid}, ${modelVersions.currentStage}
    ORDER BY ${modelVersions.version} DESC)`
  const ranked = engine.db
    .select({ ...getTableColumns(modelVersions), position: position.as('position') })
    .from(ofModels.from)
    .where(and(ofModels.where, ne(modelVersions.currentStage, STAGE_DELETED)))
    .as('ranked')
  const rows = await engine.db
    .select()
    .from(ranked)
    .where(eq(ranked.position, 1))
    .orderBy(asc(ranked.version))
  for (const { position: _, ...row } of rows) byModel.get(row.modelUid)?.push(row)
  return byModel
}

/** Sets tags with distinct keys. */
export async function upsertVersionTags(
  engine: Engine,
  { modelUid, versionUid }: Pick<ModelVersionRow, 'modelUid' | 'versionUid'>,
  tags: Tag[],
): Promise<void> {
  const rows = tags.map((tag) => ({ modelUid, versionUid, ...toStoredTag(tag) }))
  await upsertRows(engine, modelVersionTags, rows, { onConflict: takeNewTag(modelVersionTags) })
}

const isTag = (versionUid: string, key: string) =>
  and(eq(modelVersionTags.versionUid, versionUid), eq(modelVersionTags.key, key))

/** The value of one tag by primary key. */
export async function findVersionTag(
  engine: Engine,
  versionUid: string,
  key: string,
): Promise<string | undefined> {
  const [row] = await engine.db.select().from(modelVersionTags).where(isTag(versionUid, key))
  return row && fromStoredTag(row).value
}

/** Deletes a tag if there is one. */
export async function deleteVersionTag(engine: Engine, versionUid: string, key: string): Promise<void> {
  await engine.execute(sql`DELETE FROM model_version_tags WHERE ${isTag(versionUid, key)}`)
}

/** Tags of the versions by key. The caller has passed the refresh gate. */
export async function findVersionTags(engine: Engine, versionUids: string[]): Promise<Map<string, Tag[]>> {
  const byVersion = new Map<string, Tag[]>(versionUids.map((versionUid) => [versionUid, []]))
  for (let start = 0; start < versionUids.length; start += TAGS_CHUNK) {
    const chunk = versionUids.slice(start, start + TAGS_CHUNK)
    const table = modelVersionTags
    const ofVersions = ownedBy(engine.dialect, { table, of: table.versionUid }, chunk)
    const rows = await engine.db
      .select(getTableColumns(table))
      .from(ofVersions.from)
      .where(ofVersions.where)
      .orderBy(asc(modelVersionTags.key))
    for (const row of rows) byVersion.get(row.versionUid)?.push(fromStoredTag(row))
  }
  return byVersion
}
