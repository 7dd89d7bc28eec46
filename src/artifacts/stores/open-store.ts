// Finds the store of an artifact location by its scheme.
import { invalidParameter, MlflowError } from '../../errors.ts'
import { parseUri, unquote } from '../../platform/wire/uri.ts'
import { openLocalStore } from './local.ts'
import { openS3Store } from './s3.ts'
import { createS3Access, type S3Access, type S3Options } from './s3-access.ts'
import type { ArtifactStore } from './store.ts'
import { traceStore } from './traced.ts'

/** Roots whose stores are kept; a store is small, its S3 client is shared by all of them. */
const MAX_CACHED_STORES = 1000

/**
 * Opens stores by location, one per root: `file:///folder`, a folder's path, or `s3://bucket/prefix`.
 * @throws NOT_IMPLEMENTED for other schemes, INVALID_PARAMETER_VALUE for a location without bucket or with a host
 */
export function createStoreOpener(s3: S3Options): (uri: string) => ArtifactStore {
  const access = createS3Access(s3)
  const stores = new Map<string, ArtifactStore>()
  return (uri) => {
    const store = stores.get(uri) ?? openArtifactStore(uri, access)
    stores.delete(uri)
    stores.set(uri, store)
    const oldest = stores.keys().next()
    if (stores.size > MAX_CACHED_STORES && !oldest.done) stores.delete(oldest.value)
    return store
  }
}

function openArtifactStore(uri: string, access: S3Access): ArtifactStore {
  const { scheme, netloc, path } = parseUri(uri)
  if (scheme === 's3') {
    if (netloc === '') throw invalidParameter(`Artifact location '${uri}' names no bucket.`)
    return traceStore(openS3Store(access, netloc, path.replace(/^\//, '')), 's3')
  }
  if (scheme === 'file') {
    if (!['', 'localhost', '.'].includes(netloc)) {
      throw invalidParameter(
        `Artifact location '${uri}' names a host: only folders of this machine are served.`,
      )
    }
    return traceStore(openLocalStore(unquote(path)), 'file')
  }
  if (scheme === '') return traceStore(openLocalStore(uri), 'file')
  throw new MlflowError(
    'NOT_IMPLEMENTED',
    `Artifact location '${uri}' has the scheme '${scheme}', which this server does not read. It serves folders and s3:// locations; clients can reach others themselves.`,
  )
}
