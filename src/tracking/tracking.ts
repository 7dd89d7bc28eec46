// The tracking wing: experiments, runs with what is logged to them, datasets, logged models.
import type { Engine } from '../platform/database/engine.ts'
import type { Endpoint } from '../platform/http/route.ts'
import type { Clock } from '../platform/wire/ids.ts'
import * as aging from './aging.store.ts'
import { datasetEndpoints } from './datasets/routes.ts'
import { createDatasetService } from './datasets/service.ts'
import { createBucketReader } from './downsampling/reading.service.ts'
import { bucketEndpoints } from './downsampling/routes.ts'
import { createDownsampling } from './downsampling/service.ts'
import { experimentEndpoints } from './experiments/routes.ts'
import { createExperimentService, type ExperimentServiceDeps } from './experiments/service.ts'
import { loggedModelEndpoints } from './logged-models/routes.ts'
import { createLoggedModelService } from './logged-models/service.ts'
import { metricEndpoints } from './metrics/routes.ts'
import { createMetricService } from './metrics/service.ts'
import { createTrackingRemoval } from './removal.service.ts'
import { createRunWriter } from './runs/ingest.store.ts'
import { createLoggingService } from './runs/logging.service.ts'
import { promptlabEndpoints } from './runs/promptlab.routes.ts'
import { createPromptlabService, type PromptlabServiceDeps } from './runs/promptlab.service.ts'
import { createRunReader } from './runs/reading.service.ts'
import { runEndpoints } from './runs/routes.ts'
import { createRunService, type Runs } from './runs/service.ts'

export interface TrackingDeps
  extends Pick<ExperimentServiceDeps, 'defaultArtifactRoot' | 'validateNewLocation'>,
    Pick<PromptlabServiceDeps, 'writeArtifact' | 'mlflowVersion'> {
  engine: Engine
  clock: Clock
}

export function createTracking({ engine, clock, ...deps }: TrackingDeps) {
  const write = createRunWriter(engine)
  const experiments = createExperimentService({ engine, clock, ...deps })
  const { requireActive: requireActiveExperiment, whileActive } = experiments
  const reader = createRunReader(engine)
  const runs: Runs = {
    ...reader,
    ...createRunService({ engine, clock, write, reader, whileActive }),
  }
  const datasets = createDatasetService({ engine, clock, requireActiveRun: runs.requireActive })
  const loggedModels = createLoggedModelService({ engine, clock, requireActiveExperiment })
  const { requireModelsOf, logMetrics: logModelMetrics } = loggedModels
  const logging = createLoggingService({ engine, write, runs, requireModelsOf, logModelMetrics })
  const metrics = createMetricService({ engine })
  const downsampling = createDownsampling({ engine })
  const promptlab = createPromptlabService({ clock, runs, logging, ...deps })

  const endpoints: Endpoint[] = [
    ...experimentEndpoints(experiments),
    ...runEndpoints(runs, logging, datasets),
    ...metricEndpoints(metrics),
    ...bucketEndpoints(createBucketReader({ engine })),
    ...datasetEndpoints(datasets),
    ...loggedModelEndpoints(loggedModels),
  ]
  return {
    endpoints,
    /** Of runs that the UI's prompt engineering page saves with their artifacts. */
    promptlabEndpoints: promptlabEndpoints(promptlab),
    experiments,
    runs,
    datasets,
    loggedModels,
    metrics,
    /** How all of that is deleted for good. */
    removal: createTrackingRemoval({ engine, requireActiveRun: runs.requireActive }),
    /** What there is of old runs and points of metrics, and how points go. */
    aging: {
      findExperiments: (pattern: string) => aging.findExperimentsLike(engine, pattern),
      filterRuns: (runIds: readonly string[], filter: aging.RunFilter) =>
        aging.filterRuns(engine, runIds, filter),
      countPoints: (filter: aging.RunFilter, untilMs: number) =>
        aging.countOldPoints(engine, filter, untilMs),
      prunePoints: (filter: aging.RunFilter, untilMs: number) =>
        aging.pruneOldPoints(engine, { filter, untilMs }, (runIds) => downsampling.forget(runIds, untilMs)),
      findDueMonths: downsampling.findDueMonths,
      thinPoints: downsampling.thin,
      hasLeftPoints: downsampling.hasLeft,
      finishLeftPoints: downsampling.finishLeft,
      countRunsByHour: (sinceMs: number) => aging.countRunsByHour(engine, sinceMs),
      countPointsByHour: (sinceMs: number, month: string) => aging.countPointsByHour(engine, sinceMs, month),
    },
    /** Where the artifacts of a run are, deleted or not. @throws RESOURCE_DOES_NOT_EXIST */
    locateRun: async (runId: string) => {
      const { experimentId, artifactUri } = await runs.requireRun(runId)
      return { runId, experimentId, artifactUri: artifactUri ?? '' }
    },
  }
}
