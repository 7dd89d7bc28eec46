// MLflow's rules for model versions: numbers, tags, description, download location, search. Stages are in
// stages.service.ts, what a new version comes from in lineage.service.ts.
import { randomUUID } from 'node:crypto'
import { invalidParameter } from '../../errors.ts'
import type { Events, RaisedEvent } from '../../events.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { createTurns } from '../../platform/turns.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { readAhead } from '../../platform/wire/json-list.ts'
import { checkKey, checkLength } from '../../platform/wire/names.ts'
import { decodePageStart, encodePageStart, rowsToSkip } from '../../platform/wire/page-token.ts'
import { NO_EVENT } from './audit.store.ts'
import type { CreateVersionInput, VersionOrigin } from './lineage.service.ts'
import { type LiveVersion, requireVersion } from './live-versions.ts'
import type { RegisteredModelService, SearchInput } from './models.service.ts'
import { type NamedModelRow, noteVersion, settleMark } from './models.store.ts'
import {
  checkModelName,
  checkTag,
  hidesFromSearch,
  IS_PROMPT_TAG,
  isPromptRequest,
  MAX_DESCRIPTION_LENGTH,
  MAX_SOURCE_LENGTH,
  modelNotFound,
  PROMPT_TEXT_TAG,
  PROMPT_TYPE_TAG,
  readTags,
  readVersion,
  splitPrompts,
  tagsOf,
  versionNotFound,
} from './names.ts'
import { MAX_VERSIONS_PER_PAGE, type ModelVersion } from './schema.ts'
import { type FoundVersion, searchVersionRows } from './search.store.ts'
import { parseModelVersionFilter, parseModelVersionOrderBy } from './search.ts'
import { type ModelVersionRow, modelVersionTags } from './tables.ts'
import { versionsToWire, versionToWire } from './to-wire.ts'
import * as store from './versions.store.ts'

/** Versions whose tags are in memory at a time; of one answer, two such chunks. */
const VERSIONS_AT_ONCE = 1000

export interface ModelVersionServiceDeps {
  engine: Engine
  clock: Clock
  events: Events
  models: RegisteredModelService
  /** Checks what a version is to be made of, and finds where its files lie. */
  resolveOrigin: (input: CreateVersionInput, isPrompt: boolean) => Promise<VersionOrigin>
  /** Notes at a logged model that a version was registered from it. */
  linkVersion: (modelId: string, link: { name: string; version: number }) => Promise<void>
}

export type ModelVersionService = ReturnType<typeof createModelVersionService>

