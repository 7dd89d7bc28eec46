// REST of the experiments area.
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import * as schema from './schema.ts'
import type { ExperimentService } from './service.ts'

const tag = 'experiments'
const Empty = z.object({})
const OneExperiment = z.object({ experiment: schema.ExperimentSchema })
const DEFAULT_MAX_RESULTS = 0

export const experimentEndpoints = (service: ExperimentService): Endpoint[] => {
  const search = {
    path: '/2.0/mlflow/experiments/search',
    tag,
    summary: 'Search experiments',
    request: schema.SearchExperiments,
    response: z.object({
      experiments: z.array(schema.ExperimentSchema).optional(),
      next_page_token: z.string().optional(),
    }),
    handle: async (input: z.output<typeof schema.SearchExperiments>) => {
      const { experiments, nextPageToken } = await service.search({
        ...input,
        max_results: input.max_results ?? DEFAULT_MAX_RESULTS,
      })
      return { ...(experiments.length > 0 && { experiments }), next_page_token: nextPageToken }
    },
  }
  return [
    endpoint({
      method: 'POST',
      path: '/2.0/mlflow/experiments/create',
      tag,
      summary: 'Create an experiment with a name that no other has',
      request: schema.CreateExperiment,
      response: z.object({ experiment_id: z.string() }),
      handle: async (input) => ({ experiment_id: await service.create(input) }),
    }),
    endpoint({ method: 'GET', ...search }),
    endpoint({ method: 'POST', ...search }),
    endpoint({
      method: 'GET',
      path: '/2.0/mlflow/experiments/get',
      tag,
      summary: 'Get an experiment, deleted or not',
      request: schema.GetExperiment,
      response: OneExperiment,
      handle: async (input) => ({ experiment: await service.get(input.experiment_id) }),
    }),
    endpoint({
      method: 'GET',
      path: '/2.0/mlflow/experiments/get-by-name',
      tag,
      summary: 'Get an experiment by its name, deleted or not',
      request: schema.GetExperimentByName,
      response: OneExperiment,
      handle: async (input) => ({ experiment: await service.getByName(input.experiment_name) }),
    }),
    endpoint({
      method: 'POST',
      path: '/2.0/mlflow/experiments/delete',
      tag,
      summary: 'Mark an experiment and its runs as deleted',
      request: schema.DeleteExperiment,
      response: Empty,
      handle: (input) => service.delete(input.experiment_id),
    }),
    endpoint({
      method: 'POST',
      path: '/2.0/mlflow/experiments/restore',
      tag,
      summary: 'Restore a deleted experiment and its runs',
      request: schema.RestoreExperiment,
      response: Empty,
      handle: (input) => service.restore(input.experiment_id),
    }),
    endpoint({
      method: 'POST',
      path: '/2.0/mlflow/experiments/update',
      tag,
      summary: 'Rename an experiment',
      request: schema.UpdateExperiment,
      response: Empty,
      handle: (input) => service.rename(input.experiment_id, input.new_name),
    }),
    endpoint({
      method: 'POST',
      path: '/2.0/mlflow/experiments/set-experiment-tag',
      tag,
      summary: 'Set a tag of an experiment',
      request: schema.SetExperimentTag,
      response: Empty,
      handle: (input) => service.setTag(input.experiment_id, input.key, input.value ?? ''),
    }),
    endpoint({
      method: 'POST',
      path: '/2.0/mlflow/experiments/delete-experiment-tag',
      tag,
      summary: 'Delete a tag of an experiment',
      request: schema.DeleteExperimentTag,
      response: Empty,
      handle: (input) => service.deleteTag(input.experiment_id, input.key),
    }),
  ]
}
