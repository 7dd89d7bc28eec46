// MLflow's rules for stages of model versions, and for their deletion, which is a stage of its own.

import { invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { type Clock, newIdAfter } from '../../platform/wire/ids.ts'
import type { AliasService } from './aliases.service.ts'
import { type RegistryEventKind, recordEvent } from './audit.store.ts'
import { requireVersion } from './live-versions.ts'
import { type NamedModelRow, updateModel } from './models.store.ts'
import { checkModelName, readStage, readVersion, type Stage, versionNotFound } from './names.ts'
import type { ModelVersion } from './schema.ts'
import type { ModelVersionRow } from './tables.ts'
import { versionsToWire } from './to-wire.ts'
import {
  findVersion,
  findVersionsInStage,
  STAGE_DELETED,
  type StageChanges,
  switchStage,
} from './versions.store.ts'

const ACTIVE_STAGES: readonly Stage[] = ['Staging', 'Production']

export interface StageServiceDeps {
  engine: Engine
  clock: Clock
  aliases: Pick<AliasService, 'dropAliasesOf'>
}

interface StageChange {
  kind: RegistryEventKind
  changes: Omit<StageChanges, 'eventId'>
  mayChange?: (current: ModelVersionRow) => boolean
  /** The change's event gets an id behind this one. */
  newerThan?: string
}

/** What MLflow leaves of a deleted version. */
const REDACTED = {
  description: null,
  userId: null,
  source: 'REDACTED-SOURCE-PATH',
  runId: 'REDACTED-RUN-ID',
  runLink: 'REDACTED-RUN-LINK',
  statusMessage: null,
}

export type StageService = ReturnType<typeof createStageService>

export function createStageService({ engine, clock, aliases }: StageServiceDeps) {
  /**
   * Records the change and makes it, however many change the version's stage at once.
   * @param change what to change, and while which of its states the version may be changed; any unless told otherwise
   * @returns the changed row; undefined when the version is deleted meanwhile, or may not be changed any more
   */
  async function changeStage(
    model: NamedModelRow,
    row: ModelVersionRow,
    { kind, changes, mayChange = () => true, newerThan = '' }: StageChange,
  ): Promise<ModelVersionRow | undefined> {
    for (let current: ModelVersionRow | undefined = row; current; ) {
      if (current.currentStage === STAGE_DELETED || !mayChange(current)) return undefined
      const eventId = newIdAfter(newerThan, clock.now())
      const origin = {
        eventId,
        previousEventId: current.eventId,
        modelUid: model.modelUid,
        modelName: model.name,
        atMs: clock.now(),
        userId: null,
      }
      await recordEvent(engine, origin, {
        kind,
        oldVersion: current.version,
        newVersion: kind === 'version_deleted' ? null : current.version,
        oldStage: current.currentStage,
        newStage: changes.currentStage,
      })
      const changed = await switchStage(engine, current, { ...changes, eventId })
      if (changed) return changed
      current = await findVersion(engine, row.modelUid, row.version)
    }
    return undefined
  }

  /**
   * The version gets its stage before the others leave it, so that a crash leaves no stage without a version; a retry
   * archives what is left.
   * @see mlflow/store/model_registry/sqlalchemy_store.py transition_model_version_stage
   */
  async function transition(input: {
    name: string
    version: string
    stage: string
    archive_existing_versions?: boolean
  }): Promise<ModelVersion> {
    const stage = readStage(input.stage)
    if (input.archive_existing_versions && !ACTIVE_STAGES.includes(stage)) {
      throw invalidParameter(
        `Model version transition cannot archive existing model versions because '${input.stage}' is not an Active stage. Valid stages are ['Staging', 'Production']`,
      )
    }
    const { model, row } = await requireVersion(engine, input.name, input.version)
    const lastUpdatedTimeMs = clock.now()
    const changes = { currentStage: stage, lastUpdatedTimeMs }
    const changed = await changeStage(model, row, { kind: 'stage_transition', changes })
    if (!changed) throw versionNotFound(input.name, row.version)
    if (input.archive_existing_versions) await archiveOthers(model, changed, stage)
    await updateModel(engine, model.modelUid, { lastUpdatedTimeMs })
    return (await versionsToWire(engine, model, [changed]))[0] as ModelVersion
  }

  /**
   * Of versions that enter a stage at once the last one stays, by the order of their events. Who finds a later one may not
   * have been seen by it: it enters once more, behind that one, and looks again. Who looks last finds itself the last one.
   */
  async function archiveOthers(model: NamedModelRow, entered: ModelVersionRow, stage: Stage): Promise<void> {
    for (let own: ModelVersionRow | undefined = entered; own; ) {
      const mine: ModelVersionRow = own
      const inStage = await findVersionsInStage(engine, mine.modelUid, stage)
      const others = inStage.filter(({ version }) => version !== mine.version)
      const last =
        others
          .map(({ eventId }) => eventId)
          .sort()
          .at(-1) ?? ''
      if (last < mine.eventId) {
        for (const other of others) await archive(model, other, { stage, before: mine.eventId })
        return
      }
      own = await changeStage(model, mine, {
        kind: 'stage_transition',
        changes: { currentStage: stage, lastUpdatedTimeMs: clock.now() },
        mayChange: ({ eventId }) => eventId === mine.eventId,
        newerThan: last,
      })
    }
  }

  /** Not when it has left the stage, or entered it once more, meanwhile. */
  const archive = (
    model: NamedModelRow,
    version: ModelVersionRow,
    { stage, before }: { stage: Stage; before: string },
  ) =>
    changeStage(model, version, {
      kind: 'stage_transition',
      changes: { currentStage: 'Archived', lastUpdatedTimeMs: clock.now() },
      mayChange: ({ currentStage, eventId }) => currentStage === stage && eventId < before,
    })

  /**
   * Aliases go first, so that none points to what is gone; the row stays without what it told, and keeps its number.
   * An alias that is set meanwhile is seen by the second look, also by that of a retry.
   * @see mlflow/store/model_registry/sqlalchemy_store.py delete_model_version
   */
  async function deleteVersion(name: string, version: string): Promise<void> {
    checkModelName(name)
    readVersion(name, version)
    const { model, row } = await requireVersion(engine, name, version)
    await aliases.dropAliasesOf(model, row.version)
    const lastUpdatedTimeMs = clock.now()
    const changes = { ...REDACTED, currentStage: STAGE_DELETED, lastUpdatedTimeMs }
    const changed = await changeStage(model, row, { kind: 'version_deleted', changes })
    await aliases.dropAliasesOf(model, row.version)
    if (!changed) throw versionNotFound(name, row.version)
    await updateModel(engine, model.modelUid, { lastUpdatedTimeMs })
  }

  return { transition, delete: deleteVersion }
}
