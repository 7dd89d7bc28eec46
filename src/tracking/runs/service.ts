// MLflow's rules for the life of runs: creation, status, names, deletion.
import { invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { type Clock, newRunId } from '../../platform/wire/ids.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import { MAX_ENTITY_KEY_LENGTH, MAX_TAG_VALUE_LENGTH } from '../../platform/wire/limits.ts'
import { checkLength, truncate } from '../../platform/wire/names.ts'
import { randomName } from '../../platform/wire/random-name.ts'
import { appendToUriPath } from '../../platform/wire/uri.ts'
import { DEFAULT_EXPERIMENT_ID } from '../experiments/ids.ts'
import type { Lifecycle } from '../experiments/store.ts'
import type { ExperimentRow } from '../experiments/tables.ts'
import type { RunWriter } from './ingest.store.ts'
import { type RunReader, runNotFound } from './reading.service.ts'
import type { Run, RunInfo, RunStatus } from './schema.ts'
import * as store from './store.ts'
import type { RunRow } from './tables.ts'
import { infoToWire, runToWire } from './to-wire.ts'

export const RUN_NAME_TAG = 'mlflow.runName'

export interface RunServiceDeps {
  engine: Engine
  clock: Clock
  write: RunWriter
  reader: Pick<RunReader, 'requireRun' | 'requireActive'>
  /** Does the work when runs may be made in the experiment. @throws INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST */
  whileActive: <T>(experimentId: string, work: (experiment: ExperimentRow) => Promise<T>) => Promise<T>
}

interface NewRun {
  experiment_id?: string
  user_id?: string
  run_name?: string
  start_time?: Int64
  tags: TagInput[]
}

type TagInput = { key?: string | undefined; value?: string | undefined }

export type RunService = ReturnType<typeof createRunService>

/** All that can be done with runs. */
export type Runs = RunReader & RunService

export function createRunService({ engine, clock, write, reader, whileActive }: RunServiceDeps) {
  const create = (input: NewRun): Promise<Run> =>
    whileActive(input.experiment_id || DEFAULT_EXPERIMENT_ID, (experiment) => createIn(experiment, input))

  async function createIn(experiment: ExperimentRow, input: NewRun): Promise<Run> {
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
    const row = await reader.requireActive(runId)
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
    return infoToWire(Object.keys(given).length > 0 ? await change(runId, given) : row)
  }

  async function changeLifecycle(runId: string, lifecycleStage: Lifecycle): Promise<void> {
    await reader.requireRun(runId)
    const deletedTimeMs = lifecycleStage === 'deleted' ? clock.now() : null
    await change(runId, { lifecycleStage, deletedTimeMs })
  }

  /** @throws RESOURCE_DOES_NOT_EXIST when the run was deleted for good meanwhile */
  async function change(runId: string, changes: store.RunChanges): Promise<RunRow> {
    const row = await store.updateRun(engine, runId, changes)
    if (!row) throw runNotFound(runId)
    return row
  }

  return {
    create,
    update,
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
