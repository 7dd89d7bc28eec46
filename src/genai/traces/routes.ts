// REST of traces.
import { Readable } from 'node:stream'
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import { writeList } from '../../platform/wire/json-list.ts'
import type { TraceReader } from './reading.service.ts'
import {
  BatchGetTraceInfos,
  BatchGetTraces,
  GetTrace,
  GetTraceInfo,
  GetTraceInfoV2,
  TraceInfoV2Wire,
  TraceInfoWire,
  TraceWire,
} from './schema.ts'

const TAG = 'traces'

const ifAny = <Item>(field: string, items: Item[]) => (items.length > 0 ? { [field]: items } : {})

export const readingEndpoints = (reader: TraceReader): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/3.0/mlflow/traces/get',
    tag: TAG,
    summary: 'A trace with its spans',
    request: GetTrace,
    response: z.object({ trace: TraceWire }),
    handle: async (input) => ({ trace: await reader.get(input.trace_id, input.allow_partial ?? false) }),
  }),
  endpoint({
    method: 'GET',
    path: '/3.0/mlflow/traces/batchGet',
    tag: TAG,
    summary: 'Traces with their spans',
    request: BatchGetTraces,
    response: z.object({ traces: z.array(TraceWire).optional() }),
    handle: async (input, _request, reply) => {
      const text = writeList('traces', await reader.batchGet(input.trace_ids, input.experiment_ids))
      return reply.type('application/json').send(Readable.from(text))
    },
  }),
  endpoint({
    method: 'POST',
    path: '/3.0/mlflow/traces/batchGetInfos',
    tag: TAG,
    summary: 'Traces without their spans',
    request: BatchGetTraceInfos,
    response: z.object({ trace_infos: z.array(TraceInfoWire).optional() }),
    handle: async (input) =>
      ifAny('trace_infos', await reader.batchGetInfos(input.trace_ids, input.experiment_ids)),
  }),
  endpoint({
    method: 'GET',
    path: '/3.0/mlflow/traces/:trace_id',
    tag: TAG,
    summary: 'A trace without its spans',
    request: GetTraceInfo,
    response: z.object({ trace: z.object({ trace_info: TraceInfoWire }) }),
    handle: async (input) => ({ trace: { trace_info: await reader.getInfo(input.trace_id) } }),
  }),
  endpoint({
    method: 'GET',
    path: '/2.0/mlflow/traces/:request_id/info',
    tag: TAG,
    summary: 'A trace as clients before MLflow 3 read it',
    request: GetTraceInfoV2,
    response: z.object({ trace_info: TraceInfoV2Wire }),
    handle: async (input) => ({ trace_info: await reader.getInfoV2(input.request_id) }),
  }),
]
