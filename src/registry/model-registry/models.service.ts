// MLflow's rules for registered models: names, tags, latest versions, search.
import { randomUUID } from 'node:crypto'
import { alreadyExists, invalidParameter } from '../../errors.ts'
import type { Events, RaisedEvent } from '../../events.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { claimName, releaseName } from '../../platform/database/name-claims.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import { checkKey, checkLength } from '../../platform/wire/names.ts'
import { decodePageStart, encodePageStart, rowsToSkip } from '../../platform/wire/page-token.ts'
import type { NamedModelRow } from './models.store.ts'
import * as store from './models.store.ts'
import {
  checkModelName,
  checkNewModelName,
  checkTag,
  hidesFromSearch,
  IS_PROMPT_TAG,
  isPromptRequest,
  isPromptTag,
  MAX_DESCRIPTION_LENGTH,
  modelNotFound,
  nameTaken,
  PROMPT_TYPE_TAG,
  readStage,
  readTags,
  splitPrompts,
  type TagInput,
  tagsOf,
} from './names.ts'
import type { ModelVersion, RegisteredModel } from './schema.ts'
import { searchModelRows } from './search.store.ts'
import { parseRegisteredModelFilter, parseRegisteredModelOrderBy } from './search.ts'
import { modelVersions } from './tables.ts'
import { modelsToWire, modelToWire, versionsToWire } from './to-wire.ts'
import { findLatestVersions } from './versions.store.ts'

const DEFAULT_PAGE_SIZE = 100

export interface SearchInput {
  filter?: string | undefined
  max_results?: Int64 | undefined
  order_by: string[]
  page_token?: string | undefined
}

export type RegisteredModelService = ReturnType<typeof createRegisteredModelService>

export interface RegisteredModelServiceDeps {
  engine: Engine
  clock: Clock
  events: Events
}

