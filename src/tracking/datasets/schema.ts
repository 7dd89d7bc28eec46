// Messages of datasets logged to runs and of the models that runs read and write.
import { z } from 'zod'
import { int64, message, repeated, text } from '../../platform/wire/message.ts'

export const InputTagSchema = message('InputTag', { key: text().optional(), value: text().optional() })
export const DatasetSchema = message('Dataset', {
  name: text().optional(),
  digest: text().optional(),
  source_type: text().optional(),
  source: text().optional(),
  schema: text().optional(),
  profile: text().optional(),
})
export const DatasetInputSchema = message('DatasetInput', {
  tags: repeated(InputTagSchema),
  dataset: DatasetSchema.optional(),
})
export const ModelInputSchema = message('ModelInput', { model_id: text().optional() })
export const ModelOutputSchema = message('ModelOutput', {
  model_id: text().optional(),
  step: int64().optional(),
})

const TagWire = z.object({ key: z.string(), value: z.string() })

export const DatasetInputWire = z.object({
  tags: z.array(TagWire).optional(),
  dataset: z.object({
    name: z.string(),
    digest: z.string(),
    source_type: z.string(),
    source: z.string(),
    schema: z.string().optional(),
    profile: z.string().optional(),
  }),
})
export type DatasetInput = z.infer<typeof DatasetInputWire>

export const RunInputsWire = z.object({
  dataset_inputs: z.array(DatasetInputWire).optional(),
  model_inputs: z.array(z.object({ model_id: z.string() })).optional(),
})
export type RunInputs = z.infer<typeof RunInputsWire>

export const RunOutputsWire = z.object({
  model_outputs: z
    .array(z.object({ model_id: z.string(), step: z.union([z.number(), z.bigint()]) }))
    .optional(),
})
export type RunOutputs = z.infer<typeof RunOutputsWire>

export const DatasetSummaryWire = z
  .object({
    experiment_id: z.string(),
    name: z.string(),
    digest: z.string(),
    context: z.string().optional(),
  })
  .meta({ id: 'DatasetSummary' })
export type DatasetSummary = z.infer<typeof DatasetSummaryWire>

export const SearchDatasets = message('SearchDatasets', { experiment_ids: repeated(text()) })
