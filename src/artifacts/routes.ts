// The artifact endpoints: proxied files and multipart uploads, files of runs, signed links.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Endpoint, endpoint, mount } from '../platform/http/route.ts'
import { missingParameter } from '../platform/wire/message.ts'
import { loggedModelFileEndpoints } from './logged-models.routes.ts'
import { modelVersionFileEndpoints } from './model-versions.routes.ts'
import { abortMultipartUpload, completeMultipartUpload, createMultipartUpload } from './multipart.ts'
import { decodePath } from './paths.ts'
import type { PresignedLinks } from './presigned-links.service.ts'
import * as schema from './schema.ts'
import { announcedBytes, readBody, sendFile } from './send-file.routes.ts'
import { type ArtifactService, isDirectoryError, write } from './service.ts'

export interface ArtifactRouteOptions {
  /** The server runs with `--artifacts-only`: what needs runs is refused. */
  artifactsOnly: boolean
}

/** Mounts all artifact endpoints. Expects the application's JSON body parser for all but the uploads. */
export function registerArtifactRoutes(
  app: FastifyInstance,
  service: ArtifactService,
  links: PresignedLinks,
  options: ArtifactRouteOptions,
): void {
  app.register(async (scope) => {
    takeBodiesUnread(scope)
    if (!service.isServing) scope.addHook('onRequest', refuseProxied)
    mount(scope, proxiedFiles(service))
  })
  app.register(async (scope) => {
    if (!service.isServing) scope.addHook('onRequest', refuseProxied)
    mount(scope, proxiedMessages(service, links))
  })
  app.register(async (scope) => {
    takeBodiesUnread(scope)
    if (options.artifactsOnly) scope.addHook('onRequest', refuseTracking)
    mount(scope, runFiles(service))
  })
  app.register(async (scope) => {
    if (options.artifactsOnly) scope.addHook('onRequest', refuseTracking)
    mount(scope, runMessages(service, links))
    mount(scope, loggedModelFileEndpoints(service))
    mount(scope, modelVersionFileEndpoints(service))
  })
}

/** Leaves request bodies to the handlers, which stream them; MLflow minds neither their type nor their size. */
function takeBodiesUnread(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
  scope.addHook('onRequest', async (request) => {
    delete request.raw.headers['content-type']
  })
}

const SERVING_DISABLED =
  'Artifact serving is disabled. Run `mlflow server` with `--serve-artifacts` to enable.'

/** @see mlflow/server/handlers.py _disable_unless_serve_artifacts */
async function refuseProxied(request: FastifyRequest, reply: FastifyReply) {
  const isFile = ['GET', 'PUT'].includes(request.method) && ruleOf(request).includes('/artifacts/<')
  if (isFile) return detail(reply, 503, SERVING_DISABLED)
  const text = `Endpoint: ${ruleOf(request)} disabled due to the mlflow server running with \`--no-serve-artifacts\`. To enable artifacts server functionality, run \`mlflow server\` with \`--serve-artifacts\``
  return reply.code(503).type('text/html; charset=utf-8').send(text)
}

/** @see mlflow/server/handlers.py _disable_if_artifacts_only */
async function refuseTracking(request: FastifyRequest, reply: FastifyReply) {
  const text = `Endpoint: ${ruleOf(request)} disabled due to the mlflow server running in \`--artifacts-only\` mode. To enable tracking server functionality, run \`mlflow server\` without \`--artifacts-only\``
  return reply.code(503).type('text/html; charset=utf-8').send(text)
}

const ruleOf = (request: FastifyRequest) =>
  (request.routeOptions.url ?? '').replace('/*', '/<path:artifact_path>')

/** The error body of MLflow's streaming endpoints, which is not the one of all others. */
const detail = (reply: FastifyReply, status: number, text: string) =>
  reply
    .code(status)
    .type('application/json')
    .send(JSON.stringify({ detail: text }))

/**
 * The path behind the route, decoded once. It is taken from the raw URL, since the router ends a path at `#`.
 */
function artifactPath(request: FastifyRequest): string {
  const depth = (request.routeOptions.url ?? '').split('/').length - 1
  const path = (request.raw.url ?? '').split('?', 1)[0] ?? ''
  return decodePath(path.split('/').slice(depth).join('/'))
}

const FILES = '/2.0/mlflow-artifacts/artifacts'
const TAG = 'artifacts'

const proxiedFiles = (service: ArtifactService): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: `${FILES}/*`,
    tag: TAG,
    summary: 'Download a file',
    response: schema.BytesWire,
    refusal: schema.DetailWire,
    async handle(_input, request, reply) {
      const located = await service.locateToRead(artifactPath(request))
      try {
        return await sendFile(request, reply, located, 'streaming')
      } catch (error) {
        if (!isDirectoryError(error) || request.method === 'HEAD') throw error
        return detail(reply, 400, error.message)
      }
    },
  }),
  endpoint({
    method: 'PUT',
    path: `${FILES}/*`,
    tag: TAG,
    summary: 'Upload a file',
    response: schema.NoBodyWire,
    refusal: schema.DetailWire,
    async handle(_input, request, reply) {
      const located = service.locateProxied(artifactPath(request))
      if (located.path === '' || located.path.endsWith('/')) {
        return detail(reply, 400, "Artifact path must include a filename (cannot end with '/').")
      }
      await readBody(request, (body) => write(located, body, announcedBytes(request)))
      return reply.code(200).send()
    },
  }),
  endpoint({
    method: 'DELETE',
    path: `${FILES}/*`,
    tag: TAG,
    summary: 'Delete a file or a folder with all it holds',
    response: schema.EmptyWire,
    async handle(_input, request) {
      const { store, path } = service.locateProxied(artifactPath(request))
      await store.delete(path)
      return {}
    },
  }),
]