export function createRegisteredModelService({ engine, clock, events }: RegisteredModelServiceDeps) {
  const owner = store.modelNames(engine)

  /** The model that carries the name. @throws RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE */
  async function requireModel(name: string): Promise<NamedModelRow> {
    const row = await store.findModelByName(engine, checkModelName(name))
    if (!row) throw modelNotFound(name)
    return row
  }

  async function toWire(row: NamedModelRow | undefined, name: string): Promise<RegisteredModel> {
    if (!row) throw modelNotFound(name)
    return (await modelsToWire(engine, [row]))[0] as RegisteredModel
  }

  async function create(input: {
    name: string
    tags: TagInput[]
    description?: string
  }): Promise<RegisteredModel> {
    checkNewModelName(input.name)
    const tags = readTags(input.tags)
    checkLength('description', MAX_DESCRIPTION_LENGTH, input.description ?? '')
    for (;;) {
      const row = await tryCreate(input.name, input.description ?? '', tags)
      if (!row) continue
      await events.raise(['registered_model.created', 'prompt.created'], async () => creationOf(input))
      return modelToWire(row, { latest: [], tags, aliases: [] })
    }
  }

  /**
   * One attempt to make a model under a uid of its own. Tags come before the row, which is what makes the model
   * visible; a crash before it leaves a claim that the next caller takes over.
   * @returns undefined when the attempt was fenced off by a caller that took this server for dead
   */
  async function tryCreate(
    name: string,
    description: string,
    tags: { key: string; value: string }[],
  ): Promise<NamedModelRow | undefined> {
    const modelUid = randomUUID().replaceAll('-', '')
    const takenBy = await claimName(engine, owner, { name, ownerId: modelUid, fence: 0 })
    const promptTag = tags.find(({ key }) => key === IS_PROMPT_TAG)?.value
    if (takenBy !== undefined) {
      const oldTag = await store.findModelTag(engine, takenBy, IS_PROMPT_TAG)
      throw nameTaken(name, { old: oldTag !== undefined, new: promptTag !== undefined })
    }
    await store.upsertModelTags(engine, modelUid, tags)
    const nowMs = clock.now()
    const row: NamedModelRow = {
      modelUid,
      name,
      nameFence: 0,
      creationTimeMs: nowMs,
      lastUpdatedTimeMs: nowMs,
      renamedTimeMs: 0,
      description,
      isPrompt: hidesFromSearch(promptTag),
      lastVersion: 0,
    }
    return (await store.insertModel(engine, row)) ? row : undefined
  }

  /** Claims the new name, switches the row, gives the old name back: each step is one row, each repeatable. */
  async function rename(name: string, newName: string): Promise<RegisteredModel> {
    checkNewModelName(newName, 'new_name')
    for (;;) {
      const row = await requireModel(name)
      const claim = { name: newName, ownerId: row.modelUid, fence: row.nameFence }
      const isOther = name !== newName
      const takenBy = isOther ? await claimName(engine, owner, claim) : undefined
      if (takenBy !== undefined) throw alreadyExists(`Registered Model (name=${newName}) already exists.`)
      const renamed = await store.renameModel(engine, {
        modelUid: row.modelUid,
        name: newName,
        fence: row.nameFence,
        nowMs: clock.now(),
      })
      if (isOther) await releaseName(engine, owner, renamed ? { ...claim, name } : claim)
      if (!renamed) continue
      return toWire(renamed, newName)
    }
  }

  async function update(name: string, description: string): Promise<RegisteredModel> {
    checkLength('description', MAX_DESCRIPTION_LENGTH, description)
    const { modelUid } = await requireModel(name)
    const changes = { description, lastUpdatedTimeMs: clock.now() }
    return toWire(await store.updateModel(engine, modelUid, changes), name)
  }

  /** Takes the name from the model first: with that it is gone, and the name is free for another one. */
  async function deleteModel(name: string): Promise<void> {
    const row = await requireModel(name)
    if (!(await store.buryModel(engine, row))) throw modelNotFound(name)
    await store.removeBuriedModel(engine, row)
  }

  /** @see mlflow/store/model_registry/sqlalchemy_store.py get_latest_versions */
  async function latestVersions(name: string, stages: string[]): Promise<ModelVersion[]> {
    const model = await requireModel(name)
    const wanted = stages.map(readStage)
    await engine.refresh(modelVersions)
    const latest = (await findLatestVersions(engine, [model.modelUid])).get(model.modelUid) ?? []
    const rows = latest.filter(
      ({ currentStage }) => wanted.length === 0 || wanted.some((stage) => stage === currentStage),
    )
    return versionsToWire(engine, model, rows)
  }

  async function setTag(name: string, key: string, value: string): Promise<void> {
    checkModelName(name)
    checkTag(key, value)
    const { modelUid } = await requireModel(name)
    await store.upsertModelTags(engine, modelUid, [{ key, value }])
    await settlePrompt(modelUid, key)
    await events.raise(['prompt_tag.set'], async () =>
      (await isPrompt(modelUid)) ? { name: 'prompt_tag.set', payload: { name, key, value } } : undefined,
    )
  }

  async function deleteTag(name: string, key: string): Promise<void> {
    checkModelName(name)
    checkKey(key, 'key')
    const { modelUid } = await requireModel(name)
    await store.deleteModelTag(engine, modelUid, key)
    await settlePrompt(modelUid, key)
    await events.raise(['prompt_tag.deleted'], async () =>
      (await isPrompt(modelUid)) ? { name: 'prompt_tag.deleted', payload: { name, key } } : undefined,
    )
  }

  async function isPrompt(modelUid: string): Promise<boolean> {
    return isPromptTag(await store.findModelTag(engine, modelUid, IS_PROMPT_TAG))
  }

  async function settlePrompt(modelUid: string, key: string): Promise<void> {
    if (key !== IS_PROMPT_TAG) return
    await store.settleMark(
      () => store.findModelTag(engine, modelUid, key),
      async (value) => {
        await store.updateModel(engine, modelUid, { isPrompt: hidesFromSearch(value) })
      },
    )
  }

  /** A page of models; a page size of 0 answers a token alone, as stock does. */
  async function search(
    input: SearchInput,
  ): Promise<{ models: RegisteredModel[]; nextPageToken: string | undefined }> {
    const pageSize = Number(input.max_results ?? DEFAULT_PAGE_SIZE)
    if (pageSize < 0) {
      throw invalidParameter(`Invalid value ${pageSize} for parameter 'max_results' supplied.`)
    }
    const { filter, modelsOnly } = splitPrompts(parseRegisteredModelFilter(input.filter))
    const orderBy = parseRegisteredModelOrderBy(input.order_by)
    const start = decodePageStart(input.page_token, orderBy)
    const rows = await searchModelRows(engine, {
      filter,
      modelsOnly,
      orderBy,
      offset: rowsToSkip(start),
      after: start.after,
      limit: pageSize + 1,
    })
    const page = rows.slice(0, pageSize)
    const place = page.at(-1)?.place
    return {
      models: await modelsToWire(engine, page),
      nextPageToken:
        rows.length > pageSize
          ? encodePageStart({ offset: start.offset + pageSize, after: place ?? start.after }, orderBy)
          : undefined,
    }
  }

  return {
    requireModel,
    isPrompt,
    create,
    get: async (name: string) => toWire(await requireModel(name), name),
    rename,
    update,
    delete: deleteModel,
    latestVersions,
    setTag,
    deleteTag,
    search,
  }
}

/** @see mlflow/server/handlers.py _create_registered_model */
function creationOf(input: { name: string; tags: TagInput[]; description?: string }): RaisedEvent {
  const { name, description = '' } = input
  const tags = tagsOf(input.tags)
  if (!isPromptRequest(input.tags)) {
    return { name: 'registered_model.created', payload: { name, tags, description } }
  }
  const { [IS_PROMPT_TAG]: _mark, [PROMPT_TYPE_TAG]: _type, ...others } = tags
  return { name: 'prompt.created', payload: { name, tags: others, description } }
}
