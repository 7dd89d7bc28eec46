// A row of the table as rows of the store.
import type { Int64 } from '../../platform/wire/int64.ts'
import { appendToUriPath } from '../../platform/wire/uri.ts'
import type { ModelVersionRow } from '../../registry/model-registry/tables.ts'
import type { Row } from '../families.store.ts'
import type { TrainedModel } from './trained-model.ts'

export interface NamedExperiment {
  experimentId: string
  artifactLocation: string
}

export interface NamedModel {
  modelUid: string
  /** A number of a version that is there, or 0. */
  lastVersion: number
}

interface Owner {
  runId: string
  experimentId: string
}

const artifactsOf = ({ artifacts, runId }: TrainedModel, experiment: NamedExperiment | undefined): string =>
  artifacts ?? appendToUriPath(experiment?.artifactLocation ?? '', runId, 'artifacts')

/** Of a run that is there, its experiment, its life and its folder stay. */
export function runRow(
  model: TrainedModel,
  { run, experiment, owner }: { run: Row | undefined; experiment: NamedExperiment | undefined; owner: Owner },
): Row {
  const { runName, userId, startTime, endTime } = model
  const told = { ...owner, runName, userId, startTime, endTime, status: 'FINISHED' }
  const kept = run ?? {
    lifecycleStage: 'active',
    deletedTimeMs: null,
    artifactUri: artifactsOf(model, experiment),
  }
  const { lifecycleStage, deletedTimeMs, artifactUri } = kept
  return { ...told, lifecycleStage, deletedTimeMs, artifactUri: model.artifacts ?? artifactUri }
}

export interface Point extends Row, Owner {
  key: string
  value: number
  isNan: boolean
  timestamp: Int64
  step: Int64
}

/**
 * The point of a metric: the first of its history, or, where the value has changed, the one behind the latest.
 * @param latest the stored one
 * @returns none when the latest says the same
 */
export function pointOf(
  model: TrainedModel,
  owner: Owner,
  metric: TrainedModel['metrics'][number],
  latest: Row | undefined,
): Point[] {
  const timestamp = model.endTime ?? model.startTime ?? model.model?.createdMs ?? 0
  if (latest?.value === metric.value && latest.isNan === metric.isNan) return []
  return [{ ...owner, ...metric, timestamp, step: latest ? Number(latest.step) + 1 : 0 }]
}

/** A version without its number. */
export function versionRow(
  model: TrainedModel,
  {
    experiment,
    modelUid,
    versionUid,
    nowMs,
  }: { experiment: NamedExperiment | undefined; modelUid: string; versionUid: string; nowMs: number },
): Omit<ModelVersionRow, 'version'> {
  const source = model.model?.source ?? artifactsOf(model, experiment)
  const creationTimeMs = model.model?.createdMs ?? model.endTime ?? model.startTime ?? nowMs
  return {
    modelUid,
    versionUid,
    creationTimeMs,
    lastUpdatedTimeMs: creationTimeMs,
    description: null,
    userId: model.userId,
    currentStage: 'None',
    eventId: '',
    source,
    storageLocation: source,
    runId: model.runId,
    runLink: null,
    modelId: null,
    status: 'READY',
    statusMessage: null,
    isPrompt: false,
  }
}
