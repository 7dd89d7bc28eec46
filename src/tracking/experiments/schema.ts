// Messages of the experiments area.
import { z } from 'zod'
import { enumeration, int64, message, repeated, text } from '../../platform/wire/message.ts'

export const VIEW_TYPES = { ACTIVE_ONLY: 1, DELETED_ONLY: 2, ALL: 3 } as const
export type ViewType = keyof typeof VIEW_TYPES
export const viewType = () => enumeration(VIEW_TYPES)

export const ExperimentTagSchema = message('ExperimentTag', {
  key: text().optional(),
  value: text().optional(),
})

export const ExperimentSchema = z
  .object({
    experiment_id: z.string().describe('Decimal digits'),
    name: z.string(),
    artifact_location: z.string().describe('Root URI of the artifacts of the experiment'),
    lifecycle_stage: z.enum(['active', 'deleted']),
    last_update_time: z.number().int().describe('Milliseconds since the epoch'),
    creation_time: z.number().int().describe('Milliseconds since the epoch'),
    tags: z.array(z.object({ key: z.string(), value: z.string() })).optional(),
    workspace: z.string(),
  })
  .meta({ id: 'Experiment' })
export type Experiment = z.infer<typeof ExperimentSchema>

export const CreateExperiment = message('CreateExperiment', {
  name: text(),
  artifact_location: text().optional(),
  tags: repeated(ExperimentTagSchema),
})
export const GetExperiment = message('GetExperiment', { experiment_id: text() })
export const GetExperimentByName = message('GetExperimentByName', { experiment_name: text() })
export const DeleteExperiment = message('DeleteExperiment', { experiment_id: text() })
export const RestoreExperiment = message('RestoreExperiment', { experiment_id: text() })
export const UpdateExperiment = message('UpdateExperiment', { experiment_id: text(), new_name: text() })
export const SetExperimentTag = message('SetExperimentTag', {
  experiment_id: text(),
  key: text(),
  value: text().optional(),
})
export const DeleteExperimentTag = message('DeleteExperimentTag', { experiment_id: text(), key: text() })
export const SearchExperiments = message('SearchExperiments', {
  view_type: viewType().optional(),
  max_results: int64().optional(),
  order_by: repeated(text()),
  filter: text().optional(),
  page_token: text().optional(),
})
