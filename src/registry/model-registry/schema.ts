// Messages of the model registry: registered models, their aliases, model versions.
import { z } from 'zod'
import { atMost, bool, int64, message, repeated, text } from '../../platform/wire/message.ts'

const MAX_MODELS_PER_PAGE = 1000
export const MAX_VERSIONS_PER_PAGE = 200_000

const TagWire = z.object({ key: z.string(), value: z.string() })

export const ModelVersionWire = z
  .object({
    name: z.string().describe('Name of the registered model'),
    version: z.string().describe('Decimal digits, counted from 1'),
    creation_timestamp: z.number().int().describe('Milliseconds since the epoch'),
    last_updated_timestamp: z.number().int().describe('Milliseconds since the epoch'),
    user_id: z.string().optional(),
    current_stage: z.string().describe('None, Staging, Production or Archived'),
    description: z.string().optional(),
    source: z.string().describe('URI of the model when the version was created'),
    run_id: z.string().optional(),
    status: z.enum(['PENDING_REGISTRATION', 'FAILED_REGISTRATION', 'READY']),
    status_message: z.string().optional(),
    tags: z.array(TagWire).optional(),
    run_link: z.string().optional(),
    aliases: z.array(z.string()).optional(),
  })
  .meta({ id: 'ModelVersion' })
export type ModelVersion = z.infer<typeof ModelVersionWire>

export const RegisteredModelWire = z
  .object({
    name: z.string(),
    creation_timestamp: z.number().int().describe('Milliseconds since the epoch'),
    last_updated_timestamp: z.number().int().describe('Milliseconds since the epoch'),
    description: z.string().optional(),
    latest_versions: z.array(ModelVersionWire).optional().describe('The latest version of each stage'),
    tags: z.array(TagWire).optional(),
    aliases: z.array(z.object({ alias: z.string(), version: z.string() })).optional(),
  })
  .meta({ id: 'RegisteredModel' })
export type RegisteredModel = z.infer<typeof RegisteredModelWire>

const tagFields = { key: text().optional(), value: text().optional() }
export const RegisteredModelTagSchema = message('RegisteredModelTag', tagFields)
export const ModelVersionTagSchema = message('ModelVersionTag', tagFields)

export const CreateRegisteredModel = message('CreateRegisteredModel', {
  name: text(),
  tags: repeated(RegisteredModelTagSchema),
  description: text().optional(),
})
export const RenameRegisteredModel = message('RenameRegisteredModel', { name: text(), new_name: text() })
export const UpdateRegisteredModel = message('UpdateRegisteredModel', {
  name: text(),
  description: text().optional(),
})
export const DeleteRegisteredModel = message('DeleteRegisteredModel', { name: text() })
export const GetRegisteredModel = message('GetRegisteredModel', { name: text() })
export const SearchRegisteredModels = message('SearchRegisteredModels', {
  filter: text().optional(),
  max_results: int64().refine(atMost(MAX_MODELS_PER_PAGE)).optional(),
  order_by: repeated(text()),
  page_token: text().optional(),
})
export const GetLatestVersions = message('GetLatestVersions', { name: text(), stages: repeated(text()) })
export const SetRegisteredModelTag = message('SetRegisteredModelTag', {
  name: text(),
  key: text(),
  value: text().optional(),
})
export const DeleteRegisteredModelTag = message('DeleteRegisteredModelTag', { name: text(), key: text() })
export const SetRegisteredModelAlias = message('SetRegisteredModelAlias', {
  name: text(),
  alias: text(),
  version: text(),
})
export const DeleteRegisteredModelAlias = message('DeleteRegisteredModelAlias', {
  name: text(),
  alias: text(),
})
export const GetModelVersionByAlias = message('GetModelVersionByAlias', { name: text(), alias: text() })

export const CreateModelVersion = message('CreateModelVersion', {
  name: text(),
  source: text(),
  run_id: text().optional(),
  tags: repeated(ModelVersionTagSchema),
  run_link: text().optional(),
  description: text().optional(),
  model_id: text().optional(),
})
export const GetModelVersion = message('GetModelVersion', { name: text(), version: text() })
export const UpdateModelVersion = message('UpdateModelVersion', {
  name: text(),
  version: text(),
  description: text().optional(),
})
export const TransitionModelVersionStage = message('TransitionModelVersionStage', {
  name: text(),
  version: text(),
  stage: text(),
  archive_existing_versions: bool().optional(),
})
export const DeleteModelVersion = message('DeleteModelVersion', { name: text(), version: text() })
export const GetModelVersionDownloadUri = message('GetModelVersionDownloadUri', {
  name: text().optional(),
  version: text().optional(),
})
export const SearchModelVersions = message('SearchModelVersions', {
  filter: text().optional(),
  max_results: int64().refine(atMost(MAX_VERSIONS_PER_PAGE)).optional(),
  order_by: repeated(text()),
  page_token: text().optional(),
})
export const SetModelVersionTag = message('SetModelVersionTag', {
  name: text(),
  version: text(),
  key: text(),
  value: text().optional(),
})
export const DeleteModelVersionTag = message('DeleteModelVersionTag', {
  name: text(),
  version: text(),
  key: text(),
})
