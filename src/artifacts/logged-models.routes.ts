// The endpoints for files of logged models.
import { MlflowError } from '../errors.ts'
import { type Endpoint, endpoint } from '../platform/http/route.ts'
import * as schema from './schema.ts'
import { sendFile } from './send-file.routes.ts'
import type { ArtifactService } from './service.ts'

const tag = 'logged-models'
const PATH = '/2.0/mlflow/logged-models/:model_id/artifacts'

export const loggedModelFileEndpoints = (service: ArtifactService): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: `${PATH}/directories`,
    tag,
    summary: 'List a folder of a logged model',
    request: schema.ListLoggedModelArtifacts,
    response: schema.ListArtifactsWire,
    async handle({ model_id, artifact_directory_path }) {
      const { rootUri, files } = await service.listInModel(model_id, artifact_directory_path)
      return { root_uri: rootUri, ...schema.filesToWire(files) }
    },
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/files`,
    prefixes: ['/ajax-api'],
    tag,
    summary: 'Download a file of a logged model',
    request: schema.GetLoggedModelArtifact,
    response: schema.BytesWire,
    async handle({ model_id, artifact_file_path }, request, reply) {
      if (!artifact_file_path) {
        throw new MlflowError('BAD_REQUEST', 'Request must include the "artifact_file_path" query parameter.')
      }
      const located = await service.locateInModel(model_id, artifact_file_path)
      return sendFile(request, reply, located, 'conditional')
    },
  }),
]
