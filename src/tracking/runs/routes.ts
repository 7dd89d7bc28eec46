// REST of the runs area.
import { Readable } from 'node:stream'
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import { writeList } from '../../platform/wire/json-list.ts'
import type { LoggingService } from './logging.service.ts'
import * as schema from './schema.ts'
import type { Runs } from './service.ts'

const tag = 'runs'
const Empty = z.object({})
const OneRun = z.object({ run: schema.RunWire })

type Inputs = z.output<typeof schema.LogInputs>

/** The rules for datasets and models that runs read and write, as far as this area's endpoints need them. */
export interface RunEdgesLog {
  logInputs(runId: string, datasets: Inputs['datasets'], models: Inputs['models']): Promise<void>
  logOutputs(runId: string, models: z.output<typeof schema.LogOutputs>['models']): Promise<void>
}

export const runEndpoints = (runs: Runs, logging: LoggingService, edges: RunEdgesLog): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/runs/create',
    tag,
    summary: 'Create a run in an experiment',
    request: schema.CreateRun,
    response: OneRun,
    handle: async (input) => ({ run: await runs.create(input) }),
  }),
  endpoint({
    method: 'GET',
    path: '/2.0/mlflow/runs/get',
    tag,
    summary: 'Get a run with its params, tags, latest metrics, inputs and outputs',
    request: schema.GetRun,
    response: OneRun,
    handle: async (input) => ({ run: await runs.get(input.run_id) }),
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/runs/update',
    tag,
    summary: 'Change the status, end time or name of a run',
    request: schema.UpdateRun,
    response: z.object({ run_info: schema.RunInfoWire }),
    handle: async ({ run_id, ...changes }) => ({ run_info: await runs.update(run_id, changes) }),
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/runs/delete',
    tag,
    summary: 'Mark a run as deleted',
    request: schema.DeleteRun,
    response: Empty,
    handle: (input) => runs.delete(input.run_id),
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/runs/restore',
    tag,
    summary: 'Restore a deleted run',
    request: schema.RestoreRun,
    response: Empty,
    handle: (input) => runs.restore(input.run_id),
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/runs/search',
    tag,
    summary: 'Search runs of experiments',
    request: schema.SearchRuns,
    response: z.object({ runs: z.array(schema.RunWire).optional(), next_page_token: z.string().optional() }),
    handle: async (input, _request, reply) => {
      const found = await runs.search(input)
      const text = writeList('runs', found.runs, { next_page_token: found.nextPageToken })
      return reply.type('application/json').send(Readable.from(text))
    },
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/runs/log-metric',
    tag,
    summary: 'Log a metric point',
    request: schema.LogMetric,
    response: Empty,
    handle: ({ run_id, ...metric }) => logging.logMetric(run_id, metric),
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/runs/log-parameter',
    tag,
    summary: 'Log a param; its first value stays',
    request: schema.LogParam,
    response: Empty,
    handle: ({ run_id, ...param }) => logging.logParam(run_id, param),
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/runs/set-tag',
    tag,
    summary: 'Set a tag of a run',
    request: schema.SetTag,
    response: Empty,
    handle: ({ run_id, ...runTag }) => logging.setTag(run_id, runTag),
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/runs/delete-tag',
    tag,
    summary: 'Delete a tag of a run',
    request: schema.DeleteTag,
    response: Empty,
    handle: (input) => logging.deleteTag(input.run_id, input.key),
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/runs/log-batch',
    tag,
    summary: 'Log up to 1000 metrics, 100 params and 100 tags at once',
    request: schema.LogBatch,
    response: Empty,
    handle: ({ run_id, ...batch }) => logging.logBatch(run_id, batch),
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/runs/log-model',
    tag,
    summary: 'Record a logged model in a tag of a run (clients before MLflow 3)',
    request: schema.LogModel,
    response: Empty,
    handle: (input) => logging.logModel(input.run_id, input.model_json),
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/runs/log-inputs',
    tag,
    summary: 'Log datasets and models that a run reads',
    request: schema.LogInputs,
    response: Empty,
    handle: (input) => edges.logInputs(input.run_id, input.datasets, input.models),
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/runs/outputs',
    tag,
    summary: 'Log models that a run makes',
    request: schema.LogOutputs,
    response: Empty,
    handle: (input) => edges.logOutputs(input.run_id, input.models),
  }),
]
