// MLflow's rules for experiments: tags, lifecycle, search. Their names are in names.service.ts.
import { doesNotExist, invalidParameter, MlflowError } from '../../errors.ts'
import { createTurns } from '../../platform/turns.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import * as limits from '../../platform/wire/limits.ts'
import { lengthOf } from '../../platform/wire/names.ts'
import { offsetPage } from '../../platform/wire/page-token.ts'
import { checkMaxResults } from '../../platform/wire/paging.ts'
import { setRunsLifecycle } from '../runs/store.ts'
import { experimentNotFound, parseExperimentId } from './ids.ts'
import { createExperimentNames, type ExperimentNamesDeps } from './names.service.ts'
import { requireExperiment } from './rows.ts'
import type { Experiment, ViewType } from './schema.ts'
import { searchExperimentRows } from './search.store.ts'
import { parseExperimentFilter, parseExperimentOrderBy } from './search.ts'
import * as store from './store.ts'
import type { ExperimentRow } from './tables.ts'
import { checkTag, isCustomView, type Tag, tooManyViews } from './tags.ts'

export type ExperimentServiceDeps = ExperimentNamesDeps

export type ExperimentService = ReturnType<typeof createExperimentService>

export function createExperimentService(deps: ExperimentServiceDeps) {
  const { engine, clock } = deps
  const names = createExperimentNames(deps)
  /** Work that is being done in experiments, by their ids. */
  const working = new Map<string, Set<Promise<void>>>()
  const inTurn = createTurns<void>()
  const requireRow = (experimentId: string) => requireExperiment(engine, experimentId)

  async function requireActive(experimentId: string): Promise<ExperimentRow> {
    const row = await requireRow(experimentId)
    if (row.lifecycleStage === 'active') return row
    throw invalidParameter(
      `The experiment ${row.experimentId} must be in the 'active' state. Current state is ${store.lifecycleOf(row)}.`,
    )
  }

  /**
   * The id of an experiment that is not deleted, in its plain spelling.
   * @throws RESOURCE_DOES_NOT_EXIST, also for a deleted one
   * @see mlflow/store/tracking/sqlalchemy_store.py _get_experiment with ViewType.ACTIVE_ONLY
   */
  async function requireVisible(experimentId: string): Promise<string> {
    const row = await requireRow(experimentId)
    if (row.lifecycleStage !== 'active') throw experimentNotFound(row.experimentId)
    return row.experimentId
  }

  /**
   * Adds to an experiment that takes new content. Whoever deletes the experiment at this server waits for the work,
   * so that he finds what it has made.
   */
  async function whileActive<T>(
    experimentId: string,
    work: (experiment: ExperimentRow) => Promise<T>,
  ): Promise<T> {
    const id = parseExperimentId(experimentId)
    const done = requireActive(id).then(work)
    const settled = done.then(
      () => {},
      () => {},
    )
    const others = working.get(id) ?? new Set()
    working.set(id, others.add(settled))
    try {
      return await done
    } finally {
      others.delete(settled)
      if (others.size === 0) working.delete(id)
    }
  }

  async function withTags(rows: ExperimentRow[]): Promise<Experiment[]> {
    const tags = await store.findExperimentTags(
      engine,
      rows.map((row) => row.experimentId),
    )
    return rows.map((row) => toWire(row, tags.get(row.experimentId) ?? []))
  }

  async function getByName(name: string): Promise<Experiment> {
    return (await withTags([await names.requireByName(name)]))[0] as Experiment
  }

  /**
   * Runs change first and the experiment last, so that a retry after a crash finds it still to be done; before its runs
   * are restored, an experiment is kept from its deletion for good. One change goes after the other.
   */
  async function changeLifecycle(
    experimentId: string,
    from: store.Lifecycle,
    to: store.Lifecycle,
  ): Promise<void> {
    const id = parseExperimentId(experimentId)
    await inTurn(id, async () => {
      const row = await requireRow(id)
      if (store.lifecycleOf(row) !== from) throw experimentNotFound(id)
      if (to === 'active') await store.beginRestore(engine, id)
      const nowMs = clock.now()
      await setRunsLifecycle(engine, id, to, nowMs, 'all')
      await store.setExperimentLifecycle(engine, id, to, nowMs)
      if (to === 'deleted') await deleteLateRuns(id, nowMs)
    })
  }

  /** Deletes runs that were made while their experiment was being deleted, unless somebody has restored it since. */
  async function deleteLateRuns(experimentId: string, deletedMs: number): Promise<void> {
    await Promise.all(working.get(experimentId) ?? [])
    try {
      const { lifecycleStage, lastUpdateTimeMs } = await requireRow(experimentId)
      if (lifecycleStage === 'deleted' && lastUpdateTimeMs === deletedMs)
        await setRunsLifecycle(engine, experimentId, 'deleted', deletedMs, 'left')
    } catch (error) {
      // The experiment is deleted: to be asked again would only tell the client that there is none.
      const isDone = ['TEMPORARILY_UNAVAILABLE', 'RESOURCE_DOES_NOT_EXIST']
      if (!(error instanceof MlflowError && isDone.includes(error.code))) throw error
    }
  }

  async function setTag(experimentId: string, key: string, value: string): Promise<void> {
    if (isCustomView(key)) {
      const row = await requireRow(experimentId)
      const tags = (await store.findExperimentTags(engine, [row.experimentId])).get(row.experimentId) ?? []
      const views = tags.filter((tag) => isCustomView(tag.key))
      const isNew = !views.some((tag) => tag.key === key)
      if (isNew && views.length >= limits.MAX_CUSTOM_VIEWS_PER_EXPERIMENT)
        throw tooManyViews(row.experimentId)
    }
    checkTag({ key, value })
    const row = await requireActive(experimentId)
    await store.upsertExperimentTags(engine, row.experimentId, [{ key, value }])
  }

  async function deleteTag(experimentId: string, key: string): Promise<void> {
    const row = await requireActive(experimentId)
    const isKey = lengthOf(key) <= limits.MAX_EXPERIMENT_TAG_KEY_LENGTH
    if (isKey && (await store.deleteExperimentTag(engine, row.experimentId, key))) return
    throw doesNotExist(`No tag with name: ${key} in experiment with id ${experimentId}`)
  }

  async function search(input: {
    view_type?: ViewType
    max_results: Int64
    order_by: string[]
    filter?: string
    page_token?: string
  }): Promise<{ experiments: Experiment[]; nextPageToken: string | undefined }> {
    checkMaxResults(input.max_results)
    const maxResults = Number(input.max_results)
    const page = offsetPage(input.page_token, maxResults)
    const found = await searchExperimentRows(engine, {
      filter: parseExperimentFilter(input.filter),
      orderBy: parseExperimentOrderBy(input.order_by),
      stages: store.stagesOf(input.view_type ?? 'ACTIVE_ONLY'),
      ...page.bounds,
    })
    const { rows, nextPageToken } = page.cut(found)
    return { experiments: await withTags(rows), nextPageToken }
  }

  /** The experiments of these ids, deleted or not, by id; what is not there is left out. Two statements. */
  async function find(experimentIds: string[]): Promise<Map<string, Experiment>> {
    const found = await withTags(await store.findExperiments(engine, experimentIds))
    return new Map(found.map((experiment) => [experiment.experiment_id, experiment]))
  }

  /** Ids of those that are there and not deleted. @throws INVALID_PARAMETER_VALUE for an id that is no integer */
  async function filterActive(experimentIds: string[]): Promise<string[]> {
    const rows = await store.findExperiments(engine, experimentIds.map(parseExperimentId))
    return rows
      .filter(({ lifecycleStage }) => lifecycleStage === 'active')
      .map(({ experimentId }) => experimentId)
  }

  return {
    create: names.create,
    rename: names.rename,
    ensureDefault: names.ensureDefault,
    getByName,
    find,
    filterActive,
    parseId: parseExperimentId,
    requireVisible,
    /** The row of an experiment, deleted or not. @throws RESOURCE_DOES_NOT_EXIST */
    requireRow,
    requireActive,
    whileActive,
    get: async (experimentId: string) => (await withTags([await requireRow(experimentId)]))[0] as Experiment,
    delete: (experimentId: string) => changeLifecycle(experimentId, 'active', 'deleted'),
    restore: (experimentId: string) => changeLifecycle(experimentId, 'deleted', 'active'),
    setTag,
    deleteTag,
    search,
  }
}

function toWire(row: ExperimentRow, tags: Tag[]): Experiment {
  return {
    experiment_id: row.experimentId,
    name: row.name ?? '',
    artifact_location: row.artifactLocation ?? '',
    lifecycle_stage: store.lifecycleOf(row),
    last_update_time: row.lastUpdateTimeMs,
    creation_time: row.creationTimeMs,
    ...(tags.length > 0 && { tags }),
    workspace: 'default',
  }
}
