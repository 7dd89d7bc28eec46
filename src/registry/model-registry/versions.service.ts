// MLflow's rules for model versions: tags, description, download location. New ones are in
// version-creation.service.ts, stages in stages.service.ts, searches in version-search.service.ts.
import type { Events } from '../../events.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { checkKey, checkLength } from '../../platform/wire/names.ts'
import { type LiveVersion, requireVersion } from './live-versions.ts'
import type { RegisteredModelService } from './models.service.ts'
import { settleMark } from './models.store.ts'
import { checkModelName, checkTag, MAX_DESCRIPTION_LENGTH, readVersion, versionNotFound } from './names.ts'
import { hidesFromSearch, IS_PROMPT_TAG } from './prompt-tag.schema.ts'
import type { ModelVersion } from './schema.ts'
import type { ModelVersionRow } from './tables.ts'
import { versionsToWire } from './to-wire.ts'
import * as store from './versions.store.ts'

export interface ModelVersionServiceDeps {
  engine: Engine
  clock: Clock
  events: Events
  models: RegisteredModelService
}

export function createModelVersionService({ engine, clock, events, models }: ModelVersionServiceDeps) {
  const require = (name: string, version: string) => requireVersion(engine, name, version)

  async function toWire({ model, row }: LiveVersion): Promise<ModelVersion> {
    return (await versionsToWire(engine, model, [row]))[0] as ModelVersion
  }

  /** Sets the description; undefined takes it away. */
  async function update(
    name: string,
    version: string,
    description: string | undefined,
  ): Promise<ModelVersion> {
    if (description !== undefined) checkLength('description', MAX_DESCRIPTION_LENGTH, description)
    const { model, row } = await require(name, version)
    const changes = { description: description ?? null, lastUpdatedTimeMs: clock.now() }
    const updated = await store.updateVersion(engine, row, changes)
    if (!updated) throw versionNotFound(name, row.version)
    return toWire({ model, row: updated })
  }

  async function setTag(name: string, version: string, key: string, value: string): Promise<void> {
    checkModelName(name)
    readVersion(name, version)
    checkTag(key, value)
    const { row } = await require(name, version)
    await store.upsertVersionTags(engine, row, [{ key, value }])
    await settlePrompt(row, key)
    await events.raise(['model_version_tag.set', 'prompt_version_tag.set'], async () => ({
      name: (await models.isPrompt(row.modelUid)) ? 'prompt_version_tag.set' : 'model_version_tag.set',
      payload: { name, version, key, value },
    }))
  }

  async function deleteTag(name: string, version: string, key: string): Promise<void> {
    checkModelName(name)
    readVersion(name, version)
    checkKey(key, 'key')
    const { row } = await require(name, version)
    await store.deleteVersionTag(engine, row.versionUid, key)
    await settlePrompt(row, key)
    await events.raise(['model_version_tag.deleted', 'prompt_version_tag.deleted'], async () => ({
      name: (await models.isPrompt(row.modelUid))
        ? 'prompt_version_tag.deleted'
        : 'model_version_tag.deleted',
      payload: { name, version, key },
    }))
  }

  async function settlePrompt(row: ModelVersionRow, key: string): Promise<void> {
    if (key !== IS_PROMPT_TAG) return
    await settleMark(
      () => store.findVersionTag(engine, row.versionUid, key),
      async (value) => {
        await store.updateVersion(engine, row, { isPrompt: hidesFromSearch(value) })
      },
    )
  }

  return {
    get: async (name: string, version: string) => toWire(await require(name, version)),
    update,
    setTag,
    deleteTag,
    /** Where the files of the version lie. @see mlflow get_model_version_download_uri */
    downloadUri: async (name: string, version: string) => (await require(name, version)).row.storageLocation,
  }
}
