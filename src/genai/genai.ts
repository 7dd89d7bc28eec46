// The GenAI wing: what MLflow keeps about applications of language models and their evaluation.
import type { Engine } from '../platform/database/engine.ts'
import type { Endpoint } from '../platform/http/route.ts'
import type { Clock } from '../platform/wire/ids.ts'
import { issueEndpoints } from './issues/routes.ts'
import { createIssueService, type IssueServiceDeps } from './issues/service.ts'
import { createReviewItemService } from './review-queues/items.service.ts'
import { reviewItemEndpoints, reviewQueueEndpoints } from './review-queues/routes.ts'
import { createReviewQueueService } from './review-queues/service.ts'

export interface GenaiDeps extends Pick<IssueServiceDeps, 'experiments' | 'getRun'> {
  engine: Engine
  clock: Clock
}

export function createGenai({ engine, clock, experiments, getRun }: GenaiDeps) {
  const issues = createIssueService({ engine, clock, experiments, getRun })
  const reviewQueues = createReviewQueueService({
    engine,
    clock,
    requireExperiment: experiments.requireVisible,
    // Neither label schemas nor traces are kept.
    findLabelSchemas: async () => new Set(),
  })
  const reviewItems = createReviewItemService({ engine, clock, experimentsOfTraces: async () => new Map() })
  const endpoints: Endpoint[] = [
    ...issueEndpoints(issues),
    ...reviewQueueEndpoints(reviewQueues),
    ...reviewItemEndpoints(reviewItems),
  ]
  return { endpoints }
}
