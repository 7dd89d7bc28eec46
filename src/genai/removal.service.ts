// What this wing keeps of experiments and runs that are deleted for good.
import type { Engine } from '../platform/database/engine.ts'
import { removeExperimentFromDatasets } from './evaluation-datasets/store.ts'
import { forgetSourceRuns, removeIssuesOf } from './issues/store.ts'
import { removeLabelSchemasOf } from './label-schemas/removal.store.ts'
import { removeQueuesOf } from './review-queues/removal.store.ts'
import { removeScorersOf } from './scorers/removal.store.ts'
import { deleteTraces, findTracesOf, removeTraceRemains, unlinkRuns } from './traces/store.ts'

/** A trace, and where spans of it are. */
type TracePlace = Parameters<typeof deleteTraces>[1][number]

export interface GenaiRemovalDeps {
  engine: Engine
  /** Takes traces out of review queues. */
  forgetTraces: (traceIds: readonly string[]) => Promise<void>
  /** Where a trace's attachments are, below the artifacts of its experiment. */
  traceArtifactsOf: (
    experiment: { experimentId: string; artifactLocation: string },
    traceId: string,
  ) => string
}

export function createGenaiRemoval({ engine, forgetTraces, traceArtifactsOf }: GenaiRemovalDeps) {
  return {
    /** Traces of the experiments, some at a time. */
    findTraces: (experimentIds: readonly string[], limit: number): Promise<TracePlace[]> =>
      findTracesOf(engine, experimentIds, limit),

    traceArtifactsOf,

    /** Deletes traces, the rows that others hang from last. Repeatable. @returns how many rows went */
    async removeTraces(traces: readonly TracePlace[]): Promise<number> {
      await forgetTraces(traces.map(({ traceId }) => traceId))
      return (await deleteTraces(engine, traces)).rows
    },

    /** Deletes what else belongs to an experiment without traces. Repeatable. @returns how many rows went */
    async removeRest(experimentId: string): Promise<number> {
      const removals = [
        removeTraceRemains,
        removeScorersOf,
        removeLabelSchemasOf,
        removeQueuesOf,
        removeIssuesOf,
        removeExperimentFromDatasets,
      ]
      let deleted = 0
      for (const remove of removals) deleted += await remove(engine, experimentId)
      return deleted
    },

    /** Takes runs from the traces and issues that name them, which stay. Repeatable. @returns how many rows went */
    async forgetRuns(runIds: readonly string[]): Promise<number> {
      if (runIds.length === 0) return 0
      await forgetSourceRuns(engine, runIds)
      return unlinkRuns(engine, runIds)
    },
  }
}
