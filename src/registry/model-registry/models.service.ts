// MLflow's rules for registered models: tags, latest versions, search. Their names are in model-names.service.ts.
import { invalidParameter } from '../../errors.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import { checkKey, checkLength } from '../../platform/wire/names.ts'
import { pageOf } from '../../platform/wire/page-token.ts'
import { createModelNames, type ModelNamesDeps } from './model-names.service.ts'
import type { NamedModelRow } from './models.store.ts'
import * as store from './models.store.ts'
import {
  checkModelName,
  checkTag,
  isPromptTag,
  MAX_DESCRIPTION_LENGTH,
  modelNotFound,
  readStage,
  splitPrompts,
} from './names.ts'
import { hidesFromSearch, IS_PROMPT_TAG } from './prompt-tag.schema.ts'
import type { ModelVersion, RegisteredModel } from './schema.ts'
import { searchModelRows } from './search.store.ts'
import { parseRegisteredModelFilter, parseRegisteredModelOrderBy } from './search.ts'
import { modelVersions } from './tables.ts'
import { modelsToWire, versionsToWire } from './to-wire.ts'
import { findLatestVersions } from './versions.store.ts'

const DEFAULT_PAGE_SIZE = 100

export interface SearchInput {
  filter?: string | undefined
  max_results?: Int64 | undefined
  order_by: string[]
  page_token?: string | undefined
}

export type RegisteredModelService = ReturnType<typeof createRegisteredModelService>

export type RegisteredModelServiceDeps = ModelNamesDeps

export function createRegisteredModelService(deps: RegisteredModelServiceDeps) {
  const { engine, clock, events } = deps
  const names = createModelNames(deps)
  const { requireModel } = names

  async function toWire(row: NamedModelRow | undefined, name: string): Promise<RegisteredModel> {
    if (!row) throw modelNotFound(name)
    return (await modelsToWire(engine, [row]))[0] as RegisteredModel
  }

  async function update(name: string, description: string): Promise<RegisteredModel> {
    checkLength('description', MAX_DESCRIPTION_LENGTH, description)
    const { modelUid } = await requireModel(name)
    const changes = { description, lastUpdatedTimeMs: clock.now() }
    return toWire(await store.updateModel(engine, modelUid, changes), name)
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
    const { bounds, tokenBehind } = pageOf(input.page_token, orderBy, pageSize)
    const rows = await searchModelRows(engine, { filter, modelsOnly, orderBy, ...bounds })
    const page = rows.slice(0, pageSize)
    const place = page.at(-1)?.place
    return {
      models: await modelsToWire(engine, page),
      nextPageToken: rows.length > pageSize ? tokenBehind(place ?? bounds.after) : undefined,
    }
  }

  return {
    requireModel,
    isPrompt,
    create: names.create,
    get: async (name: string) => toWire(await requireModel(name), name),
    rename: names.rename,
    update,
    delete: names.delete,
    latestVersions,
    setTag,
    deleteTag,
    search,
  }
}
