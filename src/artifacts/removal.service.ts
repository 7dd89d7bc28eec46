// Artifacts of runs, logged models and traces that are deleted for good: all files below their roots.
import { invalidParameter } from '../errors.ts'
import { baseName, directoryName, parseUri, unquote } from '../platform/wire/uri.ts'
import { isProxiedUri } from './paths.ts'
import type { Located } from './service.ts'
import type { ArtifactStore } from './stores/store.ts'

export interface ArtifactRemovalDeps {
  locateBelow: (rootUri: string, path: string) => Located
  openStore: (uri: string) => ArtifactStore
}

export interface DoomedFiles {
  /** How many there are. */
  count: () => Promise<number>
  /** Deletes them; nothing to delete is no error. Repeatable. */
  remove: () => Promise<void>
}

/**
 * Returns `locate(rootUri, id)`: the files below the artifact root of what has the id. The folder around the root goes with them
 * where it is named by the id: `1/<id>` with `1/<id>/artifacts`.
 * @throws NOT_IMPLEMENTED, INVALID_PARAMETER_VALUE, PERMISSION_DENIED for roots that this server does not reach
 */
export function createArtifactRemoval({ locateBelow, openStore }: ArtifactRemovalDeps) {
  return (rootUri: string, id: string): DoomedFiles => {
    // Also judges whether the server may go there.
    const { store, path } = locateBelow(rootUri, '')
    const isWithin = isProxiedUri(rootUri) && path !== ''
    const root = (isWithin ? path : rootUri.replace(/[?#].*$/, '')).replace(/\/+$/, '')
    const doomed = root.endsWith(`/${id}/artifacts`) ? directoryName(root) : root
    // A store deletes all but its own root.
    const place = isWithin ? { store, path: doomed } : placeInParent(doomed, openStore)
    return {
      count: () => place.store.count(place.path),
      remove: () => place.store.delete(place.path),
    }
  }
}

/** @throws INVALID_PARAMETER_VALUE for a whole bucket, or a folder at the root of the file system */
function placeInParent(uri: string, openStore: ArtifactRemovalDeps['openStore']): Located {
  const { scheme, path } = parseUri(uri)
  const depth = path.split('/').filter(Boolean).length
  if (depth < (scheme === 's3' ? 1 : 2))
    throw invalidParameter(
      `Artifact location '${uri}' is not deleted, since it is more than a folder in a store.`,
    )
  const name = baseName(uri)
  return { store: openStore(directoryName(uri)), path: scheme === 'file' ? unquote(name) : name }
}
