// REST of the deletion for good, below a prefix of this server's own.
import type { IncomingHttpHeaders } from 'node:http'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import { userOf } from '../user.ts'
import * as schema from './schema.ts'
import type { CleaningService } from './service.ts'

const tag = 'lifecycle'
const PATH = '/crateflow/1.0'

const NONE = { experiment_ids: [], run_ids: [], logged_model_ids: [] }

export function cleaningEndpoints(cleaning: CleaningService): Endpoint[] {
  const byRequest = (request: { headers: IncomingHttpHeaders }) => ({
    userId: userOf(request),
    cause: 'api' as const,
  })
  return [
    endpoint({
      method: 'GET',
      path: `${PATH}/gc/garbage`,
      tag,
      summary: 'List what the garbage collection would delete for good (not part of MLflow)',
      request: schema.ListGarbage,
      response: schema.GarbageWire,
      handle: (input) => cleaning.list(input),
    }),
    endpoint({
      method: 'POST',
      path: `${PATH}/gc/collect`,
      tag,
      summary: 'Delete for good what is marked as deleted, step by step (not part of MLflow)',
      request: schema.CollectGarbage,
      response: schema.CollectedWire,
      handle: (input, request) => cleaning.collect(input, { userId: userOf(request), cause: 'gc' }),
    }),
    endpoint({
      method: 'POST',
      path: `${PATH}/experiments/hard-delete`,
      tag,
      summary: 'Delete a deleted experiment for good with all it holds, step by step (not part of MLflow)',
      request: schema.HardDeleteExperiment,
      response: schema.CollectedWire,
      handle: ({ experiment_id, ...input }, request) =>
        cleaning.collect({ ...NONE, ...input, experiment_ids: [experiment_id] }, byRequest(request)),
    }),
    endpoint({
      method: 'POST',
      path: `${PATH}/runs/hard-delete`,
      tag,
      summary: 'Delete a deleted run for good with all it holds (not part of MLflow)',
      request: schema.HardDeleteRun,
      response: schema.CollectedWire,
      handle: ({ run_id, ...input }, request) =>
        cleaning.collect({ ...NONE, ...input, run_ids: [run_id] }, byRequest(request)),
    }),
    endpoint({
      method: 'POST',
      path: `${PATH}/logged-models/hard-delete`,
      tag,
      summary: 'Delete a deleted logged model for good with all it holds (not part of MLflow)',
      request: schema.HardDeleteLoggedModel,
      response: schema.CollectedWire,
      handle: ({ model_id, ...input }, request) =>
        cleaning.collect({ ...NONE, ...input, logged_model_ids: [model_id] }, byRequest(request)),
    }),
    endpoint({
      method: 'POST',
      path: `${PATH}/runs/hard-delete-metric`,
      tag,
      summary: 'Delete a metric of a run with its history (not part of MLflow)',
      request: schema.HardDeleteMetric,
      response: schema.DeletedWire,
      handle: ({ run_id: runId, metric_key: key }, request) =>
        cleaning.removePart('metric', { runId, key }, userOf(request)),
    }),
    endpoint({
      method: 'POST',
      path: `${PATH}/runs/hard-delete-param`,
      tag,
      summary: 'Delete a param of a run (not part of MLflow)',
      request: schema.HardDeleteParam,
      response: schema.DeletedWire,
      handle: ({ run_id: runId, param_key: key }, request) =>
        cleaning.removePart('param', { runId, key }, userOf(request)),
    }),
    endpoint({
      method: 'GET',
      path: `${PATH}/deletions/search`,
      tag,
      summary: 'List what was deleted for good, newest first (not part of MLflow)',
      request: schema.SearchDeletions,
      response: schema.DeletionsWire,
      handle: (input) => cleaning.search(input),
    }),
  ]
}