export function createModelVersionService(deps: ModelVersionServiceDeps) {
  const { engine, clock, events, models } = deps
  const takeTurn = createTurns<ModelVersionRow>()
  const require = (name: string, version: string) => requireVersion(engine, name, version)

  /**
   * Tags come first, under a uid that nobody else has: with its row, which takes the number, the version exists, tags
   * and all. What a crash leaves before that belongs to no version and has no number, so the next one is not skipped.
   * @see mlflow/server/handlers.py _create_model_version
   */
  async function create(input: CreateVersionInput): Promise<ModelVersion> {
    const isPrompt = isPromptRequest(input.tags)
    const origin = await deps.resolveOrigin(input, isPrompt)
    const tags = readTags(input.tags)
    const model = await models.requireModel(input.name)
    const nowMs = clock.now()
    const row: Omit<ModelVersionRow, 'version'> = {
      modelUid: model.modelUid,
      versionUid: randomUUID().replaceAll('-', ''),
      creationTimeMs: nowMs,
      lastUpdatedTimeMs: nowMs,
      description: checkLength('description', MAX_DESCRIPTION_LENGTH, input.description ?? ''),
      userId: null,
      currentStage: 'None',
      eventId: NO_EVENT,
      source: checkLength('source', MAX_SOURCE_LENGTH, origin.source),
      storageLocation: origin.storageLocation,
      runId: origin.runId,
      runLink: checkLength('run_link', MAX_SOURCE_LENGTH, input.run_link ?? ''),
      modelId: origin.modelId,
      status: 'READY',
      statusMessage: null,
      isPrompt: hidesFromSearch(tags.find(({ key }) => key === IS_PROMPT_TAG)?.value),
    }
    await store.upsertVersionTags(engine, row, tags)
    const created = await number(model, row)
    if (origin.linkTo) await deps.linkVersion(origin.linkTo, { name: model.name, version: created.version })
    await events.raise(['model_version.created', 'prompt_version.created'], async () =>
      creationOf(input, origin, String(created.version)),
    )
    return versionToWire({ row: created, model: { name: model.name, renamedTimeMs: 0 } }, tags, [])
  }

  /** Numbers of one model are given one after the other; only other servers may be faster then. */
  async function number(
    model: NamedModelRow,
    row: Omit<ModelVersionRow, 'version'>,
  ): Promise<ModelVersionRow> {
    const created = await takeTurn(model.modelUid, (before) =>
      store.insertVersion(engine, row, Math.max(model.lastVersion, before?.version ?? 0)),
    )
    const { modelUid, version } = created
    if (await noteVersion(engine, { modelUid, version, nowMs: row.creationTimeMs })) return created
    await store.removeVersion(engine, created)
    throw modelNotFound(model.name)
  }

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

  /** Versions as clients see them, some hundred at a time, so that memory does not grow with the page. */
  async function* withTags(rows: FoundVersion[]): AsyncGenerator<ModelVersion[]> {
    for (let from = 0; from < rows.length; from += VERSIONS_AT_ONCE) {
      const chunk = rows.slice(from, from + VERSIONS_AT_ONCE)
      await engine.refresh(modelVersionTags)
      const tags = await store.findVersionTags(
        engine,
        chunk.map(({ versionUid }) => versionUid),
      )
      yield chunk.map((row) =>
        versionToWire(
          { row, model: { name: row.name, renamedTimeMs: 0 } },
          tags.get(row.versionUid) ?? [],
          [],
        ),
      )
    }
  }

  /** A page of versions in chunks. */
  async function search(
    input: SearchInput,
  ): Promise<{ versions: AsyncGenerator<ModelVersion[]>; nextPageToken: string | undefined }> {
    const pageSize = Number(input.max_results ?? MAX_VERSIONS_PER_PAGE)
    if (pageSize < 1) {
      throw invalidParameter(
        `Invalid value for max_results. It must be a positive integer, but got ${pageSize}`,
      )
    }
    const { filter, modelsOnly } = splitPrompts(parseModelVersionFilter(input.filter))
    const orderBy = parseModelVersionOrderBy(input.order_by)
    const start = decodePageStart(input.page_token, orderBy)
    const rows = await searchVersionRows(engine, {
      filter,
      modelsOnly,
      orderBy,
      offset: rowsToSkip(start),
      after: start.after,
      limit: pageSize + 1,
    })
    const last = rows.length > pageSize ? rows[pageSize - 1] : undefined
    return {
      versions: await readAhead(withTags(rows.slice(0, pageSize))),
      nextPageToken: last && encodePageStart({ offset: start.offset + pageSize, after: last.place }, orderBy),
    }
  }

  return {
    create,
    get: async (name: string, version: string) => toWire(await require(name, version)),
    update,
    setTag,
    deleteTag,
    search,
    /** Where the files of the version lie. @see mlflow get_model_version_download_uri */
    downloadUri: async (name: string, version: string) => (await require(name, version)).row.storageLocation,
  }
}

/** @see mlflow/server/handlers.py _create_model_version */
function creationOf(input: CreateVersionInput, origin: VersionOrigin, version: string): RaisedEvent {
  const { name } = input
  const tags = tagsOf(input.tags)
  const description = input.description || null
  if (!isPromptRequest(input.tags)) {
    const { source, namedRunId } = origin
    return {
      name: 'model_version.created',
      payload: { name, version, source, run_id: namedRunId || null, tags, description },
    }
  }
  const {
    [PROMPT_TEXT_TAG]: template = null,
    [IS_PROMPT_TAG]: _mark,
    [PROMPT_TYPE_TAG]: _type,
    ...others
  } = tags
  return { name: 'prompt_version.created', payload: { name, version, template, tags: others, description } }
}
