// MLflow's rules for artifacts: where a path lies, what may be written there, which links a client gets.
import { Readable } from 'node:stream'
import { invalidParameter, MlflowError } from '../errors.ts'
import type { Int64 } from '../platform/wire/int64.ts'
import { missingParameter } from '../platform/wire/message.ts'
import { baseName, directoryName, joinPath, parseUri } from '../platform/wire/uri.ts'
import {
  decodedName,
  isNoName,
  isProxiedUri,
  proxiedDestinationPath,
  validatePathIsSafe,
  verifyArtifactFolder,
} from './paths.ts'
import { attachmentDisposition } from './stores/content-disposition.ts'
import type { LocationPolicy } from './stores/locations.ts'
import { guessMimeType } from './stores/mime-types.ts'
import {
  type ArtifactStore,
  DirectoryError,
  type FileInfo,
  invalidPath,
  type MultipartUploads,
  pathParts,
  type UploadedPart,
} from './stores/store.ts'

/** What is needed of a run to find its artifacts. */
export interface RunLocation {
  runId: string
  experimentId: string
  artifactUri: string
}

export interface ArtifactServiceDeps {
  openStore: (uri: string) => ArtifactStore
  /** Location behind the mlflow-artifacts endpoints; undefined when the server does not serve artifacts. */
  destination: string | undefined
  locations: Pick<LocationPolicy, 'validateStored'>
  getRun: (runId: string) => Promise<RunLocation>
  /** The artifact location of a logged model. */
  getLoggedModelLocation: (modelId: string) => Promise<string>
  /** The artifact location of a model version. */
  getModelVersionLocation: (name: string, version: string) => Promise<string>
  /** @see MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS */
  presignedDownloadSeconds: number
}

/** A file or folder in a store. `path` is safe, and as the client spelled it. */
export interface Located {
  store: ArtifactStore
  path: string
}

/** MLflow's limit for uploads through the UI. */
const MAX_UI_UPLOAD_BYTES = 10 * 1024 * 1024
/** Longest life of a signed link that object stores accept: seven days. */
const MAX_EXPIRY_SECONDS = 604_800
const DEFAULT_UPLOAD_EXPIRY_SECONDS = 900
/** S3's limit of parts in one upload. */
const MAX_PARTS = 10_000

const tooLargeForUi = () => invalidParameter('Artifact size is too large. Max size is 10MB.')
const unsupported = (what: string) =>
  new MlflowError('NOT_IMPLEMENTED', `${what} is not supported for the current artifact repository`)

export type ArtifactService = ReturnType<typeof createArtifactService>

