// A server with nothing but the artifact endpoints, over runs that the test names.
import { request } from 'node:http'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll } from 'vitest'
import { createPresignedLinks } from '../../../src/artifacts/presigned-links.service.ts'
import { registerArtifactRoutes } from '../../../src/artifacts/routes.ts'
import { createArtifactService, type RunLocation } from '../../../src/artifacts/service.ts'
import { createLocationPolicy } from '../../../src/artifacts/stores/locations.ts'
import type { ArtifactStore } from '../../../src/artifacts/stores/store.ts'
import { doesNotExist } from '../../../src/errors.ts'
import { registerErrorHandler } from '../../../src/platform/http/error-handler.ts'
import { registerJsonBody } from '../../../src/platform/http/json-body.ts'
import type { StoreTarget } from './targets.ts'

export interface ArtifactApp {
  app: FastifyInstance
  /** `http://127.0.0.1:<port>`, for what `inject` cannot show. */
  url: string
  store: () => ArtifactStore
  /** Makes a run known, and answers its id. */
  addRun: (artifactUri: string) => string
}

interface Options {
  serving?: boolean
  artifactsOnly?: boolean
  /** Folders besides the destination that the server may go to. */
  allowedFolders?: string[]
}

/** Starts the server before the suite's tests and closes it after them. */
export function useArtifactApp(target: StoreTarget, options: Options = {}): ArtifactApp {
  const runs = new Map<string, RunLocation>()
  const self: ArtifactApp = {
    app: Fastify({ forceCloseConnections: true }),
    url: '',
    store: () => target.open(target.uri),
    addRun(artifactUri) {
      const runId = crypto.randomUUID().replaceAll('-', '')
      runs.set(runId, { runId, experimentId: '0', artifactUri })
      return runId
    },
  }
  const known = (id: string) => {
    const run = runs.get(id)
    if (!run) throw doesNotExist(`Run with id=${id} not found`)
    return run
  }
  beforeAll(async () => {
    const { app } = self
    app.setValidatorCompiler(() => () => true)
    app.setSerializerCompiler(() => JSON.stringify)
    registerErrorHandler(app)
    registerJsonBody(app)
    const places = {
      getRun: async (runId: string) => known(runId),
      getLoggedModelLocation: async (modelId: string) => known(modelId).artifactUri,
      getModelVersionLocation: async (name: string) => known(name).artifactUri,
    }
    const service = createArtifactService({
      ...places,
      openStore: (uri) => target.open(uri),
      destination: options.serving === false ? undefined : target.uri,
      locations: createLocationPolicy({
        allowedSchemes: [],
        configured: [target.uri],
        allowedFolders: options.allowedFolders ?? [],
        maxLength: 2048,
      }),
    })
    const links = createPresignedLinks({ ...places, artifacts: service, presignedDownloadSeconds: 300 })
    registerArtifactRoutes(app, service, links, { artifactsOnly: options.artifactsOnly ?? false })
    self.url = await app.listen({ host: '127.0.0.1', port: 0 })
  })
  afterAll(() => self.app.close())
  return self
}

interface RawAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

/** Sends a request whose path goes over the wire exactly as written. */
export async function sendRaw(
  url: string,
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
