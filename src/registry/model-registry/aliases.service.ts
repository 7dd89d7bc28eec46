// MLflow's rules for aliases of registered models. Every change of an alias is kept in the audit.

import { doesNotExist, invalidParameter } from '../../errors.ts'
import type { Events } from '../../events.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { type Clock, newRunId } from '../../platform/wire/ids.ts'
import { findAlias, findAliases, switchAlias } from './aliases.store.ts'
import { NO_EVENT, type RegistryEventKind, recordEvent } from './audit.store.ts'
import { type LiveVersion, requireVersion } from './live-versions.ts'
import type { RegisteredModelService } from './models.service.ts'
import type { NamedModelRow } from './models.store.ts'
import { checkAlias, checkModelName, checkNewAlias, isLatest, readVersion, versionNotFound } from './names.ts'
import type { ModelVersion } from './schema.ts'
import { registeredModelAliases } from './tables.ts'
import { versionsToWire } from './to-wire.ts'
import { findVersion, STAGE_DELETED } from './versions.store.ts'

export interface AliasServiceDeps {
  engine: Engine
  clock: Clock
  events: Events
  models: RegisteredModelService
}

/** What an alias is to become. */
interface AliasChange {
  /** The version to point to, null for none. */
  to: number | null
  /** Change only an alias that points to this version. */
  onlyFrom?: number
  /** Change only an alias whose last change is this one. */
  onlyAfter?: string
  /** What the audit calls it; by default what the versions tell. */
  kind?: RegistryEventKind
}

export type AliasService = ReturnType<typeof createAliasService>

export function createAliasService({ engine, clock, events, models }: AliasServiceDeps) {
  /**
   * Records the change and makes it, however many change the alias at once.
   * @returns the id of the change; undefined when it is so already, or is not to be changed
   */
  async function change(
    model: NamedModelRow,
    alias: string,
    { to, onlyFrom, onlyAfter, kind }: AliasChange,
  ): Promise<string | undefined> {
    const { modelUid } = model
    for (;;) {
      const current = await findAlias(engine, modelUid, alias)
      const from = current?.version ?? null
      const previousEventId = current?.eventId ?? NO_EVENT
      if (from === to || (onlyFrom !== undefined && from !== onlyFrom)) return undefined
      if (onlyAfter !== undefined && previousEventId !== onlyAfter) return undefined
      const atMs = clock.now()
      const eventId = newRunId(atMs)
      await recordEvent(
        engine,
        { eventId, previousEventId, modelUid, modelName: model.name, atMs, userId: null },
        {
          kind: kind ?? (to === null ? 'alias_deleted' : 'alias_set'),
          ...{ alias, oldVersion: from, newVersion: to },
        },
      )
      if (await switchAlias(engine, { modelUid, alias, version: to, eventId }, previousEventId))
        return eventId
    }
  }

  /**
   * Points the alias to a version that was there just now. A deletion of the version at the same moment either sees
   * the alias, or is seen here by the second look.
   * @returns the id of the change; undefined when nothing was to be changed
   */
  async function pointTo(
    model: NamedModelRow,
    alias: string,
    { version, ...how }: Pick<AliasChange, 'onlyAfter' | 'kind'> & { version: number },
  ): Promise<string | undefined> {
    const eventId = await change(model, alias, { to: version, ...how })
    const row = await findVersion(engine, model.modelUid, version)
    if (row && row.currentStage !== STAGE_DELETED) return eventId
    await change(model, alias, { to: null, onlyFrom: version })
    throw versionNotFound(model.name, version)
  }

  /** @see mlflow/store/model_registry/sqlalchemy_store.py set_registered_model_alias */
  async function set(name: string, alias: string, version: string): Promise<void> {
    checkModelName(name)
    checkNewAlias(alias)
    const number = readVersion(name, version)
    const { model } = await requireVersion(engine, name, version)
    await pointTo(model, alias, { version: number })
    await raiseSet(model, alias, version)
  }

  const raiseSet = ({ name, modelUid }: NamedModelRow, alias: string, version: string) =>
    events.raise(['model_version_alias.created', 'prompt_alias.created'], async () => {
      const isPrompt = await models.isPrompt(modelUid)
      return {
        name: isPrompt ? 'prompt_alias.created' : 'model_version_alias.created',
        payload: { name, alias, version },
      }
    })

  async function deleteAlias(name: string, alias: string): Promise<void> {
    checkModelName(name)
    checkAlias(alias)
    const model = await models.requireModel(name)
    await change(model, alias, { to: null })
    await events.raise(['model_version_alias.deleted', 'prompt_alias.deleted'], async () => {
      const isPrompt = await models.isPrompt(model.modelUid)
      return {
        name: isPrompt ? 'prompt_alias.deleted' : 'model_version_alias.deleted',
        payload: { name, alias },
      }
    })
  }

  /** Deletes every alias that points to the version. */
  async function dropAliasesOf(model: NamedModelRow, version: number): Promise<void> {
    await engine.refresh(registeredModelAliases)
    const aliases = (await findAliases(engine, [model.modelUid])).get(model.modelUid) ?? []
    for (const { alias } of aliases.filter((row) => row.version === version)) {
      await change(model, alias, { to: null, onlyFrom: version })
    }
  }

  /** The version that an alias points to; `latest` is the highest one. Reads by primary key but for `latest`. */
  async function requireByAlias(name: string, alias: string): Promise<LiveVersion> {
    checkModelName(name)
    checkAlias(alias)
    const model = await models.requireModel(name)
    if (isLatest(alias)) return requireVersion(engine, name, await latest(name))
    const version = (await findAlias(engine, model.modelUid, alias))?.version ?? null
    if (version === null) throw invalidParameter(`Registered model alias ${alias} not found.`)
    const row = await findVersion(engine, model.modelUid, version)
    if (!row || row.currentStage === STAGE_DELETED) throw versionNotFound(name, version)
    return { model, row }
  }

  async function latest(name: string): Promise<string> {
    const versions = await models.latestVersions(name, [])
    if (versions.length === 0) throw doesNotExist(`Latest version not found for model ${name}.`)
    return String(Math.max(...versions.map(({ version }) => Number(version))))
  }

  return {
    set,
    pointTo: async (...change: Parameters<typeof pointTo>) => {
      const eventId = await pointTo(...change)
      if (eventId !== undefined) await raiseSet(change[0], change[1], String(change[2].version))
      return eventId
    },
    delete: deleteAlias,
    dropAliasesOf,
    requireByAlias,
    getVersion: async (name: string, alias: string) => {
      const { model, row } = await requireByAlias(name, alias)
      return (await versionsToWire(engine, model, [row]))[0] as ModelVersion
    },
  }
}
