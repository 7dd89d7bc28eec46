// Signed links, by which clients send files to an object store or fetch them past the server.
import { invalidParameter } from '../errors.ts'
import type { Int64 } from '../platform/wire/int64.ts'
import { parseUri } from '../platform/wire/uri.ts'
import { isProxiedUri, validatePathIsSafe } from './paths.ts'
import { type ArtifactService, type ArtifactServiceDeps, unsupported } from './service.ts'

/** Longest life of a signed link that object stores accept: seven days. */
const MAX_EXPIRY_SECONDS = 604_800
const DEFAULT_UPLOAD_EXPIRY_SECONDS = 900

export interface PresignedLinksDeps extends Pick<ArtifactServiceDeps, 'getRun' | 'getLoggedModelLocation'> {
  artifacts: Pick<ArtifactService, 'locateBelow' | 'locateProxied'>
  /** Life of a link to fetch a file, in seconds. @see MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS */
  presignedDownloadSeconds: number
}

export type PresignedLinks = ReturnType<typeof createPresignedLinks>

export function createPresignedLinks(deps: PresignedLinksDeps) {
  const { getRun, getLoggedModelLocation, presignedDownloadSeconds: downloadSeconds } = deps
  const { locateBelow, locateProxied } = deps.artifacts

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
      ? (await getRun(target.runId)).artifactUri
      : await getLoggedModelLocation(target.modelId)
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
    const seconds = checkExpiration(target.expiration ?? downloadSeconds)
    const { artifactUri } = await getRun(target.runId)
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
    return located.store.presigning.download(located.path, downloadSeconds)
  }

  return { presignUpload, presignDownload, presignProxied }
}

function checkExpiration(seconds: Int64): number {
  if (seconds >= 1 && seconds <= MAX_EXPIRY_SECONDS) return Number(seconds)
  throw invalidParameter(`expiration must be between 1 and ${MAX_EXPIRY_SECONDS} seconds (got ${seconds}).`)
}
