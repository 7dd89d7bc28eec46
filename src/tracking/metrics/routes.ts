// REST of the metrics area.
import { Readable } from 'node:stream'
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import { readAhead, writeList } from '../../platform/wire/json-list.ts'
import * as schema from './schema.ts'
import type { MetricService } from './service.ts'

const tag = 'metrics'
const Points = z.object({
  metrics: z.array(schema.MetricWire).optional(),
  next_page_token: z.string().optional(),
})
const PointsOfRuns = z.object({ metrics: z.array(schema.MetricWithRunIdWire).optional() })

export const metricEndpoints = (service: MetricService): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/2.0/mlflow/metrics/get-history',
    tag,
    summary: 'All logged values of a metric of a run, or a page of them',
    request: schema.GetMetricHistory,
    response: Points,
    handle: async (input, _request, reply) => {
      if (input.max_results === undefined) {
        const chunks = await readAhead(service.getHistory(input))
        return reply.type('application/json').send(Readable.from(writeList('metrics', chunks)))
      }
      const page = await service.getHistoryPage({ ...input, max_results: input.max_results })
      return withoutEmpty({ metrics: page.metrics, next_page_token: page.nextPageToken })
    },
  }),
  endpoint({
    method: 'GET',
    path: '/2.0/mlflow/metrics/get-history-bulk',
    prefixes: ['/ajax-api'],
    tag,
    summary: 'Values of a metric of several runs, 25,000 points at most',
    request: schema.GetMetricHistoryBulk,
    response: PointsOfRuns,
    handle: async (input) => ({ metrics: await service.getHistoryBulk(input) }),
  }),
  endpoint({
    method: 'GET',
    path: '/2.0/mlflow/metrics/get-history-bulk-interval',
    tag,
    summary: 'Evenly sampled values of a metric of several runs',
    request: schema.GetMetricHistoryBulkInterval,
    response: PointsOfRuns,
    handle: async (input) => withoutEmpty({ metrics: await service.getHistoryBulkInterval(input) }),
  }),
]

const withoutEmpty = <T extends { metrics: unknown[] }>({ metrics, ...rest }: T) => ({
  ...(metrics.length > 0 && { metrics }),
  ...rest,
})
