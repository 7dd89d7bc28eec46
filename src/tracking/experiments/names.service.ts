// Names of experiments: whoever makes or renames one claims its name first.
import { alreadyExists, doesNotExist, invalidParameter, MlflowError } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { claimedBy, claimName, releaseName } from '../../platform/database/name-claims.ts'
import { type Clock, createExperimentIds } from '../../platform/wire/ids.ts'
import * as limits from '../../platform/wire/limits.ts'
import { checkLength } from '../../platform/wire/names.ts'
import { appendToUriPath } from '../../platform/wire/uri.ts'
import { DEFAULT_EXPERIMENT_ID } from './ids.ts'
import { requireExperiment } from './rows.ts'
import * as store from './store.ts'
import type { ExperimentRow } from './tables.ts'
import { checkTag, checkViews, type Tag, type TagInput } from './tags.ts'

export interface ExperimentNamesDeps {
  engine: Engine
  clock: Clock
  /** Root URI under which experiments without a location of their own keep artifacts. */
  defaultArtifactRoot: string
  /**
   * Checks a location that a client sends and makes relative folders absolute.
   * @throws INVALID_PARAMETER_VALUE
   */
  validateNewLocation: (location: string) => string
}

export function createExperimentNames(deps: ExperimentNamesDeps) {
  const { engine, clock, defaultArtifactRoot, validateNewLocation } = deps
  const newExperimentId = createExperimentIds(clock)
  const owner = store.experimentNames(engine)

  async function create(input: {
    name: string
    artifact_location?: string
    tags: TagInput[]
  }): Promise<string> {
    const tags = input.tags.map(({ key, value }) => ({ key: key ?? '', value: value ?? '' }))
    checkViews(tags)
    const location = input.artifact_location ? validateNewLocation(input.artifact_location) : undefined
    checkName(input.name)
    for (const tag of tags) checkTag(tag)
    for (;;) {
      const id = newExperimentId()
      if (await tryCreate(id, input.name, location, tags)) return id
    }
  }

  /**
   * One attempt to make an experiment under an id. Tags come before the row, which is what makes the experiment
   * visible; a crash before it leaves a claim that the next caller takes over.
   * @returns false when the attempt was fenced off by a caller that took this server for dead
   */
  async function tryCreate(experimentId: string, name: string, location: string | undefined, tags: Tag[]) {
    const takenBy = await claimName(engine, owner, { name, ownerId: experimentId, fence: 0 })
    if (takenBy !== undefined) throw await nameTaken(name, takenBy)
    await store.upsertExperimentTags(engine, experimentId, tags)
    const nowMs = clock.now()
    return store.insertExperiment(engine, {
      experimentId,
      name,
      nameFence: 0,
      artifactLocation: location ?? appendToUriPath(defaultArtifactRoot, experimentId),
      lifecycleStage: 'active',
      creationTimeMs: nowMs,
      lastUpdateTimeMs: nowMs,
    })
  }

  /** A deleted experiment keeps its name, which its lists do not show. */
  async function nameTaken(name: string, experimentId: string): Promise<MlflowError> {
    const owner = await store.findExperiment(engine, experimentId)
    const hint =
      owner && store.isGoing(owner)
        ? ' It is being deleted for good, which sets its name free.'
        : owner && store.lifecycleOf(owner) === 'deleted'
          ? ` It is deleted, and has the id ${experimentId}: \`mlflow experiments restore --experiment-id ${experimentId}\` brings it back.`
          : ''
    return alreadyExists(`Experiment(name=${name}) already exists.${hint}`)
  }

  /** The row that carries the name. @throws RESOURCE_DOES_NOT_EXIST */
  async function requireByName(name: string): Promise<ExperimentRow> {
    const id = await claimedBy(engine, owner.scope, name)
    const row = id === undefined ? undefined : await store.findExperiment(engine, id)
    if (row?.name !== name || store.isGoing(row))
      throw doesNotExist(`Could not find experiment with name '${name}'`)
    return row
  }

  /** Claims the new name, switches the row, gives the old name back: each step is one row, each repeatable. */
  async function rename(experimentId: string, name: string): Promise<void> {
    checkName(name)
    for (;;) {
      const row = await requireExperiment(engine, experimentId)
      if (row.lifecycleStage !== 'active') {
        throw new MlflowError('INVALID_STATE', 'Cannot rename a non-active experiment.')
      }
      const claim = { name, ownerId: row.experimentId, fence: row.nameFence }
      const isOther = row.name !== name
      const takenBy = isOther ? await claimName(engine, owner, claim) : undefined
      if (takenBy !== undefined) throw await nameTaken(name, takenBy)
      const renamed = await store.renameExperiment(engine, {
        experimentId: row.experimentId,
        name,
        fence: row.nameFence,
        nowMs: clock.now(),
      })
      if (isOther) {
        const given = renamed ? row.name : name
        if (given !== null) await releaseName(engine, owner, { ...claim, name: given })
      }
      if (renamed) return
    }
  }

  /** MLflow's clients count on experiment 0, named Default. Safe from several servers at once. */
  async function ensureDefault(): Promise<void> {
    if (await store.findExperiment(engine, DEFAULT_EXPERIMENT_ID)) return
    const claim = { name: 'Default', ownerId: DEFAULT_EXPERIMENT_ID, fence: 0 }
    if ((await claimName(engine, owner, claim)) === undefined) {
      await tryCreate(DEFAULT_EXPERIMENT_ID, 'Default', undefined, [])
    }
  }

  return { create, requireByName, rename, ensureDefault }
}

function checkName(name: string): void {
  if (name === '') throw invalidParameter(`Invalid experiment name: '${name}'`)
  checkLength('name', limits.MAX_EXPERIMENT_NAME_LENGTH, name)
}
