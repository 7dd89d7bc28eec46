// Statements over many versions of models at once: who has which number, and where aliases point.
import { and, type Column, eq, max, type SQL, sql } from 'drizzle-orm'
import { unavailable } from '../../errors.ts'
import { createUpsert, keepStored, takeNew, upsertRows, writeAll } from '../../platform/database/bulk.ts'
import { equalsAny, excluded } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import {
  type ModelVersionRow,
  modelVersions,
  type RegisteredModelAliasRow,
  registeredModelAliases,
  registeredModels,
} from '../../registry/model-registry/tables.ts'
import { tags } from '../../tracking/runs/tables.ts'
import { readOwned } from '../tables.store.ts'

/** How often others may be faster with numbers. */
const MAX_TURNS = 20

/** The values of one tag, by run. The caller has passed the refresh gate. */
export async function findTags(
  engine: Engine,
  runIds: readonly string[],
  key: string,
): Promise<Map<string, string>> {
  const one = { name: 'tags', table: tags, of: 'runId', where: eq(tags.key, key), own: [] }
  const rows = await readOwned(engine, one, runIds)
  return new Map(rows.map(({ runId, value }) => [String(runId), String(value)]))
}

/** The versions of these uids, by uid. The caller has passed the refresh gate. */
export async function findVersions(
  engine: Engine,
  versionUids: readonly string[],
): Promise<Map<string, ModelVersionRow>> {
  if (versionUids.length === 0) return new Map()
  const rows = await engine.db
    .select()
    .from(modelVersions)
    .where(equalsAny(modelVersions.versionUid, versionUids))
  return new Map(rows.map((row) => [row.versionUid, row]))
}

/**
 * Gives versions the next free numbers of their models, in their order, and writes their rows. The primary key is the claim:
 * numbers that others take at the same moment are passed over. Tags of the versions are there already.
 * @param last a number of each model, by its uid, that is taken; raised to the last one that was given
 */
export async function insertVersions(
  engine: Engine,
  rows: readonly Omit<ModelVersionRow, 'version'>[],
  last: Map<string, number>,
): Promise<ModelVersionRow[]> {
  const inserted: ModelVersionRow[] = []
  for (let due = rows, turn = 0; due.length > 0; turn++) {
    if (turn === MAX_TURNS) throw unavailable('The database did not take model versions. Please retry.')
    const numbered = due.map((row) => {
      const version = (last.get(row.modelUid) ?? 0) + 1
      last.set(row.modelUid, version)
      return { ...row, version }
    })
    const stored = await upsertRows(engine, modelVersions, numbered, {
      onConflict: keepStored(modelVersions.versionUid),
      returning: [modelVersions.modelUid, modelVersions.version, modelVersions.versionUid],
    })
    const owners = new Map(stored.map((row) => [`${row.model_uid}\0${row.version}`, row.version_uid]))
    const isOurs = (row: ModelVersionRow) => owners.get(`${row.modelUid}\0${row.version}`) === row.versionUid
    inserted.push(...numbered.filter(isOurs))
    due = numbered.filter((row) => !isOurs(row)).map(({ version: _, ...row }) => row)
    if (due.length > 0) await raiseToLast(engine, last, [...new Set(due.map(({ modelUid }) => modelUid))])
  }
  return inserted
}

/** Others have made versions of these models: goes on behind the last one of each. */
async function raiseToLast(engine: Engine, last: Map<string, number>, modelUids: readonly string[]) {
  await engine.refresh(modelVersions)
  const rows = await engine.db
    .select({ modelUid: modelVersions.modelUid, last: max(modelVersions.version) })
    .from(modelVersions)
    .where(equalsAny(modelVersions.modelUid, modelUids))
    .groupBy(modelVersions.modelUid)
  for (const row of rows) last.set(row.modelUid, Math.max(last.get(row.modelUid) ?? 0, Number(row.last)))
}

/** Takes where the files of versions are, as it is told now. */
export async function updateSources(engine: Engine, rows: readonly ModelVersionRow[]): Promise<void> {
  const { source, storageLocation, lastUpdatedTimeMs } = modelVersions
  await upsertRows(engine, modelVersions, rows, {
    onConflict: () =>
      sql.join(
        [source, storageLocation, lastUpdatedTimeMs].map((column) => takeNew(column)()),
        sql`, `,
      ),
  })
}

/** Notes at models which versions they have now. A model that was deleted meanwhile stays without a name. */
export async function noteVersions(
  engine: Engine,
  last: ReadonlyMap<string, number>,
  nowMs: number,
): Promise<void> {
  const higher = (column: Column): SQL => {
    const stored = engine.dialect.stored(column)
    const given = excluded(column)
    return sql`${sql.identifier(column.name)} = CASE WHEN ${stored} < ${given} THEN ${given} ELSE ${stored} END`
  }
  const rows = [...last].map(([modelUid, lastVersion]) => ({
    modelUid,
    name: null,
    nameFence: 0,
    creationTimeMs: 0,
    lastUpdatedTimeMs: nowMs,
    renamedTimeMs: 0,
    description: null,
    isPrompt: false,
    lastVersion,
  }))
  const upsert = createUpsert(engine, registeredModels, {
    onConflict: () =>
      sql`${higher(registeredModels.lastVersion)}, ${higher(registeredModels.lastUpdatedTimeMs)}`,
  })
  await writeAll(engine, [upsert(rows)])
}

export const aliasId = ({ modelUid, alias }: { modelUid: string; alias: string }) => `${modelUid}\0${alias}`

/** Aliases of these names, deleted ones as well, by model and name. The caller has passed the refresh gate. */
export async function findAliasesNamed(
  engine: Engine,
  wanted: readonly { modelUid: string; alias: string }[],
): Promise<Map<string, RegisteredModelAliasRow>> {
  if (wanted.length === 0) return new Map()
  const distinct = (values: string[]) => [...new Set(values)]
  const rows = await engine.db
    .select()
    .from(registeredModelAliases)
    .where(
      and(
        equalsAny(registeredModelAliases.modelUid, distinct(wanted.map(({ modelUid }) => modelUid))),
        equalsAny(registeredModelAliases.alias, distinct(wanted.map(({ alias }) => alias))),
      ),
    )
  return new Map(rows.map((row) => [aliasId(row), row]))
}

/** Sets aliases that nobody has set. @returns where each of them points afterwards */
export async function insertAliases(
  engine: Engine,
  rows: readonly RegisteredModelAliasRow[],
): Promise<Map<string, number | null>> {
  const { modelUid, alias, version } = registeredModelAliases
  const stored = await upsertRows(engine, registeredModelAliases, rows, {
    onConflict: keepStored(version),
    returning: [modelUid, alias, version],
  })
  return new Map(
    stored.map((row) => [
      aliasId({ modelUid: `${row.model_uid}`, alias: `${row.alias}` }),
      row.version === null ? null : Number(row.version),
    ]),
  )
}
