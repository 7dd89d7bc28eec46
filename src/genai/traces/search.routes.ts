// REST of the search over traces.
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import { SearchTracesV2, SearchTracesV3, TraceInfoV2Wire, TraceInfoWire } from './schema.ts'
import type { TraceSearcher } from './search.service.ts'

const TAG = 'traces'

const page = <Info>({ traces, nextPageToken }: { traces: Info[]; nextPageToken: string | undefined }) => ({
  ...(traces.length > 0 && { traces }),
  ...(nextPageToken && { next_page_token: nextPageToken }),
})

export const searchEndpoints = (searcher: TraceSearcher): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: '/3.0/mlflow/traces/search',
    tag: TAG,
    summary: 'Traces that meet a filter',
    request: SearchTracesV3,
    response: z.object({
      traces: z.array(TraceInfoWire).optional(),
      next_page_token: z.string().optional(),
    }),
    handle: async ({ locations, ...input }) => {
      const experimentIds = locations.flatMap(({ mlflow_experiment: experiment }) =>
        experiment ? [experiment.experiment_id ?? ''] : [],
      )
      return page(await searcher.search({ ...input, experimentIds }))
    },
  }),
  endpoint({
    method: 'GET',
    path: '/2.0/mlflow/traces',
    tag: TAG,
    summary: 'Traces that meet a filter, as clients before MLflow 3 search them',
    request: SearchTracesV2,
    response: z.object({
      traces: z.array(TraceInfoV2Wire).optional(),
      next_page_token: z.string().optional(),
    }),
    handle: async ({ experiment_ids: experimentIds, ...input }) =>
      page(await searcher.searchV2({ ...input, experimentIds })),
  }),
]
