// REST of the UI's prompt engineering page.
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import { CreatePromptlabRun } from './promptlab.schema.ts'
import type { PromptlabService } from './promptlab.service.ts'
import { RunWire } from './schema.ts'

const GATEWAY = {
  path: '/2.0/mlflow/gateway-proxy',
  prefixes: ['/ajax-api'],
  tag: 'runs',
  response: z.object({ endpoints: z.array(z.never()) }),
  /** @see mlflow/server/handlers.py gateway_proxy_handler, which answers so without MLFLOW_DEPLOYMENTS_TARGET */
  handle: async () => ({ endpoints: [] }),
} as const

export const promptlabEndpoints = (service: PromptlabService): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/runs/create-promptlab-run',
    prefixes: ['/ajax-api'],
    tag: 'runs',
    summary: 'Save a trial of the prompt engineering page as a run',
    request: CreatePromptlabRun,
    response: z.object({ run: RunWire }),
    handle: async (input) => ({ run: await service.create(input) }),
  }),
  endpoint({
    ...GATEWAY,
    method: 'GET',
    summary: 'Models of a gateway for the prompt engineering page: none',
  }),
  endpoint({ ...GATEWAY, method: 'POST', summary: 'Ask a gateway: there is none, as GET tells' }),
]
