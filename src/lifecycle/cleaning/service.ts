// The garbage collection in steps that no client waits long for, what it would take, and the deletion of single parts of runs.
import { doesNotExist, invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { type Clock, newRunId } from '../../platform/wire/ids.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import { pageOf } from '../../platform/wire/page-token.ts'
import { pythonList } from '../../platform/wire/python.ts'
import { createBatches } from './batches.service.ts'
import type {
  Doomed,
  DoomedExperiments,
  DoomedKind,
  DoomedPart,
  DoomedRuns,
  How,
  LocateFiles,
  Outcome,
  Remains,
} from './doomed.ts'
import { BATCH, createExperimentRemoval, notDeleted, notOldEnough } from './experiments.service.ts'
import { createLateRows } from './late-rows.service.ts'
import type {
  Collected,
  DeletedThing,
  Deletion,
  DeletionCause,
  DeletionKind,
  DoomedThing,
  GarbageList,
} from './schema.ts'
import {
  type Cursor,
  decodeCursor,
  encodeCursor,
  firstCursor,
  LATE_ROWS,
  nextPhase,
  type Phase,
  readSelection,
  type Selection,
  type SelectionInput,
} from './selection.ts'
import { findDeletions, recordDeletions } from './store.ts'

export interface CleaningDeps {
  engine: Engine
  clock: Clock
  locateFiles: LocateFiles
  experiments: DoomedExperiments
  runs: DoomedRuns
  models: DoomedKind
  metric: DoomedPart
  param: DoomedPart
  remains: Remains
  /** @throws INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST */
  parseExperimentId: (id: string) => string
}

export type CleaningService = ReturnType<typeof createCleaningService>

/** What a step may take before it answers; a batch that has begun goes on to its end. */
const STEP_MS = 5_000
const DEFAULT_RESULTS = 100
const MAX_RESULTS = 1000

export function createCleaningService(deps: CleaningDeps) {
  const { engine, clock, experiments, runs, models, parseExperimentId } = deps
  const batches = createBatches(deps)
  const { removeSome } = createExperimentRemoval({ ...deps, batches })
  const removeLateRows = createLateRows(deps)
  const kinds = { experiment: experiments, run: runs, logged_model: models }

  const find = (
    phase: Phase,
    { after, deletedUntilMs }: Cursor,
    { ids }: Selection,
    limit: number,
  ): Promise<Doomed[]> => kinds[phase].find({ ids: ids?.[phase], after, deletedUntilMs, limit })

  /**
   * One step of a collection: deletes things for good that are marked as deleted, for a few seconds, and answers where to go on. A
   * request may be repeated. What is named is checked whole before anything is deleted.
   * @throws INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST for what is named and may not go
   * @see mlflow/cli _gc_tracking_resources
   */
  async function collect(
    input: SelectionInput & {
      keep_artifacts?: boolean | undefined
      only_check?: boolean | undefined
      page_token?: string | undefined
    },
    by: { userId: string | null; cause: DeletionCause },
  ): Promise<Collected> {
    const how: How = { ...by, keepArtifacts: input.keep_artifacts ?? false }
    const selection = readSelection(input, parseExperimentId)
    const start = input.page_token ? decodeCursor(input.page_token) : await begin(selection)
    const deadline = Date.now() + STEP_MS
    const hasTime = () => Date.now() < deadline
    const done: Outcome = { deleted: [], left: [] }
    let cursor = start
    const isToGoOn = (at: Cursor) => hasTime() && (at.phase !== LATE_ROWS || at === start)
    while (cursor && isToGoOn(cursor) && !input.only_check) {
      const { deleted, left, next } = await goOn(cursor, selection, how, hasTime)
      done.deleted.push(...deleted)
      done.left.push(...left)
      cursor = next
    }
    return { ...done, ...(cursor && { next_page_token: encodeCursor(cursor) }) }
  }

  /** Deletes a few things. */
  async function goOn(
    cursor: Cursor,
    selection: Selection,
    how: How,
    hasTime: () => boolean,
  ): Promise<Outcome & { next: Cursor | undefined }> {
    const { phase } = cursor
    if (phase === LATE_ROWS) {
      await removeLateRows()
      return { deleted: [], left: [], next: undefined }
    }
    const found = await find(phase, cursor, selection, phase === 'experiment' ? 1 : BATCH)
    const last = found.at(-1)
    if (!last) return { deleted: [], left: [], next: nextPhase(cursor, selection) }
    const behind = { ...cursor, after: last.id }
    if (phase !== 'experiment') {
      const outcome = await batches.remove(phase, kinds[phase], found, how)
      return { ...outcome, next: behind }
    }
    const limits = { deletedUntilMs: cursor.deletedUntilMs, olderThan: selection.olderThan, hasTime }
    const { isDone, ...outcome } = await removeSome(last, how, limits)
    const isToGoOn = !isDone && outcome.left.length === 0 && (await isGoing(last.id))
    return { ...outcome, next: isToGoOn ? cursor : behind }
  }

  const isGoing = async (experimentId: string) => {
    const [one] = await experiments.find({ ids: [experimentId], limit: 1 })
    return one?.stage === 'deleting'
  }

  /** Refuses what is named and may not go, with MLflow's texts. */
  async function begin(selection: Selection): Promise<Cursor | undefined> {
    const cursor = firstCursor(selection, clock.now())
    const { ids } = selection
    if (!ids) return cursor
    const named = async (phase: Phase) => {
      const limit = ids[phase].length
      const found = limit === 0 ? [] : await kinds[phase].find({ ids: ids[phase], anyStage: true, limit })
      const byId = new Map(found.map((one) => [one.id, one]))
      return ids[phase].map((id) => byId.get(id) ?? missing(phase, id))
    }
    const until = cursor?.deletedUntilMs
    checkExperiments(await named('experiment'), until, selection.olderThan)
    for (const one of await named('run')) {
      if (one.stage === 'active') throw invalidParameter(notDeleted(one.id))
      if (isYoung(one, until)) throw invalidParameter(notOldEnough('Run', one.id, selection.olderThan))
    }
    for (const { id, ...one } of await named('logged_model')) {
      if (one.stage === 'active')
        throw invalidParameter(
          `Logged model ${id} is not in \`deleted\` lifecycle stage. Only logged models in \`deleted\` lifecycle stage can be deleted.`,
        )
      if (isYoung(one, until)) throw invalidParameter(notOldEnough('Logged model', id, selection.olderThan))
    }
    return cursor
  }

  /** What a collection would take; things that are in an experiment only as far as they are marked as deleted themselves. */
  async function list(
    input: SelectionInput & { max_results?: Int64 | undefined; page_token?: string | undefined },
  ): Promise<GarbageList> {
    const limit = pageSize(input.max_results)
    const selection = readSelection(input, parseExperimentId)
    const garbage: DoomedThing[] = []
    let cursor = input.page_token ? decodeCursor(input.page_token) : await begin(selection)
    while (cursor && garbage.length < limit) {
      const { phase } = cursor
      if (phase === LATE_ROWS) return { garbage }
      const room = limit - garbage.length
      const found = await find(phase, cursor, selection, room)
      garbage.push(...found.map((one) => doomedToWire(phase, one)))
      const last = found.length < room ? undefined : found.at(-1)
      cursor = last ? { ...cursor, after: last.id } : nextPhase(cursor, selection)
    }
    return { garbage, ...(cursor && { next_page_token: encodeCursor(cursor) }) }
  }

  /** Deletes a metric with its history, or a param, of an active run, recorded before. @throws RESOURCE_DOES_NOT_EXIST */
  async function removePart(
    kind: 'metric' | 'param',
    { runId, key }: { runId: string; key: string },
    userId: string | null,
  ): Promise<DeletedThing> {
    const { experimentId, rows } = await deps[kind].find(runId, key)
    const nowMs = clock.now()
    const deletion = {
      deletionId: `${kind}:${newRunId(nowMs)}`,
      deletedAtMs: nowMs,
      kind,
      entityId: runId,
      name: key,
      experimentId,
      rowCount: rows,
      fileCount: 0,
      userId,
      cause: 'api',
    }
    await recordDeletions(engine, [deletion])
    await deps[kind].remove(runId, key)
    return { kind, id: runId, name: key, experiment_id: experimentId, rows, files: 0 }
  }

  /** What was deleted for good, the newest first. */
  async function search(input: {
    kind?: string | undefined
    id?: string | undefined
    experiment_id?: string | undefined
    max_results?: Int64 | undefined
    page_token?: string | undefined
  }): Promise<{ deletions: Deletion[]; next_page_token?: string }> {
    const size = pageSize(input.max_results)
    const page = pageOf(input.page_token, 'deletions', size)
    const found = await findDeletions(engine, {
      kind: input.kind,
      entityId: input.id,
      // An empty one of a query asks for all.
      experimentId: input.experiment_id ? parseExperimentId(input.experiment_id) : undefined,
      ...page.bounds,
    })
    const { rows, nextPageToken } = page.cut(found)
    return {
      deletions: rows.map(deletionToWire),
      ...(nextPageToken && { next_page_token: nextPageToken }),
    }
  }

  return { collect, list, removePart, search }
}

const isYoung = ({ stage, deletedMs }: Pick<Doomed, 'stage' | 'deletedMs'>, untilMs: number | undefined) =>
  stage === 'deleted' && untilMs !== undefined && deletedMs > untilMs

function missing(phase: Phase, id: string): never {
  if (phase === 'experiment') throw doesNotExist(`No Experiment with id=${id} exists`)
  throw doesNotExist(
    phase === 'run' ? `Run with id=${id} not found` : `Logged model with ID '${id}' not found.`,
  )
}

function checkExperiments(
  found: readonly Doomed[],
  untilMs: number | undefined,
  olderThan: string | undefined,
): void {
  const active = found.filter(({ stage }) => !['deleted', 'deleting'].includes(stage)).map(({ id }) => id)
  if (active.length > 0)
    throw invalidParameter(
      `Experiments ${pythonList(active)} are not in the deleted lifecycle stage. Only experiments in the deleted lifecycle stage can be hard-deleted.`,
    )
  const young = found.filter(
    ({ stage, deletedMs }) => stage === 'deleted' && untilMs !== undefined && deletedMs >= untilMs,
  )
  if (young.length > 0)
    throw invalidParameter(
      `Experiments ${pythonList(young.map(({ id }) => id))} are not older than the required age. Only experiments older than ${olderThan} can be deleted.`,
    )
}

function pageSize(given: Int64 | undefined): number {
  const size = Number(given ?? DEFAULT_RESULTS)
  if (size >= 1 && size <= MAX_RESULTS) return size
  throw invalidParameter(`Invalid value ${size} for parameter 'max_results': use 1 to ${MAX_RESULTS}.`)
}

const doomedToWire = (kind: Phase, one: Doomed): DoomedThing => ({
  kind,
  id: one.id,
  ...(one.name !== null && { name: one.name }),
  experiment_id: one.experimentId,
  deleted_at: one.deletedMs,
  ...(one.artifactUri !== '' && { artifact_uri: one.artifactUri }),
})

const deletionToWire = (row: Awaited<ReturnType<typeof findDeletions>>[number]): Deletion => ({
  deletion_id: row.deletionId,
  kind: row.kind as DeletionKind,
  id: row.entityId,
  ...(row.name !== null && { name: row.name }),
  experiment_id: row.experimentId,
  timestamp: row.deletedAtMs,
  rows: row.rowCount,
  files: row.fileCount,
  ...(row.userId !== null && { user_id: row.userId }),
  cause: row.cause as DeletionCause,
})
