// MLflow's rules for traces that clients describe themselves: `mlflow.trace` sends such a description beside its spans.
import { randomUUID } from 'node:crypto'
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { checkLength } from '../../platform/wire/names.ts'
import { toRow } from '../assessments/rows.schema.ts'
import type { AssessmentRow } from '../assessments/tables.ts'
import { indexed, MAX_NAME_LENGTH, MAX_SESSION_LENGTH, MAX_TAG_KEY_LENGTH } from './derived.ts'
import { artifactLocationOf, type Experiment, type Experiments } from './experiments.ts'
import { METADATA, TAG } from './ids.ts'
import { monthOfTrace } from './months.ts'
import type { TraceReader } from './reading.service.ts'
import type { TraceInfo, TraceInfoInput, TraceInfoV2 } from './schema.ts'
import { moveToExperiment, type TraceStarter } from './start.store.ts'
import { findTraces } from './store.ts'
import type { TraceItemRow, TraceRow } from './tables.ts'
import { costsOf, isTold, readObject, tokensOf } from './usage.schema.ts'

export interface TraceStartDeps {
  engine: Engine
  clock: Clock
  start: TraceStarter
  reader: TraceReader
  experiments: Experiments
}

export type TraceStart = ReturnType<typeof createTraceStart>
type Pairs = { key?: string | undefined; value?: string | undefined }[]

/** Metadata that the row of the trace holds. */
const IN_ROW = new Set<string>([METADATA.session, METADATA.tokenUsage, METADATA.cost])

export function createTraceStart({ engine, clock, start, reader, experiments }: TraceStartDeps) {
  /**
   * Creates a trace, or describes one that spans have made. Its times, and the tokens, cost and session if they are given,
   * hold from now on, whatever spans come.
   * @throws RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE for the experiment or what is too long
   * @see SqlAlchemyStore.start_trace
   */
  async function startTrace(info: TraceInfoInput): Promise<TraceInfo> {
    const traceId = checkLength('trace_id', MAX_TAG_KEY_LENGTH, info.trace_id ?? '')
    const { description, metadata, name } = describe(new Map(Object.entries(info.trace_metadata ?? {})), {
      name: info.tags?.[TAG.traceName],
    })
    const experiment = await experiments.requireActive(
      info.trace_location?.mlflow_experiment?.experiment_id ?? '',
    )
    const owner = { traceId, experimentId: experiment.experimentId }
    const nowMs = clock.now()
    const assessments = info.assessments.map((one, place) => toRow(one, owner, { nowMs, place }))
    const timestampMs = info.request_time ?? 0
    const duration = info.execution_duration
    const [stored] = await findTraces(engine, [traceId])
    await write(experiment, {
      ...description,
      traceId,
      timestampMs,
      endMs: duration === undefined ? null : timestampMs + duration,
      status: info.state ?? 'STATE_UNSPECIFIED',
      clientRequestId: info.client_request_id === undefined ? null : indexed(info.client_request_id),
      requestPreview: info.request_preview ?? null,
      responsePreview: info.response_preview ?? null,
      traceName: name,
      isFinal: true,
      tags: new Map(Object.entries(info.tags ?? {})),
      metadata: new Map([...metadata, [METADATA.infoFinalized, 'true']]),
      assessments,
    })
    if (stored && stored.experimentId !== experiment.experimentId) {
      await moveToExperiment(engine, traceId, experiment.experimentId)
    }
    return reader.getInfo(traceId)
  }

  type Described = ReturnType<typeof describe>['description'] &
    Pick<
      TraceRow,
      | 'traceId'
      | 'timestampMs'
      | 'endMs'
      | 'status'
      | 'clientRequestId'
      | 'requestPreview'
      | 'responsePreview'
      | 'traceName'
      | 'isFinal'
    > & { tags: Map<string, string>; metadata: Map<string, string>; assessments?: AssessmentRow[] }

  async function write(
    experiment: Experiment,
    { tags, metadata, assessments = [], ...described }: Described,
  ): Promise<void> {
    const { experimentId } = experiment
    const { traceId, timestampMs } = described
    const all = new Map(tags)
    all.delete(TAG.traceName)
    if (!all.has(TAG.artifactLocation) || described.isFinal) {
      all.set(TAG.artifactLocation, artifactLocationOf(experiment, traceId))
    }
    const month = monthOfTrace(timestampMs, clock.now())
    const trace = { ...described, experimentId, month, hasUsage: false, generation: 0 }
    await start({ trace, tags: itemsOf(trace, all), metadata: itemsOf(trace, metadata), assessments })
  }

  /**
   * Creates a trace under an id of its own, as clients before MLflow 3 do.
   * @see SqlAlchemyStore.deprecated_start_trace_v2
   */
  async function startV2(input: {
    experiment_id?: string | undefined
    timestamp_ms?: number | bigint | undefined
    request_metadata: Pairs
    tags: Pairs
  }): Promise<TraceInfoV2> {
    const tags = mapOf(input.tags)
    const { description, metadata, name } = describe(mapOf(input.request_metadata), {
      name: tags.get(TAG.traceName),
    })
    const experiment = await experiments.requireActive(input.experiment_id ?? '')
    const traceId = randomUUID().replaceAll('-', '')
    await write(experiment, {
      ...description,
      traceId,
      timestampMs: Number(input.timestamp_ms ?? 0),
      endMs: null,
      status: 'IN_PROGRESS',
      clientRequestId: null,
      requestPreview: null,
      responsePreview: null,
      traceName: name,
      isFinal: false,
      tags,
      metadata,
    })
    return reader.getInfoV2(traceId)
  }

  /**
   * Ends such a trace. What it says of metadata and tags is added to what is there.
   * @throws RESOURCE_DOES_NOT_EXIST
   * @see SqlAlchemyStore.deprecated_end_trace_v2
   */
  async function endV2(input: {
    request_id: string
    timestamp_ms?: number | bigint | undefined
    status?: TraceInfoV2['status'] | undefined
    request_metadata: Pairs
    tags: Pairs
  }): Promise<TraceInfoV2> {
    const row = await reader.requireTrace(input.request_id)
    const tags = mapOf(input.tags)
    const { description, metadata, name } = describe(mapOf(input.request_metadata), {
      name: tags.get(TAG.traceName),
    })
    tags.delete(TAG.traceName)
    const { status = 'TRACE_STATUS_UNSPECIFIED' } = input
    const trace: TraceRow = {
      ...row,
      ...description,
      traceName: name,
      endMs: Number(input.timestamp_ms ?? 0),
      status: status === 'TRACE_STATUS_UNSPECIFIED' ? 'STATE_UNSPECIFIED' : status,
    }
    await start({ trace, tags: itemsOf(trace, tags), metadata: itemsOf(trace, metadata) })
    return reader.getInfoV2(row.traceId)
  }

  return { startTrace, startV2, endV2 }
}

