// Messages of the datasets area.
import { z } from 'zod'
import { int32, message, repeated, text } from '../../platform/wire/message.ts'

export const EvaluationDatasetWire = z
  .object({
    dataset_id: z.string(),
    name: z.string(),
    tags: z.string().describe('JSON object of tags by key'),
    schema: z
      .string()
      .optional()
      .describe('JSON object: types of the fields of inputs, outputs, expectations'),
    profile: z.string().optional().describe('JSON object with num_records; null when all are deleted'),
    digest: z.string(),
    created_time: z.number().int().describe('Milliseconds since the epoch'),
    last_update_time: z.number().int().describe('Milliseconds since the epoch'),
    created_by: z.string().optional(),
    last_updated_by: z.string().optional(),
    experiment_ids: z.array(z.string()).optional().describe('Answered by the creation alone'),
  })
  .meta({ id: 'EvaluationDataset' })
export type EvaluationDataset = z.infer<typeof EvaluationDatasetWire>

const dataset_id = text()

export const CreateDataset = message('CreateDataset', {
  name: text(),
  experiment_ids: repeated(text()),
  tags: text().optional().describe('JSON object of tags by key'),
})
export const GetDataset = message('GetDataset', { dataset_id })
export const DeleteDataset = message('DeleteDataset', { dataset_id })
export const SearchEvaluationDatasets = message('SearchEvaluationDatasets', {
  experiment_ids: repeated(text()),
  filter_string: text().optional(),
  max_results: int32().optional(),
  order_by: repeated(text()),
  page_token: text().optional(),
})
export const SetDatasetTags = message('SetDatasetTags', {
  dataset_id,
  tags: text().describe('JSON object of tags by key'),
})
export const DeleteDatasetTag = message('DeleteDatasetTag', { dataset_id, key: text() })
export const UpsertDatasetRecords = message('UpsertDatasetRecords', {
  dataset_id,
  records: text().describe('JSON list of records'),
})
export const GetDatasetExperimentIds = message('GetDatasetExperimentIds', { dataset_id })
export const GetDatasetRecords = message('GetDatasetRecords', {
  dataset_id,
  max_results: int32().optional(),
  page_token: text().optional(),
})
export const DeleteDatasetRecords = message('DeleteDatasetRecords', {
  dataset_id,
  dataset_record_ids: repeated(text()),
})
export const AddDatasetToExperiments = message('AddDatasetToExperiments', {
  dataset_id,
  experiment_ids: repeated(text()),
})
export const RemoveDatasetFromExperiments = message('RemoveDatasetFromExperiments', {
  dataset_id,
  experiment_ids: repeated(text()),
})
