// How runs, logged models and experiments of this wing, and parts of runs, are deleted for good: the statements of their
// rooms as functions. Whoever calls them minds the order, which docs/lifecycle.md tells.
import { doesNotExist } from '../errors.ts'
import type { Engine } from '../platform/database/engine.ts'
import * as experiments from './experiments/removal.store.ts'
import * as models from './logged-models/removal.store.ts'
import type { DoomedQuery, DoomedRow } from './removal.schema.ts'
import * as runs from './runs/removal.store.ts'
import type { RunRow } from './runs/tables.ts'

export interface TrackingRemovalDeps {
  engine: Engine
  requireActiveRun: (runId: string) => Promise<RunRow>
}

export function createTrackingRemoval({ engine, requireActiveRun }: TrackingRemovalDeps) {
  return {
    runs: {
      find: (query: DoomedQuery) => runs.findDoomedRuns(engine, query),
      findStanding: (experimentId: string, deletedUntilMs: number | undefined) =>
        runs.findStandingRun(engine, experimentId, deletedUntilMs),
      take: (run: DoomedRow) => runs.takeRun(engine, run),
      count: (runIds: readonly string[]) => runs.countRunRows(engine, runIds),
      remove: (runIds: readonly string[]) => runs.removeRuns(engine, runIds),
    },
    models: {
      find: (query: DoomedQuery) => models.findDoomedModels(engine, query),
      take: (model: DoomedRow) => models.takeModel(engine, model),
      count: (modelIds: readonly string[]) => models.countModelRows(engine, modelIds),
      remove: (modelIds: readonly string[]) => models.removeModels(engine, modelIds),
    },
    experiments: {
      find: (query: DoomedQuery) => experiments.findDoomedExperiments(engine, query),
      take: (experiment: DoomedRow) => experiments.takeExperiment(engine, experiment),
      giveBack: (experimentId: string) => experiments.giveBackExperiment(engine, experimentId),
      count: (experimentId: string) => experiments.countExperimentRows(engine, experimentId),
      /** The experiment itself, in which nothing is any more but what creations left that were never finished. */
      async remove(experimentId: string): Promise<void> {
        await runs.removeRunRemains(engine, experimentId)
        await models.removeModelRemains(engine, experimentId)
        await experiments.removeExperiment(engine, experimentId)
      },
    },
    metric: partOfRun('metric', runs.countMetricRows, runs.removeMetric),
    param: partOfRun('param', runs.countParamRows, runs.removeParam),
  }

  type Part = (engine: Engine, runId: string, key: string) => Promise<unknown>

  /** A metric with its history, or a param, of a run that is not deleted. */
  function partOfRun(noun: string, count: (...args: Parameters<Part>) => Promise<number>, remove: Part) {
    return {
      /** @throws RESOURCE_DOES_NOT_EXIST without such a run or part, INVALID_PARAMETER_VALUE for a deleted run */
      async find(runId: string, key: string): Promise<{ experimentId: string; rows: number }> {
        const { experimentId } = await requireActiveRun(runId)
        const rows = await count(engine, runId, key)
        if (rows === 0) throw doesNotExist(`No ${noun} with name: ${key} in run with id ${runId}`)
        return { experimentId, rows }
      },
      async remove(runId: string, key: string): Promise<void> {
        await remove(engine, runId, key)
      },
    }
  }
}