const itemsOf = (
  { traceId, experimentId }: Pick<TraceRow, 'traceId' | 'experimentId'>,
  values: Map<string, string>,
): TraceItemRow[] =>
  [...values].map(([key, value]) => ({
    traceId,
    key: indexed(key, MAX_TAG_KEY_LENGTH),
    value: indexed(value),
    experimentId,
  }))

const mapOf = (pairs: Pairs) => new Map(pairs.map(({ key = '', value = '' }) => [key, value]))

/**
 * What metadata says that the row of a trace holds, and the rest of it.
 * @throws INVALID_PARAMETER_VALUE for what is too long
 * @see mlflow/store/tracking/utils/trace_analytics.py analytics_columns_from_metadata
 */
function describe(given: Map<string, string>, { name }: { name: string | undefined }) {
  const session = given.get(METADATA.session)
  const tokens = tokensOf(readObject(given.get(METADATA.tokenUsage)) ?? {})
  const costs = costsOf(readObject(given.get(METADATA.cost)) ?? {})
  return {
    description: {
      sessionId:
        session === undefined ? null : indexed(checkLength('Session ID', MAX_SESSION_LENGTH, session)),
      ...tokens,
      ...costs,
      hasGivenTokens: isTold(tokens),
      hasGivenCost: isTold(costs),
    },
    metadata: new Map([...given].filter(([key]) => !IN_ROW.has(key))),
    name: name === undefined ? null : indexed(checkLength('Trace name', MAX_NAME_LENGTH, name)),
  }
}
