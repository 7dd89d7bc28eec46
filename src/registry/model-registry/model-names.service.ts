// Names of registered models: whoever makes or renames one claims its name first.
import { randomUUID } from 'node:crypto'
import { alreadyExists } from '../../errors.ts'
import type { Events, RaisedEvent } from '../../events.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { claimName, releaseName } from '../../platform/database/name-claims.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { checkLength } from '../../platform/wire/names.ts'
import type { NamedModelRow } from './models.store.ts'
import * as store from './models.store.ts'
import {
  checkModelName,
  checkNewModelName,
  isPromptRequest,
  MAX_DESCRIPTION_LENGTH,
  modelNotFound,
  nameTaken,
  PROMPT_TYPE_TAG,
  readTags,
  type TagInput,
  tagsOf,
} from './names.ts'
import { hidesFromSearch, IS_PROMPT_TAG } from './prompt-tag.schema.ts'
import type { RegisteredModel } from './schema.ts'
import { modelsToWire, modelToWire } from './to-wire.ts'

export interface ModelNamesDeps {
  engine: Engine
  clock: Clock
  events: Events
}

export function createModelNames({ engine, clock, events }: ModelNamesDeps) {
  const owner = store.modelNames(engine)

  /** The model that carries the name. @throws RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE */
  async function requireModel(name: string): Promise<NamedModelRow> {
    const row = await store.findModelByName(engine, checkModelName(name))
    if (!row) throw modelNotFound(name)
    return row
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
      return (await modelsToWire(engine, [renamed]))[0] as RegisteredModel
    }
  }

  /** Takes the name from the model first: with that it is gone, and the name is free for another one. */
  async function deleteModel(name: string): Promise<void> {
    const row = await requireModel(name)
    const buried = await store.buryModel(engine, row)
    if (!buried) throw modelNotFound(name)
    await store.removeBuriedModel(engine, buried)
  }

  return { requireModel, create, rename, delete: deleteModel }
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
