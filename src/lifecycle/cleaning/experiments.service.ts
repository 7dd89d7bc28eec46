// Deletes an experiment for good with all it holds, in steps: its runs, its logged models, its traces, the rest, its row.
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import type { Batches } from './batches.service.ts'
import {
  type Doomed,
  type DoomedExperiments,
  type DoomedKind,
  type DoomedRuns,
  deletedThing,
  deletionOf,
  type How,
  leftThing,
  type Outcome,
  type Remains,
} from './doomed.ts'
import { addToDeletion, findDeletions, recordDeletions } from './store.ts'

export interface ExperimentRemovalDeps {
  engine: Engine
  clock: Clock
  batches: Batches
  experiments: DoomedExperiments
  runs: DoomedRuns
  models: DoomedKind
  remains: Remains
}

/** What limits a step. */
export interface Limits {
  /** Only runs that were marked as deleted then or before. */
  deletedUntilMs: number | undefined
  /** How the age was spelled, for texts. */
  olderThan: string | undefined
  /** Whether there is time for more. */
  hasTime: () => boolean
}

export interface ExperimentOutcome extends Outcome {
  /** Nothing is left of the experiment. */
  isDone: boolean
}

/** Adds to what the deletion has taken with it. */
type Recorder = (counts: { rows: number; files: number }) => Promise<void>

/** What a step of a deletion has with it. */
interface Step {
  how: How
  limits: Limits
  outcome: Outcome
  record: Recorder
}

/** What came of it, or why nothing did. */
const tried = <T>(work: Promise<T>): Promise<{ value: T } | { error: unknown }> =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )

/** Runs, or logged models, whose rows are deleted together. */
export const BATCH = 50
const TRACES = 200

export const notDeleted = (id: string) =>
  `Run ${id} is not in \`deleted\` lifecycle stage. Only runs in \`deleted\` lifecycle stage can be deleted.`
export const notOldEnough = (noun: string, id: string, olderThan: string | undefined) =>
  `${noun} ${id} is not older than the required age. Only ${noun.toLowerCase()}s older than ${olderThan} can be deleted.`

