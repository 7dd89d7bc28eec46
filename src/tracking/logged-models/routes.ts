// REST of the logged models area. Files of logged models are served by the artifacts room.
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import * as schema from './schema.ts'
import type { LoggedModelService } from './service.ts'

const tag = 'logged-models'
const PATH = '/2.0/mlflow/logged-models'
const Empty = z.object({})
const OneModel = z.object({ model: schema.LoggedModelWire })

export const loggedModelEndpoints = (service: LoggedModelService): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: PATH,
    tag,
    summary: 'Create a logged model in an experiment',
    request: schema.CreateLoggedModel,
    response: OneModel,
    handle: async (input) => ({ model: await service.create(input) }),
  }),
  endpoint({
    method: 'POST',
    path: `${PATH}/search`,
    tag,
    summary: 'Search logged models of experiments',
    request: schema.SearchLoggedModels,
    response: z.object({
      models: z.array(schema.LoggedModelWire).optional(),
      next_page_token: z.string().optional(),
    }),
    handle: async (input) => {
      const { models, nextPageToken } = await service.search(input)
      return { ...(models.length > 0 && { models }), next_page_token: nextPageToken }
    },
  }),
  ...oneModel(service),
]

const oneModel = (service: LoggedModelService): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: `${PATH}/:model_id`,
    tag,
    summary: 'Get a logged model with its params, tags and metrics',
    request: schema.GetLoggedModel,
    response: OneModel,
    handle: async ({ model_id, allow_deleted }) => ({
      model: await service.get(model_id, { allowDeleted: allow_deleted?.toLowerCase() === 'true' }),
    }),
  }),
  endpoint({
    method: 'PATCH',
    path: `${PATH}/:model_id`,
    tag,
    summary: 'Set the status of a logged model',
    request: schema.FinalizeLoggedModel,
    response: OneModel,
    handle: async ({ model_id, status }) => ({ model: await service.finalize(model_id, status) }),
  }),
  endpoint({
    method: 'DELETE',
    path: `${PATH}/:model_id`,
    tag,
    summary: 'Mark a logged model as deleted',
    request: schema.DeleteLoggedModel,
    response: Empty,
    handle: (input) => service.delete(input.model_id),
  }),
  endpoint({
    method: 'PATCH',
    path: `${PATH}/:model_id/tags`,
    tag,
    summary: 'Set tags of a logged model',
    request: schema.SetLoggedModelTags,
    response: Empty,
    handle: (input) => service.setTags(input.model_id, input.tags),
  }),
  endpoint({
    method: 'DELETE',
    path: `${PATH}/:model_id/tags/:tag_key`,
    tag,
    summary: 'Delete a tag of a logged model',
    request: schema.DeleteLoggedModelTag,
    response: Empty,
    handle: (input) => service.deleteTag(input.model_id, input.tag_key),
  }),
  endpoint({
    method: 'POST',
    path: `${PATH}/:model_id/params`,
    tag,
    summary: 'Log params of a logged model; their first values stay',
    request: schema.LogLoggedModelParams,
    response: Empty,
    handle: (input) => service.logParams(input.model_id, input.params),
  }),
]
