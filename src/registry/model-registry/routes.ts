// REST of registered models and their aliases. Model versions are in versions.routes.ts.
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import type { AliasService } from './aliases.service.ts'
import type { RegisteredModelService } from './models.service.ts'
import * as schema from './schema.ts'

const tag = 'registered-models'
const PATH = '/2.0/mlflow/registered-models'
const Empty = z.object({})
const OneModel = z.object({ registered_model: schema.RegisteredModelWire })

export const registeredModelEndpoints = (
  models: RegisteredModelService,
  aliases: AliasService,
): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: `${PATH}/create`,
    tag,
    summary: 'Create a registered model with a name that no other has',
    request: schema.CreateRegisteredModel,
    response: OneModel,
    handle: async (input) => ({ registered_model: await models.create(input) }),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/get`,
    tag,
    summary: 'Get a registered model with its latest versions, tags and aliases',
    request: schema.GetRegisteredModel,
    response: OneModel,
    handle: async ({ name }) => ({ registered_model: await models.get(name) }),
  }),
  endpoint({
    method: 'POST',
    path: `${PATH}/rename`,
    tag,
    summary: 'Rename a registered model',
    request: schema.RenameRegisteredModel,
    response: OneModel,
    handle: async ({ name, new_name }) => ({ registered_model: await models.rename(name, new_name) }),
  }),
  endpoint({
    method: 'PATCH',
    path: `${PATH}/update`,
    tag,
    summary: 'Set the description of a registered model',
    request: schema.UpdateRegisteredModel,
    response: OneModel,
    handle: async ({ name, description = '' }) => ({
      registered_model: await models.update(name, description),
    }),
  }),
  endpoint({
    method: 'DELETE',
    path: `${PATH}/delete`,
    tag,
    summary: 'Delete a registered model with all its versions',
    request: schema.DeleteRegisteredModel,
    response: Empty,
    handle: ({ name }) => models.delete(name),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/search`,
    tag,
    summary: 'Search registered models',
    request: schema.SearchRegisteredModels,
    response: z.object({
      registered_models: z.array(schema.RegisteredModelWire).optional(),
      next_page_token: z.string().optional(),
    }),
    handle: async (input) => {
      const { models: found, nextPageToken } = await models.search(input)
      return { ...(found.length > 0 && { registered_models: found }), next_page_token: nextPageToken }
    },
  }),
  ...latestVersionEndpoints(models),
  ...tagEndpoints(models),
  ...aliasEndpoints(aliases),
]

function latestVersionEndpoints(models: RegisteredModelService): Endpoint[] {
  const latest = {
    path: `${PATH}/get-latest-versions`,
    tag,
    summary: 'Get the latest version of each stage',
    request: schema.GetLatestVersions,
    response: z.object({ model_versions: z.array(schema.ModelVersionWire).optional() }),
    handle: async ({ name, stages }: z.output<typeof schema.GetLatestVersions>) => {
      const found = await models.latestVersions(name, stages)
      return found.length > 0 ? { model_versions: found } : {}
    },
  }
  return [endpoint({ method: 'GET', ...latest }), endpoint({ method: 'POST', ...latest })]
}

const tagEndpoints = (models: RegisteredModelService): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: `${PATH}/set-tag`,
    tag,
    summary: 'Set a tag of a registered model',
    request: schema.SetRegisteredModelTag,
    response: Empty,
    handle: ({ name, key, value = '' }) => models.setTag(name, key, value),
  }),
  endpoint({
    method: 'DELETE',
    path: `${PATH}/delete-tag`,
    tag,
    summary: 'Delete a tag of a registered model',
    request: schema.DeleteRegisteredModelTag,
    response: Empty,
    handle: ({ name, key }) => models.deleteTag(name, key),
  }),
]

const aliasEndpoints = (aliases: AliasService): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: `${PATH}/alias`,
    tag,
    summary: 'Point an alias to a version',
    request: schema.SetRegisteredModelAlias,
    response: Empty,
    handle: ({ name, alias, version }) => aliases.set(name, alias, version),
  }),
  endpoint({
    method: 'DELETE',
    path: `${PATH}/alias`,
    tag,
    summary: 'Delete an alias',
    request: schema.DeleteRegisteredModelAlias,
    response: Empty,
    handle: ({ name, alias }) => aliases.delete(name, alias),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/alias`,
    tag,
    summary: 'Get the version that an alias points to; `latest` is the highest one',
    request: schema.GetModelVersionByAlias,
    response: z.object({ model_version: schema.ModelVersionWire }),
    handle: async ({ name, alias }) => ({ model_version: await aliases.getVersion(name, alias) }),
  }),
]
