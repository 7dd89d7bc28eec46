// Rows of the model registry as clients see them. Empty lists are left out, as protobuf's JSON does.
import type { Engine } from '../../platform/database/engine.ts'
import { type Alias, findAliases } from './aliases.store.ts'
import { findModelTags, type NamedModelRow } from './models.store.ts'
import type { ModelVersion, RegisteredModel } from './schema.ts'
import {
  type ModelVersionRow,
  modelVersions,
  modelVersionTags,
  registeredModelAliases,
  registeredModelTags,
} from './tables.ts'
import type { Tag } from './tag-values.store.ts'
import { findLatestVersions, findVersionTags } from './versions.store.ts'

/** A version beside what it takes from its model. */
export interface VersionOfModel {
  row: ModelVersionRow
  model: { name: string; renamedTimeMs: number }
}

const pairs = (tags: Tag[]) =>
  tags.length > 0 ? { tags: tags.map(({ key, value }) => ({ key, value })) } : {}

/** @see mlflow/entities/model_registry/model_version.py ModelVersion.to_proto */
export function versionToWire({ row, model }: VersionOfModel, tags: Tag[], aliases: string[]): ModelVersion {
  return {
    name: model.name,
    version: String(row.version),
    creation_timestamp: row.creationTimeMs,
    last_updated_timestamp: Math.max(row.lastUpdatedTimeMs, model.renamedTimeMs),
    ...(row.userId !== null && { user_id: row.userId }),
    current_stage: row.currentStage,
    ...(row.description !== null && { description: row.description }),
    source: row.source,
    ...(row.runId !== null && { run_id: row.runId }),
    status: row.status as ModelVersion['status'],
    ...(row.statusMessage && { status_message: row.statusMessage }),
    ...pairs(tags),
    ...(row.runLink !== null && { run_link: row.runLink }),
    ...(aliases.length > 0 && { aliases }),
  }
}

/** @see mlflow/entities/model_registry/registered_model.py RegisteredModel.to_proto */
export function modelToWire(
  model: NamedModelRow,
  { latest, tags, aliases }: { latest: ModelVersion[]; tags: Tag[]; aliases: Alias[] },
): RegisteredModel {
  return {
    name: model.name,
    creation_timestamp: model.creationTimeMs,
    last_updated_timestamp: model.lastUpdatedTimeMs,
    ...(model.description && { description: model.description }),
    ...(latest.length > 0 && { latest_versions: latest }),
    ...pairs(tags),
    ...(aliases.length > 0 && {
      aliases: aliases.map(({ alias, version }) => ({ alias, version: String(version) })),
    }),
  }
}

/** The models with all they have: five statements, however many models. Sees every acknowledged write. */
export async function modelsToWire(engine: Engine, models: NamedModelRow[]): Promise<RegisteredModel[]> {
  if (models.length === 0) return []
  const uids = models.map(({ modelUid }) => modelUid)
  await engine.refresh(registeredModelTags, registeredModelAliases, modelVersions, modelVersionTags)
  const [tags, aliases, latest] = await Promise.all([
    findModelTags(engine, uids),
    findAliases(engine, uids),
    findLatestVersions(engine, uids),
  ])
  const versionTags = await findVersionTags(
    engine,
    [...latest.values()].flat().map(({ versionUid }) => versionUid),
  )
  return models.map((model) =>
    modelToWire(model, {
      // Stock names no aliases here.
      latest: (latest.get(model.modelUid) ?? []).map((row) =>
        versionToWire({ row, model }, versionTags.get(row.versionUid) ?? [], []),
      ),
      tags: tags.get(model.modelUid) ?? [],
      aliases: aliases.get(model.modelUid) ?? [],
    }),
  )
}

/** Versions of one model with tags and aliases: three statements. Sees every acknowledged write. */
export async function versionsToWire(
  engine: Engine,
  model: NamedModelRow,
  rows: ModelVersionRow[],
): Promise<ModelVersion[]> {
  if (rows.length === 0) return []
  await engine.refresh(modelVersionTags, registeredModelAliases)
  const [tags, aliases] = await Promise.all([
    findVersionTags(
      engine,
      rows.map(({ versionUid }) => versionUid),
    ),
    findAliases(engine, [model.modelUid]),
  ])
  return rows.map((row) => {
    const own = aliases.get(model.modelUid)?.filter(({ version }) => version === row.version) ?? []
    return versionToWire(
      { row, model },
      tags.get(row.versionUid) ?? [],
      own.map(({ alias }) => alias),
    )
  })
}
