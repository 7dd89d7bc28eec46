// REST of runs that the UI's prompt engineering page saves.
import { z } from 'zod'
import { type Endpoint, endpoint } from '../http/route.ts'
import { CreatePromptlabRun } from './promptlab.schema.ts'
import type { PromptlabService } from './promptlab.service.ts'
import { RunWire } from './schema.ts'

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
]
