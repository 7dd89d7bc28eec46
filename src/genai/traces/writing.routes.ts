// REST of traces that clients describe, tag, link and delete.
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import type { TraceLinks } from './links.service.ts'
import {
  DeleteTraces,
  DeleteTraceTag,
  EndTraceV2,
  LinkPromptsToTrace,
  LinkTracesToRun,
  SetTraceTag,
  StartTraceV2,
  StartTraceV3,
  TraceInfoV2Wire,
  TraceInfoWire,
} from './schema.ts'
import type { TraceService } from './service.ts'
import type { TraceStart } from './start.service.ts'

const TAG = 'traces'
const NOTHING = z.object({})
const VERSIONS = ['/2.0', '/3.0'] as const

export const writingEndpoints = (
  starter: TraceStart,
  service: TraceService,
  links: TraceLinks,
): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: '/3.0/mlflow/traces',
    tag: TAG,
    summary: 'Creates a trace, or describes one that spans have made',
    request: StartTraceV3,
    response: z.object({ trace: z.object({ trace_info: TraceInfoWire }) }),
    handle: async ({ trace }) => ({
      trace: { trace_info: await starter.startTrace(trace.trace_info ?? { assessments: [] }) },
    }),
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/traces',
    tag: TAG,
    summary: 'Creates a trace as clients before MLflow 3 do',
    request: StartTraceV2,
    response: z.object({ trace_info: TraceInfoV2Wire }),
    handle: async (input) => ({ trace_info: await starter.startV2(input) }),
  }),
  endpoint({
    method: 'PATCH',
    path: '/2.0/mlflow/traces/:request_id',
    tag: TAG,
    summary: 'Ends a trace as clients before MLflow 3 do',
    request: EndTraceV2,
    response: z.object({ trace_info: TraceInfoV2Wire }),
    handle: async (input) => ({ trace_info: await starter.endV2(input) }),
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/traces/link-to-run',
    tag: TAG,
    summary: 'Links traces to a run',
    request: LinkTracesToRun,
    response: NOTHING,
    handle: (input) => links.linkToRun(input.trace_ids, input.run_id),
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/traces/link-prompts',
    tag: TAG,
    summary: 'Links versions of prompts to a trace',
    request: LinkPromptsToTrace,
    response: NOTHING,
    handle: (input) => links.linkPrompts(input.trace_id, input.prompt_versions),
  }),
  ...VERSIONS.flatMap((version) => [
    endpoint({
      method: 'PATCH',
      path: `${version}/mlflow/traces/:trace_id/tags`,
      tag: TAG,
      summary: 'Sets a tag of a trace',
      request: SetTraceTag,
      response: NOTHING,
      handle: (input) => service.setTag(input.trace_id, input.key, input.value ?? ''),
    }),
    endpoint({
      method: 'DELETE',
      path: `${version}/mlflow/traces/:trace_id/tags`,
      tag: TAG,
      summary: 'Deletes a tag of a trace',
      request: DeleteTraceTag,
      response: NOTHING,
      handle: (input) => service.deleteTag(input.trace_id, input.key),
    }),
    endpoint({
      method: 'POST',
      path: `${version}/mlflow/traces/delete-traces`,
      tag: TAG,
      summary: 'Deletes traces by their ids or by their age',
      request: DeleteTraces,
      response: z.object({ traces_deleted: z.number().int() }),
      handle: async (input) => ({ traces_deleted: await service.deleteTraces(input) }),
    }),
  ]),
]
