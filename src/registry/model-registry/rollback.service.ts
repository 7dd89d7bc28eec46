// The history of an alias and the way back in it, which MLflow does not have.

import { invalidParameter, MlflowError } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import type { AliasService } from './aliases.service.ts'
import { findAliasHistory } from './audit.store.ts'
import type { RegisteredModelService } from './models.service.ts'
import type { NamedModelRow } from './models.store.ts'
import { checkAlias, readVersion, versionNotFound } from './names.ts'
import type { AliasEvent, AliasHistory, RolledBack } from './rollback.schema.ts'
import type { RegistryEvent } from './tables.ts'
import { findVersion, STAGE_DELETED } from './versions.store.ts'

const DEFAULT_EVENTS = 100
const MAX_EVENTS = 1000

export interface RollbackServiceDeps {
  engine: Engine
  models: Pick<RegisteredModelService, 'requireModel'>
  aliases: Pick<AliasService, 'pointTo'>
}

export interface RollbackInput {
  name: string
  alias: string
  /** The version to point to. */
  to?: string | undefined
  /** The version that is to be left. */
  from?: string | undefined
}

/** An alias and what happened to it, latest first; there is a first event. */
interface History {
  model: NamedModelRow
  alias: string
  events: [RegistryEvent, ...RegistryEvent[]]
}

export type RollbackService = ReturnType<typeof createRollbackService>

export function createRollbackService({ engine, models, aliases }: RollbackServiceDeps) {
  /** @throws RESOURCE_DOES_NOT_EXIST for a model that is not there, INVALID_PARAMETER_VALUE for an alias never set */
  async function requireHistory(name: string, alias: string): Promise<History> {
    const model = await models.requireModel(name)
    const [latest, ...earlier] = await findAliasHistory(engine, model.modelUid, checkAlias(alias))
    if (!latest) throw invalidParameter(`Registered model alias ${alias} not found.`)
    return { model, alias, events: [latest, ...earlier] }
  }

  /**
   * What happened to the alias, latest first: at most `max_results` events. Sees every change acknowledged before the
   * call. Follows renames of the model; a deleted model takes its history along.
   */
  async function history(input: {
    name: string
    alias: string
    max_results?: Int64 | undefined
  }): Promise<AliasHistory> {
    const maxResults = Number(input.max_results ?? DEFAULT_EVENTS)
    if (maxResults < 1 || maxResults > MAX_EVENTS) {
      throw invalidParameter(
        `Invalid value ${maxResults} for parameter 'max_results': use 1 to ${MAX_EVENTS}.`,
      )
    }
    const { events } = await requireHistory(input.name, input.alias)
    const { newVersion } = events[0]
    return {
      name: input.name,
      alias: input.alias,
      ...(newVersion !== null && { version: String(newVersion) }),
      events: events.slice(0, maxResults).map(eventToWire),
    }
  }

  /**
   * Points the alias to the version before the present one, or to `to`. Of roll backs at the same moment one is done,
   * and the others that want the same are told so. With `from`, a request may be repeated.
   * @throws RESOURCE_CONFLICT when the alias is not at `from`, or is moved elsewhere by another at the same moment;
   * RESOURCE_DOES_NOT_EXIST when there is no version to go back to
   */
  async function rollBack(input: RollbackInput): Promise<RolledBack> {
    const found = await requireHistory(input.name, input.alias)
    const [last] = found.events
    const wanted = input.to === undefined ? undefined : readVersion(input.name, input.to)
    if (input.from !== undefined) {
      const from = readVersion(input.name, input.from)
      if (isDone(last, from, wanted)) return answer(found, { changed: false })
      if (last.newVersion !== from) throw movedAway(input, last)
    }
    const version = await (wanted === undefined ? versionBefore(found) : requireEarlier(found, wanted))
    if (version === last.newVersion) return answer(found, { changed: false })
    const how = { version, onlyAfter: last.eventId, kind: 'alias_rolled_back' as const }
    const eventId = await aliases.pointTo(found.model, found.alias, how)
    const now = await requireHistory(input.name, input.alias)
    if (eventId !== undefined) return answer(now, { changed: true, eventId })
    if (now.events[0].newVersion !== version) throw movedAway(input, now.events[0])
    return answer(now, { changed: false })
  }

  /** The version that the alias pointed to before, those left out that are deleted by now. */
  async function versionBefore({ model, alias, events }: History): Promise<number> {
    for (const version of earlierVersions(events)) if (await isLive(model, version)) return version
    const present = events[0].newVersion
    const before = present === null ? '' : ` before version ${present}`
    throw new MlflowError(
      'RESOURCE_DOES_NOT_EXIST',
      `There is nothing to roll back to: alias ${alias} of ${model.name} pointed to no version${before} that still exists.`,
    )
  }

  /** @throws INVALID_PARAMETER_VALUE when the alias never pointed there, RESOURCE_DOES_NOT_EXIST when it is deleted */
  async function requireEarlier({ model, alias, events }: History, version: number): Promise<number> {
    if (!events.some(({ newVersion }) => newVersion === version)) {
      throw invalidParameter(
        `Alias ${alias} of ${model.name} never pointed to version ${version}. Set the alias to point it there.`,
      )
    }
    if (!(await isLive(model, version))) throw versionNotFound(model.name, version)
    return version
  }

  async function isLive({ modelUid }: NamedModelRow, version: number): Promise<boolean> {
    const row = await findVersion(engine, modelUid, version)
    return row !== undefined && row.currentStage !== STAGE_DELETED
  }

  return { history, rollBack }
}

