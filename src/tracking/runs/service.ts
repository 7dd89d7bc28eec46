// MLflow's rules for runs: creation, status, lifecycle, search.

import { doesNotExist, invalidParameter } from '../../errors.ts'
import { limitConcurrency } from '../../platform/database/concurrency.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { createBatchedReader } from '../../platform/database/group-commit.ts'
import { type Clock, newRunId } from '../../platform/wire/ids.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import { readAhead } from '../../platform/wire/json-list.ts'
import { MAX_ENTITY_KEY_LENGTH, MAX_TAG_VALUE_LENGTH } from '../../platform/wire/limits.ts'
import { checkLength, truncate } from '../../platform/wire/names.ts'
import { decodePageStart, encodePageStart, rowsToSkip } from '../../platform/wire/page-token.ts'
import { checkMaxResults } from '../../platform/wire/paging.ts'
import { randomName } from '../../platform/wire/random-name.ts'
import { appendToUriPath } from '../../platform/wire/uri.ts'
import { createEdgesReader, edgeTables, type RunEdges } from '../datasets/store.ts'
import { DEFAULT_EXPERIMENT_ID, parseExperimentId } from '../experiments/ids.ts'
import type { ViewType } from '../experiments/schema.ts'
import { type Lifecycle, stagesOf } from '../experiments/store.ts'
import type { ExperimentRow } from '../experiments/tables.ts'
import type { RunWriter } from './ingest.store.ts'
import type { Run, RunInfo, RunStatus } from './schema.ts'
import { searchRunRows } from './search.store.ts'
import { parseRunFilter, parseRunOrderBy } from './search.ts'
import * as store from './store.ts'
import { type RunRow, runs } from './tables.ts'

export const RUN_NAME_TAG = 'mlflow.runName'
const DEFAULT_MAX_RESULTS = 1000
/** Requests whose runs are read at a time; what each of them holds is in memory until all of it is there. */
const READS_AT_ONCE = 8
/** Runs whose params, tags and metrics are in memory at a time; of one answer, two such chunks. */
const RUNS_AT_ONCE = 500

export interface RunServiceDeps {
  engine: Engine
  clock: Clock
  write: RunWriter
  /** The experiment's row when runs may be made in it. */
  requireActiveExperiment: (experimentId: string) => Promise<ExperimentRow>
}

type TagInput = { key?: string | undefined; value?: string | undefined }

export type RunService = ReturnType<typeof createRunService>

export function createRunService({ engine, clock, write, requireActiveExperiment }: RunServiceDeps) {
  // Ingest asks for the run's row with every request: what arrives together is read together.
  const readRun = createBatchedReader(store.createRunFinder(engine), 64)
  const known = engine.rowCache(runs)
  const inTurn = limitConcurrency(READS_AT_ONCE)
  const findContents = store.createContentsReader(engine)
  const findEdges = createEdgesReader(engine)

  /** The row, whatever its lifecycle stage; sees every acknowledged write. */
  async function requireRun(runId: string): Promise<RunRow> {
    const row = await known.get(runId, () => readRun(runId))
    if (!row) throw notFound(runId)
    return row
  }

  async function requireActive(runId: string): Promise<RunRow> {
    const row = await requireRun(runId)
    if (row.lifecycleStage === 'active') return row
    throw invalidParameter(
      `The run ${runId} must be in the 'active' state. Current state is ${row.lifecycleStage}.`,
    )
  }

  async function create(input: {
    experiment_id?: string
    user_id?: string
    run_name?: string
    start_time?: Int64
    tags: TagInput[]
  }): Promise<Run> {
    const experiment = await requireActiveExperiment(input.experiment_id || DEFAULT_EXPERIMENT_ID)
    const runId = newRunId(clock.now())
    const { runName, tags } = nameAndTags(input.run_name, input.tags)
    const row: RunRow = {
      runId,
      experimentId: experiment.experimentId,
      runName,
      userId: checkLength('user_id', MAX_TAG_VALUE_LENGTH, input.user_id ?? ''),
      status: 'RUNNING',
      startTime: input.start_time ?? 0,
      endTime: null,
      deletedTimeMs: null,
      lifecycleStage: 'active',
      artifactUri: appendToUriPath(experiment.artifactLocation ?? '', runId, 'artifacts'),
    }
    const tagRows = tags.map((tag) => ({ ...tag, runId, experimentId: row.experimentId }))
    await write({
      experimentId: row.experimentId,
      runId,
      metrics: [],
      params: [],
      tags: tagRows,
      run: row,
    })
    return runToWire(row, { metrics: [], params: [], tags }, { inputs: {}, outputs: undefined })
  }

  /** @see mlflow/store/tracking/sqlalchemy_store.py update_run_info */
  async function update(
    runId: string,
    changes: { status?: RunStatus; end_time?: Int64; run_name?: string },
  ): Promise<RunInfo> {
    const row = await requireActive(runId)
    const runName = changes.run_name
      ? checkLength('run_name', MAX_TAG_VALUE_LENGTH, changes.run_name)
      : undefined
    if (runName) await write(nameWrite(row, runName))
    // Only what is given is written: what was read may be changed by somebody else in this moment.
    const given = {
      ...(changes.status && { status: changes.status }),
      ...(changes.end_time !== undefined && { endTime: changes.end_time }),
      ...(runName && { runName }),
    }
    const updated = Object.keys(given).length > 0 ? await store.updateRun(engine, runId, given) : row
    return infoToWire(updated)
  }

  async function changeLifecycle(runId: string, lifecycleStage: Lifecycle): Promise<void> {
    await requireRun(runId)
    const deletedTimeMs = lifecycleStage === 'deleted' ? clock.now() : null
    await store.updateRun(engine, runId, { lifecycleStage, deletedTimeMs })
  }

  /** All is read at once: that the run is missing is the exception. */
  async function get(runId: string): Promise<Run> {
    const [row, [contents]] = await Promise.all([requireRun(runId), readContents([runId])])
    return runToWire(row, ...(contents as Contents))
  }

  type Contents = [store.RunContents, RunEdges]

  /** What the runs hold, in their order: seven statements, however many runs. */
  async function readContents(ids: string[]): Promise<Contents[]> {
    await engine.refresh(...store.runContentTables, ...edgeTables)
    const [contents, edges] = await inTurn(() => Promise.all([findContents(ids), findEdges(ids)]))
    return ids.map((id) => [contents.get(id) as store.RunContents, edges.get(id) as RunEdges])
  }

  /** The runs as clients see them, some hundred at a time, so that memory does not grow with the page. */
  async function* withContents(rows: RunRow[]): AsyncGenerator<Run[]> {
    for (let from = 0; from < rows.length; from += RUNS_AT_ONCE) {
      const chunk = rows.slice(from, from + RUNS_AT_ONCE)
      const contents = await readContents(chunk.map((row) => row.runId))
      yield chunk.map((row, position) => runToWire(row, ...(contents[position] as Contents)))
    }
  }

  /** A page of runs in chunks. Its token goes on behind the last run, wherever runs come and go meanwhile. */
  async function search(input: {
    experiment_ids: string[]
    filter?: string
    run_view_type?: ViewType
    max_results?: number
    order_by: string[]
    page_token?: string
  }): Promise<{ runs: AsyncGenerator<Run[]>; nextPageToken: string | undefined }> {
    const maxResults = input.max_results ?? DEFAULT_MAX_RESULTS
    checkMaxResults(maxResults)
    const filter = parseRunFilter(input.filter)
    const orderBy = parseRunOrderBy(input.order_by)
    const start = decodePageStart(input.page_token, orderBy)
    const experimentIds = input.experiment_ids.map(parseExperimentId)
    if (experimentIds.length === 0) return { runs: withContents([]), nextPageToken: undefined }
    const rows = await searchRunRows(engine, {
      experimentIds,
      filter,
      orderBy,
      stages: stagesOf(input.run_view_type ?? 'ACTIVE_ONLY'),
      limit: maxResults + 1,
      offset: rowsToSkip(start),
      after: start.after,
    })
    const last = rows.length > maxResults ? rows[maxResults - 1] : undefined
    return {
      runs: await readAhead(withContents(rows.slice(0, maxResults))),
      nextPageToken:
        last && encodePageStart({ offset: start.offset + maxResults, after: last.place }, orderBy),
    }
  }

  return {
    requireRun,
    requireActive,
    create,
    update,
    get,
    search,
    delete: (runId: string) => changeLifecycle(runId, 'deleted'),
    restore: (runId: string) => changeLifecycle(runId, 'active'),
  }
}

