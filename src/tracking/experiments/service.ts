// MLflow's rules for experiments: names, tags, lifecycle.
import { alreadyExists, doesNotExist, invalidParameter, MlflowError } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { claimedBy, claimName, releaseName } from '../../platform/database/name-claims.ts'
import { type Clock, createExperimentIds } from '../../platform/wire/ids.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import * as limits from '../../platform/wire/limits.ts'
import { checkKey, checkLength, lengthOf } from '../../platform/wire/names.ts'
import { decodeOffset, encodeOffset } from '../../platform/wire/page-token.ts'
import { checkMaxResults } from '../../platform/wire/paging.ts'
import { appendToUriPath } from '../../platform/wire/uri.ts'
import { setRunsLifecycle } from '../runs/store.ts'
import { DEFAULT_EXPERIMENT_ID, experimentNotFound, parseExperimentId } from './ids.ts'
import type { Experiment, ViewType } from './schema.ts'
import { searchExperimentRows } from './search.store.ts'
import { parseExperimentFilter, parseExperimentOrderBy } from './search.ts'
import * as store from './store.ts'
import type { ExperimentRow } from './tables.ts'

const CUSTOM_VIEW_PREFIX = 'mlflow.customView.view'

export interface ExperimentServiceDeps {
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

type Tag = { key: string; value: string }
type TagInput = { key?: string | undefined; value?: string | undefined }

export type ExperimentService = ReturnType<typeof createExperimentService>

export function createExperimentService({
  engine,
  clock,
  defaultArtifactRoot,
  validateNewLocation,
}: ExperimentServiceDeps) {
  const newExperimentId = createExperimentIds(clock)
  const owner = store.experimentNames(engine)

  async function create(input: {
    name: string
    artifact_location?: string
    tags: TagInput[]
  }): Promise<string> {
    const tags = input.tags.map(({ key, value }) => ({ key: key ?? '', value: value ?? '' }))
    if (
      tags.filter(({ key }) => key.startsWith(CUSTOM_VIEW_PREFIX)).length >
      limits.MAX_CUSTOM_VIEWS_PER_EXPERIMENT
    ) {
      throw tooManyViews()
    }
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
      owner?.lifecycleStage === 'deleted'
        ? ` It is deleted, and has the id ${experimentId}: \`mlflow experiments restore --experiment-id ${experimentId}\` brings it back.`
        : ''
    return alreadyExists(`Experiment(name=${name}) already exists.${hint}`)
  }

  /** The row, whatever its lifecycle stage. */
  async function requireRow(experimentId: string): Promise<ExperimentRow> {
    const id = parseExperimentId(experimentId)
    const row = await store.findExperiment(engine, id)
    if (!row) throw experimentNotFound(id)
    return row
  }

  async function requireActive(experimentId: string): Promise<ExperimentRow> {
    const row = await requireRow(experimentId)
    if (row.lifecycleStage === 'active') return row
    throw invalidParameter(
      `The experiment ${row.experimentId} must be in the 'active' state. Current state is ${row.lifecycleStage}.`,
    )
  }

  async function withTags(rows: ExperimentRow[]): Promise<Experiment[]> {
    const tags = await store.findExperimentTags(
      engine,
      rows.map((row) => row.experimentId),
    )
    return rows.map((row) => toWire(row, tags.get(row.experimentId) ?? []))
  }

  async function getByName(name: string): Promise<Experiment> {
    const id = await claimedBy(engine, owner.scope, name)
    const row = id === undefined ? undefined : await store.findExperiment(engine, id)
    if (row?.name !== name) throw doesNotExist(`Could not find experiment with name '${name}'`)
    return (await withTags([row]))[0] as Experiment
  }

  /** Claims the new name, switches the row, gives the old name back: each step is one row, each repeatable. */
  async function rename(experimentId: string, name: string): Promise<void> {
    checkName(name)
    for (;;) {
      const row = await requireRow(experimentId)
      if (row.lifecycleStage !== 'active') {
        throw new MlflowError('INVALID_STATE', 'Cannot rename a non-active experiment.')
      }
      const claim = { name, ownerId: row.experimentId, fence: row.nameFence }
      const takenBy = row.name === name ? undefined : await claimName(engine, owner, claim)
      if (takenBy !== undefined) throw await nameTaken(name, takenBy)
      const renamed = await store.renameExperiment(engine, {
        experimentId: row.experimentId,
        name,
        fence: row.nameFence,
        nowMs: clock.now(),
      })
      if (!renamed) continue
      if (row.name !== null && row.name !== name) await releaseName(engine, owner, row.name, row.experimentId)
      return
    }
  }

  /** Runs change first and the experiment last, so that a retry after a crash finds it still to be done. */
  async function changeLifecycle(
    experimentId: string,
    from: store.Lifecycle,
    to: store.Lifecycle,
  ): Promise<void> {
    const row = await requireRow(experimentId)
    if (row.lifecycleStage !== from) throw experimentNotFound(row.experimentId)
    const nowMs = clock.now()
    await setRunsLifecycle(engine, row.experimentId, to, nowMs)
    await store.setExperimentLifecycle(engine, row.experimentId, to, nowMs)
  }

  async function setTag(experimentId: string, key: string, value: string): Promise<void> {
    if (key.startsWith(CUSTOM_VIEW_PREFIX)) {
      const row = await requireRow(experimentId)
      const tags = (await store.findExperimentTags(engine, [row.experimentId])).get(row.experimentId) ?? []
      const views = tags.filter((tag) => tag.key.startsWith(CUSTOM_VIEW_PREFIX))
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
    const offset = decodeOffset(input.page_token)
    const rows = await searchExperimentRows(engine, {
      filter: parseExperimentFilter(input.filter),
      orderBy: parseExperimentOrderBy(input.order_by),
      stages: store.stagesOf(input.view_type ?? 'ACTIVE_ONLY'),
      limit: maxResults + 1,
      offset,
    })
    const hasMore = rows.length > maxResults
    return {
      experiments: await withTags(rows.slice(0, maxResults)),
      nextPageToken: hasMore ? encodeOffset(offset + maxResults) : undefined,
    }
  }

  /** The experiments of these ids, deleted or not, by id; what is not there is left out. Two statements. */
  async function find(experimentIds: string[]): Promise<Map<string, Experiment>> {
    const found = await withTags(await store.findExperiments(engine, experimentIds))
    return new Map(found.map((experiment) => [experiment.experiment_id, experiment]))
  }

  return {
    create,
    getByName,
    find,
    requireActive,
    get: async (experimentId: string) => (await withTags([await requireRow(experimentId)]))[0] as Experiment,
    rename,
    delete: (experimentId: string) => changeLifecycle(experimentId, 'active', 'deleted'),
    restore: (experimentId: string) => changeLifecycle(experimentId, 'deleted', 'active'),
    setTag,
    deleteTag,
    search,
    /** MLflow's clients count on experiment 0, named Default. Safe from several servers at once. */
    ensureDefault: async () => {
      if (await store.findExperiment(engine, DEFAULT_EXPERIMENT_ID)) return
      const claim = { name: 'Default', ownerId: DEFAULT_EXPERIMENT_ID, fence: 0 }
      if ((await claimName(engine, owner, claim)) === undefined) {
        await tryCreate(DEFAULT_EXPERIMENT_ID, 'Default', undefined, [])
      }
    },
  }
}

function toWire(row: ExperimentRow, tags: Tag[]): Experiment {
  return {
    experiment_id: row.experimentId,
    name: row.name ?? '',
    artifact_location: row.artifactLocation ?? '',
    lifecycle_stage: row.lifecycleStage as store.Lifecycle,
    last_update_time: row.lastUpdateTimeMs,
    creation_time: row.creationTimeMs,
    ...(tags.length > 0 && { tags }),
    workspace: 'default',
  }
}

function checkName(name: string): void {
  if (name === '') throw invalidParameter(`Invalid experiment name: '${name}'`)
  checkLength('name', limits.MAX_EXPERIMENT_NAME_LENGTH, name)
}

function checkTag({ key, value }: Tag): void {
  checkLength('key', limits.MAX_EXPERIMENT_TAG_KEY_LENGTH, checkKey(key, 'key'))
  checkLength('value', limits.MAX_EXPERIMENT_TAG_VALUE_LENGTH, value)
}

const tooManyViews = (experimentId?: string) =>
  invalidParameter(
    `Unable to create another custom view${experimentId ? ` for experiment ${experimentId}` : ''}; the maximum number of custom views per experiment is ${limits.MAX_CUSTOM_VIEWS_PER_EXPERIMENT}. Delete an existing custom view before creating a new one.`,
  )