/**
 * The versions that roll backs lead to one after the other. A roll back undoes what came after the version it went
 * to, so that the next one goes further back and does not return to what was left.
 */
export function earlierVersions(events: readonly RegistryEvent[]): number[] {
  const trail: number[] = []
  for (const { kind, newVersion } of [...events].reverse()) {
    if (newVersion === null) continue
    const back = kind === 'alias_rolled_back' ? trail.lastIndexOf(newVersion) : -1
    if (back >= 0) trail.length = back
    trail.push(newVersion)
  }
  const present = events[0]?.newVersion
  return [...new Set(trail.reverse())].filter((version) => version !== present)
}

/** Whether the last change is the roll back that is asked for. */
const isDone = (last: RegistryEvent, from: number, to: number | undefined): boolean =>
  last.kind === 'alias_rolled_back' &&
  last.oldVersion === from &&
  (to === undefined || last.newVersion === to)

function movedAway({ name, alias }: RollbackInput, { newVersion }: RegistryEvent): MlflowError {
  const where = newVersion === null ? 'is deleted' : `points to version ${newVersion}`
  return new MlflowError(
    'RESOURCE_CONFLICT',
    `Alias ${alias} of ${name} was changed by another and ${where} now. Nothing was rolled back.`,
  )
}

/** What a roll back answers: the state after the event, by default the last one. */
function answer(
  { model, alias, events }: History,
  { changed, eventId }: { changed: boolean; eventId?: string },
): RolledBack {
  const event = events.find((one) => one.eventId === eventId) ?? events[0]
  return { name: model.name, alias, version: String(event.newVersion), changed, event: eventToWire(event) }
}

const KINDS: Record<string, AliasEvent['kind']> = {
  alias_set: 'set',
  alias_deleted: 'deleted',
  alias_rolled_back: 'rolled_back',
}

const eventToWire = (event: RegistryEvent): AliasEvent => ({
  event_id: event.eventId,
  timestamp: event.atMs,
  kind: KINDS[event.kind] ?? 'set',
  ...(event.oldVersion !== null && { from_version: String(event.oldVersion) }),
  ...(event.newVersion !== null && { to_version: String(event.newVersion) }),
  model_name: event.modelName,
  ...(event.userId !== null && { user_id: event.userId }),
})
