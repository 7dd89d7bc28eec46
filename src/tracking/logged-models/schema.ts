// Messages of the logged models area.
import { z } from 'zod'
import { bool, enumeration, int32, message, repeated, required, text } from '../../platform/wire/message.ts'
import { MetricWire } from '../metrics/schema.ts'

export const LOGGED_MODEL_STATUSES = {
  LOGGED_MODEL_STATUS_UNSPECIFIED: 0,
  LOGGED_MODEL_PENDING: 1,
  LOGGED_MODEL_READY: 2,
  LOGGED_MODEL_UPLOAD_FAILED: 3,
} as const
export type LoggedModelStatus = keyof typeof LOGGED_MODEL_STATUSES

const STATUS_NAMES = Object.keys(LOGGED_MODEL_STATUSES) as [LoggedModelStatus, ...LoggedModelStatus[]]

const KeyValue = z.object({ key: z.string(), value: z.string() })

export const LoggedModelWire = z
  .object({
    info: z.object({
      model_id: z.string().describe('m- and 32 hex digits'),
      experiment_id: z.string(),
      name: z.string(),
      creation_timestamp_ms: z.number().int(),
      last_updated_timestamp_ms: z.number().int(),
      artifact_uri: z.string(),
      status: z.enum(STATUS_NAMES),
      model_type: z.string().optional(),
      source_run_id: z.string().optional(),
      status_message: z.string().optional(),
      tags: z.array(KeyValue).optional(),
    }),
    data: z.object({
      params: z.array(KeyValue).optional(),
      metrics: z.array(MetricWire).optional().describe('Every point that was logged for the model'),
    }),
  })
  .meta({ id: 'LoggedModel' })
export type LoggedModel = z.infer<typeof LoggedModelWire>

export const LoggedModelTagSchema = message('LoggedModelTag', {
  key: text().optional(),
  value: text().optional(),
})
export const LoggedModelParameterSchema = message('LoggedModelParameter', {
  key: text().optional(),
  value: text().optional(),
})

export const CreateLoggedModel = message('CreateLoggedModel', {
  experiment_id: text(),
  name: text().optional(),
  model_type: text().optional(),
  source_run_id: text().optional(),
  params: repeated(LoggedModelParameterSchema),
  tags: repeated(LoggedModelTagSchema),
})
export const GetLoggedModel = message('GetLoggedModel', {
  model_id: text(),
  allow_deleted: text().optional(),
})
export const FinalizeLoggedModel = message('FinalizeLoggedModel', {
  model_id: text(),
  status: enumeration(LOGGED_MODEL_STATUSES),
})
export const DeleteLoggedModel = message('DeleteLoggedModel', { model_id: text() })
export const SetLoggedModelTags = message('SetLoggedModelTags', {
  model_id: text(),
  tags: repeated(LoggedModelTagSchema),
})
export const DeleteLoggedModelTag = message('DeleteLoggedModelTag', { model_id: text(), tag_key: text() })
export const LogLoggedModelParams = message('LogLoggedModelParamsRequest', {
  model_id: text(),
  params: repeated(LoggedModelParameterSchema),
})
export const SearchLoggedModels = message('SearchLoggedModels', {
  experiment_ids: required(repeated(text())),
  filter: text().optional(),
  datasets: repeated(
    message('SearchLoggedModelsDataset', {
      dataset_name: text().optional(),
      dataset_digest: text().optional(),
    }),
  ),
  max_results: int32().optional(),
  order_by: repeated(
    message('SearchLoggedModelsOrderBy', {
      field_name: text().optional(),
      ascending: bool().optional(),
      dataset_name: text().optional(),
      dataset_digest: text().optional(),
    }),
  ),
  page_token: text().optional(),
})
