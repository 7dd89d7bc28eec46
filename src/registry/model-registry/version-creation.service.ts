// Creates model versions: their numbers, and what they begin with. What a new one comes from is in lineage.service.ts.
import { randomUUID } from 'node:crypto'
import type { Events, RaisedEvent } from '../../events.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { createTurns } from '../../platform/turns.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { checkLength } from '../../platform/wire/names.ts'
import { NO_EVENT } from './audit.store.ts'
import type { CreateVersionInput, VersionOrigin } from './lineage.service.ts'
import type { RegisteredModelService } from './models.service.ts'
import { type NamedModelRow, noteVersion } from './models.store.ts'
import {
  isPromptRequest,
  MAX_DESCRIPTION_LENGTH,
  MAX_SOURCE_LENGTH,
  modelNotFound,
  PROMPT_TEXT_TAG,
  PROMPT_TYPE_TAG,
  readTags,
  tagsOf,
} from './names.ts'
import { hidesFromSearch, IS_PROMPT_TAG } from './prompt-tag.schema.ts'
import type { ModelVersion } from './schema.ts'
import type { ModelVersionRow } from './tables.ts'
import { versionToWire } from './to-wire.ts'
import * as store from './versions.store.ts'

export interface VersionCreatorDeps {
  engine: Engine
  clock: Clock
  events: Events
  models: RegisteredModelService
  /** Checks what a version is to be made of, and finds where its files lie. */
  resolveOrigin: (input: CreateVersionInput, isPrompt: boolean) => Promise<VersionOrigin>
  /** Notes at a logged model that a version was registered from it. */
  linkVersion: (modelId: string, link: { name: string; version: number }) => Promise<void>
}

export function createVersionCreator(deps: VersionCreatorDeps) {
  const { engine, clock, events, models } = deps
  const takeTurn = createTurns<ModelVersionRow>()

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

  return create
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