/** The write that puts a run's name into its tag. */
const nameWrite = (row: RunRow, runName: string) => ({
  experimentId: row.experimentId,
  runId: row.runId,
  metrics: [],
  params: [],
  tags: [{ runId: row.runId, key: RUN_NAME_TAG, value: runName, experimentId: row.experimentId }],
})

/** Settles a new run's name and the tag that repeats it. A repeated tag key keeps its last value. */
function nameAndTags(runName: string | undefined, inputs: TagInput[]) {
  const tags = new Map(
    inputs.map(({ key, value }) => [
      checkLength('key', MAX_ENTITY_KEY_LENGTH, key ?? ''),
      truncate(value ?? '', MAX_TAG_VALUE_LENGTH),
    ]),
  )
  const tagged = tags.get(RUN_NAME_TAG)
  if (runName && tagged && runName !== tagged) {
    throw invalidParameter(
      `Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='${runName}', mlflow.runName='${tagged}').`,
    )
  }
  const name = checkLength('run_name', MAX_TAG_VALUE_LENGTH, runName || tagged || randomName())
  if (!tagged) tags.set(RUN_NAME_TAG, name)
  return { runName: name, tags: [...tags].map(([key, value]) => ({ key, value })) }
}

const notFound = (runId: string) => doesNotExist(`Run with id=${runId} not found`)

const infoToWire = (row: RunRow): RunInfo => ({
  run_uuid: row.runId,
  experiment_id: row.experimentId,
  ...(row.runName !== null && { run_name: row.runName }),
  ...(row.userId !== null && { user_id: row.userId }),
  status: row.status as RunStatus,
  ...(row.startTime !== null && { start_time: row.startTime }),
  // MLflow leaves out an end time of 0, but not a start time of 0.
  ...(row.endTime ? { end_time: row.endTime } : {}),
  ...(row.artifactUri !== null && { artifact_uri: row.artifactUri }),
  lifecycle_stage: row.lifecycleStage as Lifecycle,
  run_id: row.runId,
})

/** Empty lists are left out, as protobuf's JSON does. */
function runToWire(
  row: RunRow,
  { metrics, params, tags }: store.RunContents,
  edges: { inputs: RunEdges['inputs']; outputs: RunEdges['outputs'] | undefined },
): Run {
  return {
    info: infoToWire(row),
    data: {
      ...(metrics.length > 0 && { metrics }),
      ...(params.length > 0 && { params }),
      ...(tags.length > 0 && { tags }),
    },
    inputs: edges.inputs,
    ...(edges.outputs && { outputs: edges.outputs }),
  }
}
