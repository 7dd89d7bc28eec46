// Artifact paths: refusing hostile ones, and finding the place below the destination that an artifact URI means.
import { invalidParameter } from '../errors.ts'
import { pythonRepr } from '../platform/wire/python.ts'
import { joinPath, parseUri, unquote } from '../platform/wire/uri.ts'
import { invalidPath, pathParts } from './stores/store.ts'

/** A path of a URL. @throws INVALID_PARAMETER_VALUE for bytes that are no UTF-8: all of them would be one name */
export function decodePath(encoded: string): string {
  const decoded = unquote(encoded)
  if (decoded.includes('\ufffd') && !/%EF%BF%BD/i.test(encoded)) throw invalidPath()
  return decoded
}

/** Rounds of decoding after which a path that still changes is given up. */
const MAX_DECODE_ROUNDS = 10
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/g

// Compatibility forms (full-width dots, the two-dot leader) read as ".." once something normalizes them.
const climbs = (path: string) => path.split(/[/\\]/).some((part) => part.normalize('NFKC').trim() === '..')

/** The path as it stands and after each further round of decoding, until nothing changes. */
function* spellings(path: string): Generator<string> {
  let current = path
  for (let round = 0; round < MAX_DECODE_ROUNDS; round++) {
    yield current
    // Dots and slashes in more bytes than UTF-8 has for them, which lenient decoders take.
    const next = unquote(current.replace(/%c0%ae/gi, '.').replace(/%c0%af/gi, '/'))
    if (next === current) return
    current = next
  }
  throw invalidPath()
}

function isHostile(spelling: string): boolean {
  const plain = spelling.replace(CONTROL_CHARACTERS, '').trimStart()
  return (
    spelling.includes('\0') || climbs(plain) || /^[/\\]/.test(plain) || /^([A-Za-z]:[/\\]|file:)/i.test(plain)
  )
}

/**
 * Checks a client's relative artifact path, which the request's URL, query or body had, decoded once: that very name is
 * used. No spelling of `..`, of an absolute path, of a drive or of a `file:` URI passes, however often it would have to be
 * decoded. Stricter than MLflow for what it takes as odd file names: backslashes beside `..`, NUL, compatibility
 * forms of `..`, and control characters, of which it drops some.
 * @throws INVALID_PARAMETER_VALUE "Invalid path"
 * @see mlflow/utils/uri.py validate_path_is_safe
 */
export function validatePathIsSafe(path: string): string {
  // Half a surrogate pair has no UTF-8 form: neither file names nor object keys can hold it.
  if (/\p{Surrogate}/u.test(path) || path.includes('#')) throw invalidPath()
  for (const spelling of spellings(path)) if (isHostile(spelling)) throw invalidPath()
  if (path.search(CONTROL_CHARACTERS) >= 0)
    throw invalidParameter('Invalid path: names of artifacts must not contain control characters.')
  return path
}

/** Whether no file can have the name, since it holds control characters, or bytes that were no UTF-8. */
export const isNoName = (name: string): boolean =>
  name.search(CONTROL_CHARACTERS) >= 0 || name.includes('\ufffd')

/** The name as a client takes it that decodes names until nothing changes. @see mlflow/utils/uri.py validate_path_is_safe */
export const decodedName = (name: string): string => [...spellings(name)].at(-1) ?? name

/**
 * Refuses to write into a folder whose spelling is not the plain one.
 * @throws INVALID_PARAMETER_VALUE with MLflow's text (which answers it as an internal error)
 * @see mlflow/store/artifact/artifact_repo.py verify_artifact_path
 */
export function verifyArtifactFolder(folder: string): void {
  const normalized = pathParts(folder).join('/')
  if (folder === '' || (normalized === folder && !folder.startsWith('..'))) return
  throw invalidParameter(
    `Invalid artifact path: '${folder}'. Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to ${pythonRepr(normalized || '.')}`,
  )
}

const PROXIED_SCHEMES = new Set(['http', 'https', 'mlflow-artifacts'])
const HTTP_ANCHOR = '/api/2.0/mlflow-artifacts/artifacts/'

/** Whether artifacts of this location are reached through a server's mlflow-artifacts endpoints. */
export const isProxiedUri = (uri: string): boolean => PROXIED_SCHEMES.has(parseUri(uri).scheme)

/**
 * The path below the artifacts destination that a proxied location means: `mlflow-artifacts:/1/abc/artifacts`,
 * `mlflow-artifacts://host:port/1/…` and `http(s)://host/api/2.0/mlflow-artifacts/artifacts/1/…` give `1/abc/artifacts`.
 * @throws INVALID_PARAMETER_VALUE for an http(s) location that is no artifact endpoint
 * @see mlflow/server/handlers.py _get_proxied_run_artifact_destination_path
 */
export function proxiedDestinationPath(proxiedRoot: string, relativePath?: string): string {
  const { scheme, path } = parseUri(proxiedRoot)
  let root = path
  if (scheme !== 'mlflow-artifacts') {
    const anchor = path.indexOf(HTTP_ANCHOR)
    if (anchor < 0) {
      throw invalidParameter(`No artifact endpoint in location '${proxiedRoot}'.`)
    }
    root = path.slice(anchor + HTTP_ANCHOR.length)
  }
  root = root.replace(/^\/+/, '')
  return relativePath === undefined ? root : joinPath(root, relativePath)
}