export function createExperimentRemoval(deps: ExperimentRemovalDeps) {
  const { engine, clock, batches, experiments, runs, models, remains } = deps

  /**
   * Goes on with the deletion of an experiment until it is done or the time is over. What may not go keeps the experiment: a run
   * that is active, or younger than is asked for. An experiment whose deletion has begun takes no run along that is active by now:
   * it is given back.
   */
  async function removeSome(one: Doomed, how: How, limits: Limits): Promise<ExperimentOutcome> {
    const outcome: ExperimentOutcome = { deleted: [], left: [], isDone: false }
    const leave = (error: unknown) => {
      outcome.left.push(leftThing('experiment', one, error))
      return outcome
    }
    if (one.stage !== 'deleting') {
      const obstacle = (await findStanding(one.id, limits)) ?? (await findFailingStore(one.id, how))
      if (obstacle) return leave(obstacle)
      if (!(await experiments.take(one))) return outcome
    }
    const deletion = deletionOf('experiment', one, how, {
      nowMs: clock.now(),
      rows: await experiments.count(one.id),
      files: 0,
    })
    await recordDeletions(engine, [deletion])
    /** An active run keeps its experiment; any other is met again by the next step. */
    const giveBack = async () => {
      const standing = await findStanding(one.id, { ...limits, deletedUntilMs: undefined })
      if (!standing) return outcome
      await experiments.giveBack(one.id)
      return leave(standing)
    }
    const record: Recorder = (counts) => addToDeletion(engine, deletion.deletionId, counts)

    if (!(await removeThings('run', runs, one, { how, limits, outcome }))) return outcome
    if (outcome.left.length > 0) return leave(new Error('Some of its runs are left.'))
    if (await hasRuns(one.id)) return giveBack()
    if (!(await removeThings('logged_model', models, one, { how, limits, outcome }))) return outcome
    if (outcome.left.length > 0) return leave(new Error('Some of its logged models are left.'))
    if (!(await removeTraces(one, { how, limits, outcome, record }))) return outcome
    if (outcome.left.length > 0) return outcome
    await record({ rows: await remains.removeRest(one.id), files: 0 })
    if (await hasRuns(one.id)) return giveBack()
    await experiments.remove(one.id)
    const [recorded] = await findDeletions(engine, {
      kind: 'experiment',
      entityId: one.id,
      experimentId: undefined,
      after: undefined,
      offset: 0,
      limit: 1,
    })
    const { rowCount: rows = 0, fileCount: files = 0 } = recorded ?? {}
    outcome.deleted.push(deletedThing('experiment', one, { rows, files }))
    outcome.isDone = true
    return outcome
  }

  /** What keeps an experiment, as an error. */
  async function findStanding(experimentId: string, { deletedUntilMs, olderThan }: Limits) {
    const run = await runs.findStanding(experimentId, deletedUntilMs)
    if (!run) return undefined
    return new Error(run.stage === 'active' ? notDeleted(run.id) : notOldEnough('Run', run.id, olderThan))
  }

  const hasRuns = async (experimentId: string) =>
    (await runs.find({ experimentId, anyStage: true, limit: 1 })).length > 0

  /** Why files cannot be reached, found out by one of the runs, before the experiment is taken from its clients. */
  async function findFailingStore(experimentId: string, how: How): Promise<unknown> {
    const [run] = await runs.find({ experimentId, limit: 1 })
    return (
      run &&
      batches.countFiles(run, how).then(
        () => undefined,
        (error: unknown) => error,
      )
    )
  }

  /** Deletes runs, or logged models whatever their stage. @returns whether all were gone through */
  async function removeThings(
    kind: 'run' | 'logged_model',
    things: DoomedKind,
    { id: experimentId }: Doomed,
    { how, limits, outcome }: { how: How; limits: Limits; outcome: Outcome },
  ): Promise<boolean> {
    const anyStage = kind === 'logged_model'
    for (let after: string | undefined; ; ) {
      const found = await things.find({ experimentId, anyStage, after, limit: BATCH })
      if (found.length === 0) return true
      const { deleted, left } = await batches.remove(kind, things, found, how)
      outcome.deleted.push(...deleted)
      outcome.left.push(...left)
      after = found.at(-1)?.id
      if (found.length < BATCH) return true
      if (!limits.hasTime()) return false
    }
  }

  /** Deletes traces; a store that fails leaves the experiment. @returns whether none is left, or a store fails */
  async function removeTraces(one: Doomed, step: Step): Promise<boolean> {
    // A folder that is named by the experiment is its own; in any other, others may have their files, too.
    const isOwn = one.artifactUri.replace(/\/+$/, '').endsWith(`/${one.id}`)
    if (isOwn && !(await removeFilesOf(one, [one], step))) return true
    for (;;) {
      const found = await remains.findTraces([one.id], TRACES)
      if (found.length === 0) return true
      const attached = found.map(({ traceId: id }) => ({ id, artifactUri: attachmentsOf(one, id) }))
      if (!isOwn && !(await removeFilesOf(one, attached, step))) return true
      await step.record({ rows: await remains.removeTraces(found), files: 0 })
      if (found.length < TRACES) return true
      if (!step.limits.hasTime()) return false
    }
  }

  /** @returns false when a store fails, which leaves the experiment */
  async function removeFilesOf(
    one: Doomed,
    places: readonly Pick<Doomed, 'id' | 'artifactUri'>[],
    { how, outcome, record }: Step,
  ): Promise<boolean> {
    const counted = await tried(Promise.all(places.map((place) => batches.countFiles(place, how))))
    const counts = 'value' in counted ? counted.value : []
    await record({ rows: 0, files: counts.reduce((sum, files) => sum + files, 0) })
    // Also the one that is counted as empty, when it is a single folder: there may be folders in it.
    const filled = places.length === 1 ? places : places.filter((_place, i) => counts[i])
    const removed = await tried(Promise.all(filled.map((place) => batches.removeFiles(place, how))))
    const failed = [counted, removed].find((result) => 'error' in result)
    if (!failed) return true
    outcome.left.push(leftThing('experiment', one, failed.error))
    return false
  }

  const attachmentsOf = ({ id, artifactUri }: Doomed, traceId: string): string =>
    artifactUri && remains.traceArtifactsOf({ experimentId: id, artifactLocation: artifactUri }, traceId)

  return { removeSome }
}
