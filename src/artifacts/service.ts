// MLflow's rules for artifacts: where a path lies, and what may be written there. Signed links are in
// presigned-links.service.ts, uploads in parts in multipart.ts.
import { Readable } from 'node:stream'
import { invalidParameter, MlflowError } from '../errors.ts'
import { baseName, directoryName, joinPath } from '../platform/wire/uri.ts'
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
import { type ArtifactStore, DirectoryError, type FileInfo, invalidPath, pathParts } from './stores/store.ts'

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
}

/** A file or folder in a store. `path` is safe, and as the client spelled it. */
export interface Located {
  store: ArtifactStore
  path: string
}

/** MLflow's limit for uploads through the UI. */
const MAX_UI_UPLOAD_BYTES = 10 * 1024 * 1024

const tooLargeForUi = () => invalidParameter('Artifact size is too large. Max size is 10MB.')
export const unsupported = (what: string) =>
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
  }
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
