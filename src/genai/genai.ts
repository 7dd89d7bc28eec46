// The GenAI wing: what MLflow keeps about applications of language models and their evaluation.
import type { Endpoint } from '../platform/http/route.ts'
import { createDatasetRecordService } from './evaluation-datasets/records.service.ts'
import { evaluationDatasetEndpoints } from './evaluation-datasets/routes.ts'
import {
  createEvaluationDatasetService,
  type EvaluationDatasetServiceDeps,
} from './evaluation-datasets/service.ts'

export type GenaiDeps = EvaluationDatasetServiceDeps

export function createGenai(deps: GenaiDeps) {
  const datasets = createEvaluationDatasetService(deps)
  const records = createDatasetRecordService(deps)
  const endpoints: Endpoint[] = [...evaluationDatasetEndpoints(datasets, records)]
  return { endpoints }
}