const proxiedMessages = (service: ArtifactService, links: PresignedLinks): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: FILES,
    tag: TAG,
    summary: 'List a folder',
    request: schema.ListProxied,
    response: schema.ListProxiedWire,
    handle: async ({ path }) => schema.filesToWire(await service.listProxied(path)),
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow-artifacts/mpu/create/*',
    tag: TAG,
    summary: 'Start a multipart upload',
    request: schema.CreateMultipartUpload,
    response: schema.CreateMultipartUploadWire,
    async handle({ path, num_parts = 0 }, request) {
      const folder = service.locateProxied(artifactPath(request))
      const { uploadId, credentials } = await createMultipartUpload(folder, path, Number(num_parts))
      return schema.multipartToWire(uploadId, credentials)
    },
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow-artifacts/mpu/complete/*',
    tag: TAG,
    summary: 'Complete a multipart upload',
    request: schema.CompleteMultipartUpload,
    response: schema.EmptyWire,
    async handle({ path, upload_id: uploadId = '', parts }, request) {
      const folder = service.locateProxied(artifactPath(request))
      if (!parts?.length) throw missingParameter('parts')
      const uploaded = parts.map((part) => ({ partNumber: part.part_number ?? 0, etag: part.etag ?? '' }))
      await completeMultipartUpload(folder, path, { uploadId, parts: uploaded })
      return {}
    },
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow-artifacts/mpu/abort/*',
    tag: TAG,
    summary: 'Give a multipart upload up',
    request: schema.AbortMultipartUpload,
    response: schema.EmptyWire,
    async handle({ path, upload_id: uploadId = '' }, request) {
      const folder = service.locateProxied(artifactPath(request))
      await abortMultipartUpload(folder, path, uploadId)
      return {}
    },
  }),
  endpoint({
    method: 'GET',
    path: '/2.0/mlflow-artifacts/presigned/*',
    tag: TAG,
    summary: 'Get a signed link to download a file from the object store',
    response: schema.PresignedProxiedWire,
    async handle(_input, request) {
      const { url, headers, totalBytes } = await links.presignProxied(artifactPath(request))
      return { url, headers, file_size: totalBytes }
    },
  }),
]

const runFiles = (service: ArtifactService): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/get-artifact',
    prefixes: [''],
    tag: TAG,
    summary: 'Download a file of a run',
    request: schema.GetArtifact,
    response: schema.BytesWire,
    async handle({ run_id, run_uuid, path }, request, reply) {
      if (path === undefined) throw missingParameter('path')
      const located = await service.locateInRun(run_id || run_uuid || 'None', path)
      return sendFile(request, reply, located, 'conditional')
    },
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/upload-artifact',
    prefixes: ['/ajax-api'],
    tag: TAG,
    summary: 'Upload a file of at most 10 MB to a run',
    response: schema.EmptyWire,
    async handle(_input, request, reply) {
      const query = request.query as Record<string, string | undefined>
      const target = { runId: query.run_uuid, path: query.path }
      await readBody(request, (body) => service.uploadToRun(target, body, announcedBytes(request) ?? 0))
      return reply.type('application/json').send()
    },
  }),
]

const runMessages = (service: ArtifactService, links: PresignedLinks): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/2.0/mlflow/artifacts/list',
    tag: TAG,
    summary: 'List a folder of a run',
    request: schema.ListArtifacts,
    response: schema.ListArtifactsWire,
    async handle({ run_id, run_uuid, path }) {
      const runId = run_id || run_uuid
      if (!runId) throw missingParameter('run_id')
      const { rootUri, files } = await service.listInRun(runId, path)
      return { root_uri: rootUri, ...schema.filesToWire(files) }
    },
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/artifacts/presigned-upload-url',
    tag: TAG,
    summary: 'Get a signed link to upload a file of a run or of a logged model',
    request: schema.CreatePresignedUploadUrl,
    response: schema.PresignedUrlWire,
    async handle({ run_id: runId = '', model_id: modelId = '', path, expiration }) {
      return schema.presignedToWire(await links.presignUpload({ runId, modelId, path, expiration }))
    },
  }),
  endpoint({
    method: 'POST',
    path: '/2.0/mlflow/artifacts/presigned-download-url',
    tag: TAG,
    summary: 'Get a signed link to download a file of a run',
    request: schema.CreatePresignedDownloadUrl,
    response: schema.PresignedUrlWire,
    async handle({ run_id: runId, path, expiration }) {
      return schema.presignedToWire(await links.presignDownload({ runId, path, expiration }))
    },
  }),
]
