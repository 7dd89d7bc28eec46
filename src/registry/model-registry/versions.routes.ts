// REST of model versions. Their files are served by the artifacts room.
import { Readable } from 'node:stream'
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import { writeList } from '../../platform/wire/json-list.ts'
import type { ModelRegistry } from './registry.service.ts'
import * as schema from './schema.ts'
import type { StageService } from './stages.service.ts'

const tag = 'model-versions'
const PATH = '/2.0/mlflow/model-versions'
const Empty = z.object({})
const OneVersion = z.object({ model_version: schema.ModelVersionWire })

export const modelVersionEndpoints = (
  versions: ModelRegistry['versions'],
  stages: StageService,
): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: `${PATH}/create`,
    tag,
    summary: 'Create the next version of a registered model',
    request: schema.CreateModelVersion,
    response: OneVersion,
    handle: async (input) => ({ model_version: await versions.create(input) }),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/get`,
    tag,
    summary: 'Get a model version with its tags and aliases',
    request: schema.GetModelVersion,
    response: OneVersion,
    handle: async ({ name, version }) => ({ model_version: await versions.get(name, version) }),
  }),
  endpoint({
    method: 'PATCH',
    path: `${PATH}/update`,
    tag,
    summary: 'Set the description of a model version; without one it is taken away',
    request: schema.UpdateModelVersion,
    response: OneVersion,
    handle: async ({ name, version, description }) => ({
      model_version: await versions.update(name, version, description),
    }),
  }),
  endpoint({
    method: 'POST',
    path: `${PATH}/transition-stage`,
    tag,
    summary: 'Move a model version to a stage',
    request: schema.TransitionModelVersionStage,
    response: OneVersion,
    handle: async (input) => ({ model_version: await stages.transition(input) }),
  }),
  endpoint({
    method: 'DELETE',
    path: `${PATH}/delete`,
    tag,
    summary: 'Delete a model version; its number is not used again',
    request: schema.DeleteModelVersion,
    response: Empty,
    handle: ({ name, version }) => stages.delete(name, version),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/get-download-uri`,
    tag,
    summary: 'Get where the files of a model version lie',
    request: schema.GetModelVersionDownloadUri,
    response: z.object({ artifact_uri: z.string() }),
    handle: async ({ name = '', version = '' }) => ({
      artifact_uri: await versions.downloadUri(name, version),
    }),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/search`,
    tag,
    summary: 'Search model versions',
    request: schema.SearchModelVersions,
    response: z.object({
      model_versions: z.array(schema.ModelVersionWire).optional(),
      next_page_token: z.string().optional(),
    }),
    handle: async (input, _request, reply) => {
      const found = await versions.search(input)
      const text = writeList('model_versions', found.versions, { next_page_token: found.nextPageToken })
      return reply.type('application/json').send(Readable.from(text))
    },
  }),
  ...tagEndpoints(versions),
]

const tagEndpoints = (versions: ModelRegistry['versions']): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: `${PATH}/set-tag`,
    tag,
    summary: 'Set a tag of a model version',
    request: schema.SetModelVersionTag,
    response: Empty,
    handle: ({ name, version, key, value = '' }) => versions.setTag(name, version, key, value),
  }),
  endpoint({
    method: 'DELETE',
    path: `${PATH}/delete-tag`,
    tag,
    summary: 'Delete a tag of a model version',
    request: schema.DeleteModelVersionTag,
    response: Empty,
    handle: ({ name, version, key }) => versions.deleteTag(name, version, key),
  }),
]
