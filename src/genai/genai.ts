// The GenAI wing: what MLflow keeps about applications of language models and their evaluation.
import type { Engine } from '../platform/database/engine.ts'
import type { Endpoint } from '../platform/http/route.ts'
import type { Clock } from '../platform/wire/ids.ts'
import { absentEndpoints } from './absent/routes.ts'
import { assessmentEndpoints } from './assessments/routes.ts'
import { createAssessmentService } from './assessments/service.ts'
import { demoEndpoints } from './demo/routes.ts'
import { createDemoService } from './demo/service.ts'
import { createDatasetRecordService } from './evaluation-datasets/records.service.ts'
import { evaluationDatasetEndpoints } from './evaluation-datasets/routes.ts'
import {
  createEvaluationDatasetService,
  type EvaluationDatasetServiceDeps,
} from './evaluation-datasets/service.ts'
import { translate } from './instrumentations/translate.ts'
import { issueEndpoints } from './issues/routes.ts'
import { createIssueService, type IssueServiceDeps } from './issues/service.ts'
import { labelSchemaEndpoints } from './label-schemas/routes.ts'
import { createLabelSchemaService } from './label-schemas/service.ts'
import { createGenaiRemoval } from './removal.service.ts'
import { createReviewItemService } from './review-queues/items.service.ts'
import { reviewItemEndpoints, reviewQueueEndpoints } from './review-queues/routes.ts'
import { createReviewQueueService } from './review-queues/service.ts'
import { scorerEndpoints } from './scorers/routes.ts'
import { createScorerService, type ScorerServiceDeps } from './scorers/service.ts'
import * as aging from './traces/aging.store.ts'
import { createTraceCorrelation } from './traces/correlation.service.ts'
import { artifactLocationOf, type Experiments } from './traces/experiments.ts'
import { type Files, fileEndpoints } from './traces/files.routes.ts'
import { createTraceIngest } from './traces/ingest.service.ts'
import { createTraceWriter } from './traces/ingest.store.ts'
import { createTraceLinks } from './traces/links.service.ts'
import { metricEndpoints } from './traces/metrics.routes.ts'
import { createTraceMetrics } from './traces/metrics.service.ts'
import { otlpEndpoints } from './traces/otlp.routes.ts'
import { createTraceReader } from './traces/reading.service.ts'
import { readingEndpoints } from './traces/routes.ts'
import { searchEndpoints } from './traces/search.routes.ts'
import { createTraceSearcher } from './traces/search.service.ts'
import { checkTraceFilter } from './traces/search.ts'
import { createTraceService, type TraceServiceDeps } from './traces/service.ts'
import { createTraceStart } from './traces/start.service.ts'
import { createTraceStarter } from './traces/start.store.ts'
import { writingEndpoints } from './traces/writing.routes.ts'

export interface GenaiDeps extends Pick<IssueServiceDeps, 'getRun'> {
  engine: Engine
  clock: Clock
  /** The artifacts of traces. */
  files: Files
  /** What the wing asks of experiments. */
  experiments: Experiments &
    IssueServiceDeps['experiments'] & {
      find: EvaluationDatasetServiceDeps['findExperiments']
      filterActive: ScorerServiceDeps['filterActiveExperiments']
      requireActive: ScorerServiceDeps['requireActiveExperiment']
    }
}

export function createGenai({ engine, clock, experiments, getRun, files }: GenaiDeps) {
  const traces = createTraces({
    engine,
    clock,
    experiments,
    files,
    forgetTraces: (traceIds) => reviewItems.forgetTraces(traceIds),
  })
  const datasetDeps = { engine, clock, findExperiments: experiments.find }
  const scorers = createScorerService({
    engine,
    clock,
    requireActiveExperiment: experiments.requireActive,
    filterActiveExperiments: experiments.filterActive,
    checkTraceFilter,
  })
  const requireExperiment = experiments.requireVisible
  const labelSchemas = createLabelSchemaService({ engine, clock, requireExperiment })
  const findLabelSchemas = labelSchemas.findIds
  const reviewQueues = createReviewQueueService({ engine, clock, requireExperiment, findLabelSchemas })
  const reviewItems = createReviewItemService({ engine, clock, experimentsOfTraces: traces.experimentsOf })

  const endpoints: Endpoint[] = [
    ...traces.endpoints,
    ...assessmentEndpoints(createAssessmentService({ engine, clock, requireTrace: traces.require })),
    ...evaluationDatasetEndpoints(
      createEvaluationDatasetService(datasetDeps),
      createDatasetRecordService(datasetDeps),
    ),
    ...scorerEndpoints(scorers),
    ...labelSchemaEndpoints(labelSchemas),
    ...reviewQueueEndpoints(reviewQueues),
    ...reviewItemEndpoints(reviewItems),
    ...issueEndpoints(createIssueService({ engine, clock, experiments, getRun })),
    ...demoEndpoints(createDemoService({ clock })),
    ...absentEndpoints(),
  ]
  return {
    endpoints,
    /** Traces by their age. */
    aging: {
      countTraces: (of: aging.OldTraces) => aging.countOldTraces(engine, of),
      findTraces: (of: aging.OldTraces, page: Parameters<typeof aging.findTracesBefore>[2]) =>
        aging.findTracesBefore(engine, of, page),
      countTracesByHour: (sinceMs: number) => aging.countTracesByHour(engine, sinceMs),
    },
    /** What the wing keeps of things that are deleted for good. */
    removal: createGenaiRemoval({
      engine,
      forgetTraces: reviewItems.forgetTraces,
      traceArtifactsOf: artifactLocationOf,
    }),
  }
}

type TraceDeps = Omit<GenaiDeps, 'getRun'> & Pick<TraceServiceDeps, 'forgetTraces'>

function createTraces({ engine, clock, experiments, files, forgetTraces }: TraceDeps) {
  const write = createTraceWriter(engine)
  const reader = createTraceReader(engine)
  const starter = createTraceStart({ engine, clock, start: createTraceStarter(engine), reader, experiments })
  const links = createTraceLinks({ engine, clock, reader })
  const { linkToRun } = links
  const endpoints: Endpoint[] = [
    ...otlpEndpoints(createTraceIngest({ clock, write, experiments, linkToRun, translate })),
    ...readingEndpoints(reader),
    ...fileEndpoints(reader, files),
    ...writingEndpoints(starter, createTraceService({ engine, reader, experiments, forgetTraces }), links),
    ...searchEndpoints(createTraceSearcher({ engine, reader, experiments })),
    ...metricEndpoints(
      createTraceMetrics({ engine, experiments }),
      createTraceCorrelation({ engine, experiments }),
    ),
  ]
  return { endpoints, experimentsOf: reader.experimentsOf, require: reader.requireTrace }
}
