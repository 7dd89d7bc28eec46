// Which artifact locations clients may name: a location must not make the server connect to a host of their choice.
import { isAbsolute, relative, resolve } from 'node:path'
import { invalidParameter, MlflowError } from '../../errors.ts'
import { parseUri, resolveUriIfLocal, unquote, validateQueryString } from '../../platform/wire/uri.ts'

/** Schemes whose URI names the host that is connected to. @see mlflow/store/artifact/host_policy.py */
const HOST_ADDRESSED = new Set([
  ...['ftp', 'sftp', 'hdfs', 'viewfs', 'http', 'https', 'mlflow-artifacts', 'r2', 'b2', 'abfss'],
])
const FAMILIES: Record<string, string> = { viewfs: 'hdfs', https: 'http', 'mlflow-artifacts': 'http' }
const DEFAULT_PORTS: Record<string, number[]> = {
  ftp: [21],
  sftp: [22],
  http: [80],
  https: [443],
  'mlflow-artifacts': [80, 443],
  r2: [443],
  b2: [443],
  abfss: [443],
}

export interface LocationPolicy {
  /**
   * Checks a location that a client sends and makes relative folders absolute.
   * @throws INVALID_PARAMETER_VALUE
   * @see mlflow/server/handlers.py _validate_storage_location_uri
   */
  validateNew(location: string): string
  /**
   * Checks the source of a new model version, which is kept as it is.
   * @throws INVALID_PARAMETER_VALUE when the operator's pattern does not match it or its host is not trusted
   * @see mlflow/server/handlers.py _create_model_version, _validate_artifact_uri_scheme
   */
  validateModelSource(source: string): void
  /**
   * Checks a stored location before the server goes there. Clients may keep artifacts in any folder that they
   * reach themselves, but the server touches none outside the folders it was given.
   * @throws INVALID_PARAMETER_VALUE, PERMISSION_DENIED for a folder that is not the server's
   */
  validateStored(location: string): void
}

export interface LocationPolicyOptions {
  /** MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES */
  allowedSchemes: readonly string[]
  /** Locations the operator configured: their hosts are trusted. */
  configured: readonly string[]
  /** Folders besides the configured ones that the server may read and write. */
  allowedFolders: readonly string[]
  /** MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH, in characters. */
  maxLength: number
  /** MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX: what sources of model versions have to match. */
  modelSources?: RegExp | undefined
}

export function createLocationPolicy(options: LocationPolicyOptions): LocationPolicy {
  const trusted = new Set(options.configured.flatMap((uri) => hostTargets(uri) ?? []))
  const folders = [...options.configured, ...options.allowedFolders].flatMap((uri) => localFolder(uri) ?? [])
  const allowed = new Set(options.allowedSchemes.map((scheme) => scheme.toLowerCase()))

  function rejectedScheme(uri: string): string | undefined {
    const targets = hostTargets(uri)
    const { scheme } = parseUri(uri)
    if (!targets || allowed.has(scheme) || targets.some((target) => trusted.has(target))) return undefined
    return scheme
  }

  const reason = (scheme: string) =>
    `the '${scheme}' scheme addresses a host other than the tracking server's configured artifact storage, so the server would connect to the host named in the URI. Set the MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES environment variable on the server to allow it.`

  function validateHost(location: string, field: string): void {
    const scheme = rejectedScheme(location)
    if (scheme) throw invalidParameter(`'${field}' cannot use the '${scheme}' scheme: ${reason(scheme)}`)
  }

  return {
    validateModelSource(source) {
      if (options.modelSources && source !== '' && !options.modelSources.test(source)) {
        throw invalidParameter(`Invalid model version source: '${source}'.`)
      }
      validateHost(source, 'source')
    },
    validateNew(location) {
      const { fragment, params, query } = parseUri(location)
      if (fragment || params)
        throw invalidParameter("'artifact_location' URL can't include fragments or params.")
      validateQueryString(query)
      validateHost(location, 'artifact_location')
      if (location.startsWith('runs:')) {
        throw invalidParameter(`Artifact location cannot be a runs:/ URI. Given: '${location}'`)
      }
      const resolved = resolveUriIfLocal(location, process.cwd())
      for (const text of [location, resolved]) checkLocationLength(text, options.maxLength)
      return resolved
    },
    validateStored(location) {
      const folder = localFolder(location)
      if (folder !== undefined && !folders.some((root) => isWithin(root, folder))) {
        throw new MlflowError(
          'PERMISSION_DENIED',
          `The tracking server does not read artifact location '${location}': it lies outside the server's artifact folders. Set the CRATEFLOW_ALLOWED_ARTIFACT_FOLDERS environment variable on the server to allow it.`,
        )
      }
      const scheme = rejectedScheme(location)
      if (!scheme) return
      throw invalidParameter(
        `The tracking server does not connect to artifact location '${location}': ${reason(scheme)}`,
      )
    },
  }
}

function checkLocationLength(location: string, maxLength: number): void {
  if (location.length <= maxLength) return
  throw invalidParameter(
    `Invalid artifact path length. The length of the artifact path cannot be greater than ${maxLength} characters. To configure this limit, please set the MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH environment variable.`,
  )
}

/** `family host port` of every target that a URI may mean; undefined when it names no host. */
function hostTargets(uri: string): string[] | undefined {
  const { scheme, netloc } = parseUri(uri)
  if (!HOST_ADDRESSED.has(scheme) || (scheme === 'mlflow-artifacts' && !netloc)) return undefined
  const match = /^(?:[^@]*@)*(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(netloc)
  // HTTP clients end the authority at a backslash where Python does not: never trust such a host.
  if (!match || /[\\\s]/.test(netloc) || Number(match[2] ?? 0) > 65535) return [`malformed ${netloc}`]
  const ports = match[2] ? [Number(match[2])] : (DEFAULT_PORTS[scheme] ?? [undefined])
  return ports.map((port) => `${FAMILIES[scheme] ?? scheme} ${(match[1] ?? '').toLowerCase()} ${port ?? ''}`)
}

/** The absolute folder of a local location; undefined for any other. */
function localFolder(uri: string): string | undefined {
  const { scheme, path } = parseUri(uri)
  if (scheme === 'file') return resolve(unquote(path))
  return scheme === '' ? resolve(uri) : undefined
}

function isWithin(root: string, folder: string): boolean {
  const path = relative(root, folder)
  return path === '' || !(path.startsWith('..') || isAbsolute(path))
}
