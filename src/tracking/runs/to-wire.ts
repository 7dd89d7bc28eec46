// Runs as clients see them.
import type { RunEdges } from '../datasets/store.ts'
import type { Lifecycle } from '../experiments/store.ts'
import type { Run, RunInfo, RunStatus } from './schema.ts'
import type { RunContents } from './store.ts'
import type { RunRow } from './tables.ts'

export const infoToWire = (row: RunRow): RunInfo => ({
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
export function runToWire(
  row: RunRow,
  { metrics, params, tags }: RunContents,
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
