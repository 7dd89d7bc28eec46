// Messages of the runs area.
import { z } from 'zod'
import {
  atMost,
  double,
  enumeration,
  int32,
  int64,
  message,
  repeated,
  required,
  text,
} from '../../platform/wire/message.ts'
import {
  DatasetInputSchema,
  ModelInputSchema,
  ModelOutputSchema,
  RunInputsWire,
  RunOutputsWire,
} from '../datasets/schema.ts'
import { viewType } from '../experiments/schema.ts'
import { MetricWire } from '../metrics/schema.ts'

export const RUN_STATUSES = { RUNNING: 1, SCHEDULED: 2, FINISHED: 3, FAILED: 4, KILLED: 5 } as const
export type RunStatus = keyof typeof RUN_STATUSES

export const RunTagSchema = message('RunTag', { key: text().optional(), value: text().optional() })
export const ParamSchema = message('Param', { key: text().optional(), value: text().optional() })
export const MetricSchema = message('MetricInput', {
  key: text().optional(),
  value: double().optional(),
  timestamp: int64().optional(),
  step: int64().optional(),
  dataset_name: text().optional(),
  dataset_digest: text().optional(),
  model_id: text().optional(),
  run_id: text().optional(),
})

const KeyValue = z.object({ key: z.string(), value: z.string() })

export const RunInfoWire = z
  .object({
    run_uuid: z.string().describe('The same as run_id, for old clients'),
    experiment_id: z.string(),
    run_name: z.string().optional(),
    user_id: z.string().optional(),
    status: z.enum(Object.keys(RUN_STATUSES) as [RunStatus, ...RunStatus[]]),
    start_time: z.union([z.number(), z.bigint()]).optional().describe('Milliseconds since the epoch'),
    end_time: z.union([z.number(), z.bigint()]).optional().describe('Milliseconds since the epoch'),
    artifact_uri: z.string().optional(),
    lifecycle_stage: z.enum(['active', 'deleted']),
    run_id: z.string().describe('32 hex digits'),
  })
  .meta({ id: 'RunInfo' })
export type RunInfo = z.infer<typeof RunInfoWire>

export const RunDataWire = z
  .object({
    metrics: z.array(MetricWire).optional().describe('The latest value of each key'),
    params: z.array(KeyValue).optional(),
    tags: z.array(KeyValue).optional(),
  })
  .meta({ id: 'RunData' })
export type RunData = z.infer<typeof RunDataWire>

export const RunWire = z
  .object({ info: RunInfoWire, data: RunDataWire, inputs: RunInputsWire, outputs: RunOutputsWire.optional() })
  .meta({ id: 'Run' })
export type Run = z.infer<typeof RunWire>

export const CreateRun = message('CreateRun', {
  experiment_id: text().optional(),
  user_id: text().optional(),
  run_name: text().optional(),
  start_time: int64().optional(),
  tags: repeated(RunTagSchema),
})
export const UpdateRun = message('UpdateRun', {
  run_id: text(),
  status: enumeration(RUN_STATUSES).optional(),
  end_time: int64().optional(),
  run_name: text().optional(),
})
export const DeleteRun = message('DeleteRun', { run_id: text() })
export const RestoreRun = message('RestoreRun', { run_id: text() })
export const GetRun = message('GetRun', { run_id: text() })
export const LogMetric = message('LogMetric', {
  run_id: text(),
  key: text(),
  value: double(),
  timestamp: int64(),
  step: int64().optional(),
  model_id: text().optional(),
  dataset_name: text().optional(),
  dataset_digest: text().optional(),
})
export const LogParam = message('LogParam', { run_id: text(), key: text(), value: text().optional() })
export const SetTag = message('SetTag', { run_id: text(), key: text(), value: text().optional() })
export const DeleteTag = message('DeleteTag', { run_id: text(), key: text() })
export const LogBatch = message('LogBatch', {
  run_id: text(),
  metrics: repeated(MetricSchema),
  params: repeated(ParamSchema),
  tags: repeated(RunTagSchema),
})
export const LogModel = message('LogModel', { run_id: text(), model_json: text() })
export const LogInputs = message('LogInputs', {
  run_id: text(),
  datasets: repeated(DatasetInputSchema),
  models: repeated(ModelInputSchema),
})
export const LogOutputs = message('LogOutputs', {
  run_id: text(),
  models: required(repeated(ModelOutputSchema)),
})
export const SearchRuns = message('SearchRuns', {
  experiment_ids: repeated(text()),
  filter: text().optional(),
  run_view_type: viewType().optional(),
  max_results: int32().refine(atMost(50000)).optional(),
  order_by: repeated(text()),
  page_token: text().optional(),
})