/** @see mlflow/server/handlers.py and mlflow/server/artifact_router.py */
export function createArtifactService(deps: ArtifactServiceDeps) {
  const { destination, locations, openStore } = deps

  /** Whether the mlflow-artifacts endpoints are served. */
  const isServing = destination !== undefined

  function destinationStore(): ArtifactStore {
    if (destination === undefined) throw unsupported('Serving artifacts')
    return openStore(destination)
  }

  /** A client's path below the artifacts destination. @throws INVALID_PARAMETER_VALUE "Invalid path" */
  const locateProxied = (path: string): Located => ({
    store: destinationStore(),
    path: validatePathIsSafe(path),
  })

  /**
   * A safe path below an artifact root: a proxied one lies in the destination, any other in a store of its own.
   * @throws INVALID_PARAMETER_VALUE when the root's host is not trusted, NOT_IMPLEMENTED for its scheme
   * @see mlflow/server/handlers.py _is_servable_proxied_run_artifact_root
   */
  function locateBelow(rootUri: string, path: string): Located {
    if (isProxiedUri(rootUri) && isServing) {
      return { store: destinationStore(), path: proxiedDestinationPath(rootUri, path) }
    }
    locations.validateStored(rootUri)
    return { store: openStore(rootUri), path }
  }

  /**
   * The place that a client reads. Older clients decode the names of a list, and then ask for what came of them: of
   * `a%step%0%timestamp%1700000000000%…`, their name for an image of a step, not even control characters are left
   * out. Nothing else can be meant by such a name.
   */
  async function locateToRead(path: string): Promise<Located> {
    const [folder, name] = [directoryName(path), baseName(path)]
    if (!isNoName(name)) return locateProxied(path)
    const { store, path: place } = locateProxied(folder)
    const names = (await store.list(place)).map((file) => baseName(file.path))
    return locateProxied(joinPath(folder, names.find((each) => decodedName(each) === name) ?? name))
  }

  async function locateInRun(runId: string, path: string): Promise<Located> {
    const safe = validatePathIsSafe(path)
    return locateBelow((await deps.getRun(runId)).artifactUri, safe)
  }

  /**
   * What lies directly below a safe path of an artifact root, with paths relative to that root.
   * @see mlflow/server/handlers.py _list_artifacts_for_proxied_run_artifact_root
   */
  async function listBelow(rootUri: string, path: string): Promise<FileInfo[]> {
    const located = locateBelow(rootUri, path)
    const infos = await located.store.list(located.path)
    if (!isProxiedUri(rootUri)) return infos
    return infos.map((info) => ({ ...info, path: joinPath(path, baseName(info.path)) }))
  }

  /** Writes a file of the server's own making below an artifact root. */
  async function writeText(rootUri: string, path: string, text: string): Promise<void> {
    const data = Buffer.from(text)
    await write(locateBelow(rootUri, path), Readable.from([data]), data.length)
  }

  /** The files of a run, and where they lie. @see mlflow/server/handlers.py list_artifacts_impl */
  async function listInRun(runId: string, path = ''): Promise<{ rootUri: string; files: FileInfo[] }> {
    const safe = validatePathIsSafe(path)
    const { artifactUri } = await deps.getRun(runId)
    return { rootUri: artifactUri, files: await listBelow(artifactUri, safe) }
  }

  async function locateInModel(modelId: string, path: string): Promise<Located> {
    const safe = validatePathIsSafe(path)
    return locateBelow(await deps.getLoggedModelLocation(modelId), safe)
  }

  /** @see mlflow/server/handlers.py get_model_version_artifact_handler */
  async function locateInVersion(name: string, version: string, path: string): Promise<Located> {
    const safe = validatePathIsSafe(path)
    return locateBelow(await deps.getModelVersionLocation(name, version), safe)
  }

  /** The files of a logged model. @see mlflow/server/handlers.py _list_logged_model_artifacts_impl */
  async function listInModel(modelId: string, path = ''): Promise<{ rootUri: string; files: FileInfo[] }> {
    const safe = validatePathIsSafe(path)
    const rootUri = await deps.getLoggedModelLocation(modelId)
    return { rootUri, files: await listBelow(rootUri, safe) }
  }

  /** @see mlflow/server/handlers.py _list_artifacts_mlflow_artifacts */
  async function listProxied(path = ''): Promise<FileInfo[]> {
    const located = locateProxied(path)
    const infos = await located.store.list(located.path)
    return infos.map((info) => ({ ...info, path: baseName(info.path) }))
  }

  /**
   * Stores a file of the UI in a run, at most 10 MB long.
   * @param announcedBytes the length that the request's header tells
   * @throws INVALID_PARAMETER_VALUE
   * @see mlflow/server/handlers.py upload_artifact_handler
   */
  async function uploadToRun(
    target: { runId: string | undefined; path: string | undefined },
    body: Readable,
    announcedBytes: number,
  ): Promise<void> {
    if (!target.runId) throw invalidParameter('Request must specify run_uuid.')
    if (!target.path) throw invalidParameter('Request must specify path.')
    const path = validatePathIsSafe(target.path)
    if (announcedBytes > MAX_UI_UPLOAD_BYTES) throw tooLargeForUi()
    const data = await readForUi(body)
    if (data.length === 0) throw invalidParameter('Request must specify data.')
    if (baseName(path) === '') throw invalidPath()
    await write(await locateInRun(target.runId, path), Readable.from([data]), data.length)
  }

  /** Signed link to store a file of a run or logged model. @see handlers.py _create_presigned_upload_url */
  async function presignUpload(target: {
    runId: string
    modelId: string
    path: string
    expiration: Int64 | undefined
  }) {
    if ((target.runId === '') === (target.modelId === '')) {
      throw invalidParameter('Exactly one of run_id and model_id must be provided.')
    }
    const path = validatePathIsSafe(target.path)
    const seconds = checkExpiration(target.expiration ?? DEFAULT_UPLOAD_EXPIRY_SECONDS)
    const uri = target.runId
      ? (await deps.getRun(target.runId)).artifactUri
      : await deps.getLoggedModelLocation(target.modelId)
    if (isProxiedUri(uri)) {
      throw invalidParameter(
        `Presigned upload is not supported for proxied artifact storage (artifact URI scheme: ${parseUri(uri).scheme}). This endpoint requires a direct cloud storage artifact URI.`,
      )
    }
    const { presigning } = locateBelow(uri, path).store
    if (!presigning) throw unsupported('Presigned upload')
    return presigning.upload(path, seconds)
  }

  /** Signed link to fetch a file of a run. @see handlers.py _create_presigned_download_url */
  async function presignDownload(target: { runId: string; path: string; expiration: Int64 | undefined }) {
    const path = validatePathIsSafe(target.path)
    const seconds = checkExpiration(target.expiration ?? deps.presignedDownloadSeconds)
    const { artifactUri } = await deps.getRun(target.runId)
    if (isProxiedUri(artifactUri)) {
      throw invalidParameter(
        `Presigned download is not supported for runs with proxied artifact storage (artifact URI scheme: ${parseUri(artifactUri).scheme}). This endpoint requires a run with a direct cloud storage artifact URI.`,
      )
    }
    const { presigning } = locateBelow(artifactUri, path).store
    if (!presigning) throw unsupported('Presigned download')
    return presigning.download(path, seconds)
  }

  /** Signed link to fetch a proxied file. @see handlers.py _get_presigned_download_url */
  async function presignProxied(path: string) {
    const located = locateProxied(path)
    if (!located.store.presigning) throw unsupported('Multipart download')
    return located.store.presigning.download(located.path, deps.presignedDownloadSeconds)
  }

  return {
    isServing,
    locateProxied,
    locateToRead,
    locateBelow,
    locateInRun,
    listBelow,
    listInRun,
    locateInModel,
    locateInVersion,
    listInModel,
    writeText,
    listProxied,
    uploadToRun,
    presignUpload,
    presignDownload,
    presignProxied,
  }
}

