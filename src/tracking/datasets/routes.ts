// REST of datasets that were logged to runs.
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import { DatasetSummaryWire, SearchDatasets } from './schema.ts'
import type { DatasetService } from './service.ts'

export const datasetEndpoints = (service: DatasetService): Endpoint[] => {
  const search = {
    method: 'POST' as const,
    tag: 'experiments',
    summary: 'Datasets that runs of the experiments read',
    request: SearchDatasets,
    response: z.object({ dataset_summaries: z.array(DatasetSummaryWire).optional() }),
    handle: async (input: z.output<typeof SearchDatasets>) => {
      const summaries = await service.search(input.experiment_ids)
      return summaries.length > 0 ? { dataset_summaries: summaries } : {}
    },
  }
  return [
    endpoint({ ...search, path: '/2.0/mlflow/experiments/search-datasets', prefixes: ['/ajax-api'] }),
    // MLflow's own spelling of the public path, without the slash.
    endpoint({ ...search, path: '/2.0mlflow/experiments/search-datasets' }),
  ]
}
