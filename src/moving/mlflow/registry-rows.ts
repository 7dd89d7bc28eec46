// Registered models, prompts among them, their versions, and webhooks of stock MLflow as our rows.

import { hidesFromSearch, IS_PROMPT_TAG } from '../../registry/model-registry/prompt-tag.schema.ts'
import { toStoredTag } from '../../registry/model-registry/tag-values.store.ts'
import type { Row } from '../families.store.ts'
import { loggedModelIn, modelUidOf, versionUidOf } from './entities.ts'
import type { ChildMap, FamilyMap } from './maps.ts'
import { ms, msOr, type Raw, text, textOr } from './values.ts'

/** The tag that makes a prompt of a model or version, beside its row. */
const promptTag = (table: string, on: string) =>
  `(SELECT max(p."value") FROM "${table}" p WHERE ${on} AND p."key" = '${IS_PROMPT_TAG}')`

const tagOf = (raw: Raw) => toStoredTag({ key: textOr(raw.key, ''), value: textOr(raw.value, '') })

const versions: ChildMap = {
  tables: { t: 'model_versions' },
  owner: 't.name',
  columns: {
    owner: 't.name',
    version: 't.version',
    created: 't.creation_time',
    updated: 't.last_updated_time',
    description: 't.description',
    user: 't.user_id',
    stage: 't.current_stage',
    source: 't.source',
    location: 't.storage_location',
    run: 't.run_id',
    link: 't.run_link',
    status: 't.status',
    message: 't.status_message',
    prompt: promptTag('model_version_tags', 'p."name" = t."name" AND p."version" = t."version"'),
  },
  row: (raw, { modelUid }) => {
    const version = msOr(raw.version, 0)
    const source = textOr(raw.source, '')
    return {
      modelUid,
      version,
      versionUid: versionUidOf(modelUid, version),
      creationTimeMs: msOr(raw.created, 0),
      lastUpdatedTimeMs: msOr(raw.updated, msOr(raw.created, 0)),
      description: text(raw.description),
      userId: text(raw.user),
      currentStage: textOr(raw.stage, 'None'),
      eventId: '',
      source,
      storageLocation: text(raw.location) || source,
      runId: text(raw.run),
      runLink: text(raw.link),
      modelId: loggedModelIn(source),
      status: textOr(raw.status, 'READY'),
      statusMessage: text(raw.message),
      isPrompt: hidesFromSearch(text(raw.prompt) ?? undefined),
    }
  },
}

export const registeredModels: FamilyMap = {
  parent: {
    tables: { t: 'registered_models' },
    id: 't.name',
    columns: {
      id: 't.name',
      created: 't.creation_time',
      updated: 't.last_updated_time',
      description: 't.description',
      prompt: promptTag('registered_model_tags', 'p."name" = t."name"'),
      last: '(SELECT max(v."version") FROM "model_versions" v WHERE v."name" = t."name")',
    },
    row: (raw) => {
      const name = textOr(raw.id, '')
      const creationTimeMs = msOr(raw.created, 0)
      return {
        modelUid: modelUidOf(name, creationTimeMs),
        name,
        nameFence: 0,
        creationTimeMs,
        lastUpdatedTimeMs: msOr(raw.updated, creationTimeMs),
        renamedTimeMs: 0,
        description: text(raw.description),
        isPrompt: hidesFromSearch(text(raw.prompt) ?? undefined),
        lastVersion: msOr(raw.last, 0),
      }
    },
  },
  children: {
    registered_model_tags: {
      tables: { t: 'registered_model_tags' },
      owner: 't.name',
      columns: { owner: 't.name', key: 't.key', value: 't.value' },
      row: (raw, { modelUid }) => ({ modelUid, ...tagOf(raw) }),
    },
    registered_model_aliases: {
      tables: { t: 'registered_model_aliases' },
      owner: 't.name',
      columns: { owner: 't.name', alias: 't.alias', version: 't.version' },
      row: ({ alias, version }, { modelUid }) => ({
        modelUid,
        alias: textOr(alias, ''),
        version: ms(version),
        eventId: '',
      }),
    },
    model_version_tags: {
      tables: { t: 'model_version_tags' },
      owner: 't.name',
      columns: { owner: 't.name', version: 't.version', key: 't.key', value: 't.value' },
      row: (raw, { modelUid }) => ({
        versionUid: versionUidOf(modelUid, msOr(raw.version, 0)),
        ...tagOf(raw),
        modelUid,
      }),
    },
    model_versions: versions,
  },
}

/** Secrets are encrypted with a key of that server, and stay there. */
export const webhooks: FamilyMap = {
  parent: {
    tables: { t: 'webhooks' },
    id: 't.webhook_id',
    where: 't."deleted_timestamp" IS NULL',
    columns: {
      id: 't.webhook_id',
      name: 't.name',
      description: 't.description',
      url: 't.url',
      status: 't.status',
      created: 't.creation_timestamp',
      updated: 't.last_updated_timestamp',
    },
    extra: async (read, raws) => {
      const select = {
        tables: { t: 'webhook_events' },
        columns: { owner: 't.webhook_id', entity: 't.entity', action: 't.action' },
      }
      const found = await read(
        select,
        't.webhook_id',
        raws.map(({ id }) => id),
      )
      const events = new Map<string, Raw>()
      for (const { owner, entity, action } of found) {
        const names = (events.get(String(owner))?.names ?? []) as string[]
        events.set(String(owner), { names: [...names, `${entity}.${action}`.toLowerCase()] })
      }
      return events
    },
    row: (raw, { extra }): Row => ({
      webhookId: textOr(raw.id, ''),
      name: textOr(raw.name, ''),
      description: text(raw.description),
      url: textOr(raw.url, ''),
      events: [...((extra.get(String(raw.id))?.names ?? []) as string[])].sort().join(','),
      status: textOr(raw.status, 'ACTIVE'),
      secret: null,
      creationTimestampMs: msOr(raw.created, 0),
      lastUpdatedTimestampMs: msOr(raw.updated, 0),
    }),
  },
  children: {},
}
