// The endpoint for files of model versions.
import { type Endpoint, endpoint } from '../platform/http/route.ts'
import { missingParameter } from '../platform/wire/message.ts'
import * as schema from './schema.ts'
import { sendFile } from './send-file.routes.ts'
import type { ArtifactService } from './service.ts'

export const modelVersionFileEndpoints = (service: ArtifactService): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/model-versions/get-artifact',
    prefixes: [''],
    tag: 'model-versions',
    summary: 'Download a file of a model version',
    request: schema.GetModelVersionArtifact,
    response: schema.BytesWire,
    async handle({ name = '', version = '', path }, request, reply) {
      if (path === undefined) throw missingParameter('path')
      const located = await service.locateInVersion(name, version, path)
      return sendFile(request, reply, located, 'conditional')
    },
  }),
]