function checkExpiration(seconds: Int64): number {
  if (seconds >= 1 && seconds <= MAX_EXPIRY_SECONDS) return Number(seconds)
  throw invalidParameter(`expiration must be between 1 and ${MAX_EXPIRY_SECONDS} seconds (got ${seconds}).`)
}

async function readForUi(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    length += chunk.length
    if (length > MAX_UI_UPLOAD_BYTES) throw tooLargeForUi()
  }
  return Buffer.concat(chunks)
}

/** The headers that a file is sent with: type by its name, and always as an attachment. */
export const describeFile = (path: string) => ({
  contentType: guessMimeType(pathParts(path).join('/')),
  disposition: attachmentDisposition(baseName(path)),
})

/** Whether a download failed because the path is a folder. */
export const isDirectoryError = (error: unknown): error is MlflowError => error instanceof DirectoryError

/**
 * Writes or replaces a file, whole or not at all.
 * @throws INVALID_PARAMETER_VALUE when a folder of the path has not its plain spelling
 */
export async function write({ store, path }: Located, stream: Readable, sizeBytes?: number): Promise<void> {
  verifyArtifactFolder(directoryName(path))
  if (baseName(path) === '.') throw invalidPath()
  await store.write(path, stream, { sizeBytes })
}

/** The multipart uploads of a store, and the file in the folder `path` that they are about. */
function multipartOf({ store, path }: Located, fileName: string): [MultipartUploads, string] {
  if (fileName === '') throw missingParameter('path')
  if (!store.multipart) throw unsupported('Multipart upload')
  // Clients send the file's local path; only its name counts, and it must be one.
  const name = baseName(fileName)
  if (pathParts(validatePathIsSafe(name)).length !== 1) throw invalidPath()
  return [store.multipart, joinPath(path, name)]
}

/** Starts an upload in parts, which the client sends to the store itself. */
export async function createMultipartUpload(folder: Located, fileName: string, numParts: number) {
  const [multipart, path] = multipartOf(folder, fileName)
  if (numParts > MAX_PARTS) {
    throw invalidParameter(`num_parts must be at most ${MAX_PARTS} (got ${numParts}).`)
  }
  return multipart.create(path, numParts)
}

/** Makes one file of the parts. */
export async function completeMultipartUpload(
  folder: Located,
  fileName: string,
  upload: { uploadId: string; parts: readonly UploadedPart[] },
): Promise<void> {
  const [multipart, path] = multipartOf(folder, fileName)
  await multipart.complete(path, upload.uploadId, upload.parts)
}

/** Gives an upload in parts up; what was sent of it is deleted. */
export async function abortMultipartUpload(
  folder: Located,
  fileName: string,
  uploadId: string,
): Promise<void> {
  const [multipart, path] = multipartOf(folder, fileName)
  await multipart.abort(path, uploadId)
}
