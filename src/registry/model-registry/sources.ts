// Where a model version may come from: a source must lie within the run or logged model that the client names.
import { realpath } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { invalidParameter, MlflowError } from '../../errors.ts'
import { parseUri, unquote } from '../../platform/wire/uri.ts'

/** What a models:/ URI names: a logged model, or a version of a registered one; without a suffix the latest. */
export interface ModelUri {
  modelId?: string
  name?: string
  version?: string
  stage?: string
  alias?: string
}

/**
 * Reads models:/<model id>, models:/<name>/<version, stage or "latest"> and models:/<name>@<alias>.
 * @returns undefined for what is none of them
 * @see mlflow/store/artifact/utils/models.py _parse_model_uri
 */
export function parseModelUri(uri: string): ModelUri | undefined {
  const { scheme, path } = parseUri(uri.replace(/#.*$/s, ''))
  // What looks like a fragment belongs to the name.
  const whole = path + (/#.*$/s.exec(uri)?.[0] ?? '')
  if (scheme !== 'models' || !whole.startsWith('/')) return undefined
  const [name = '', suffix, ...more] = whole.replace(/^\/+/, '').split('/')
  if (more.length > 0 || name.trim() === '' || suffix?.trim() === '') return undefined
  if (suffix === undefined) return parseUnsuffixed(name)
  if (/^\p{Nd}+$/u.test(suffix)) return { name, version: suffix }
  return suffix.toLowerCase() === 'latest' ? { name } : { name, stage: suffix }
}

function parseUnsuffixed(text: string): ModelUri | undefined {
  const at = text.lastIndexOf('@')
  if (at < 0) return { modelId: text }
  const alias = text.slice(at + 1)
  return alias.trim() === '' ? undefined : { name: text.slice(0, at), alias }
}

/** The parameter that must name what holds the source. */
type Container = 'run_id' | 'model_id'

const invalidSource = (source: string, why: string) =>
  invalidParameter(`Invalid model version source: '${source}'. ${why}`)

/** @see mlflow/server/handlers.py _raise_invalid_model_version_source */
export const notIdentified = (source: string, container: Container) =>
  invalidSource(
    source,
    `The ${container} request parameter must identify the resource that contains the source.`,
  )

/** The artifact location of the run or model that the client names; undefined when it names none. */
export type FindRoot = (() => Promise<string | undefined>) | undefined

/** The root, or the refusal of a source whose run or model is not there. */
async function rootOf(source: string, container: Container, findRoot: () => Promise<string | undefined>) {
  try {
    return (await findRoot()) ?? ''
  } catch (error) {
    if (error instanceof MlflowError && error.code === 'RESOURCE_DOES_NOT_EXIST') {
      throw notIdentified(source, container)
    }
    throw error
  }
}

/**
 * Checks that a version may have this source.
 * @param container what the client must name for it
 * @param id the run or model that it names
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 * @see mlflow/server/handlers.py _validate_source_run, _validate_source_model
 */
export async function checkSource(
  source: string,
  { container, id, findRoot }: { container: Container; id: string; findRoot: FindRoot },
): Promise<void> {
  if (isLocalUri(source)) return checkLocalSource(source, container, findRoot)
  checkNoRelativePath(source)
  const { scheme, netloc, path } = parseUri(source)
  const refuse = (wanted: Container = container) => notIdentified(source, wanted)
  if (scheme === 'runs') {
    if (container === 'model_id' || netloc) throw refuse()
    const runId = /^\/([^/]+)/.exec(path)?.[1]
    if (!id || runId !== id) throw refuse()
    return
  }
  if (scheme === 'models') {
    const uri = netloc ? undefined : parseModelUri(source)
    if (!uri) throw refuse('model_id')
    if (uri.modelId === undefined) return
    if (container === 'run_id' || uri.modelId !== id) throw refuse('model_id')
    return
  }
  if (!isArtifactSource(source)) return
  const root = findRoot && (await rootOf(source, container, findRoot))
  if (root === undefined || !isWithinRoot(source, root)) throw refuse()
}

async function checkLocalSource(source: string, container: Container, findRoot: FindRoot): Promise<void> {
  let shown = source
  if (findRoot) {
    const root = await rootOf(source, container, findRoot)
    shown = await realPath(localPath(source))
    if (isLocalUri(root) && root !== '') {
      const folder = await realPath(localPath(root))
      if (shown === folder || shown.startsWith(folder.endsWith(sep) ? folder : folder + sep)) return
    }
  }
  throw invalidSource(
    shown,
    `To use a local path as a model version source, the ${container} request parameter has to be specified and the local path has to be contained within the artifact directory of the run specified by the ${container}.`,
  )
}

/** @see mlflow/utils/uri.py is_local_uri */
function isLocalUri(uri: string): boolean {
  if (uri === 'databricks') return false
  const { scheme, netloc } = parseUri(uri)
  if (scheme === '') return true
  if (scheme !== 'file') return false
  const host = netloc.slice(netloc.lastIndexOf('@') + 1).toLowerCase()
  if (host === '' || host.startsWith('.') || host.startsWith('localhost') || host.startsWith('127.0.0.1')) {
    return true
  }
  throw invalidParameter(
    `${uri} is not a valid remote uri. For remote access on windows, please consider using a different scheme such as SMB (e.g. smb://<hostname>/<path>).`,
  )
}

const localPath = (uri: string) => unquote(uri.startsWith('file:') ? parseUri(uri).path : uri)

/** The absolute path with every link resolved, whether or not its end exists. @see pathlib.Path.resolve */
async function realPath(path: string): Promise<string> {
  let head = resolve(path)
  let tail = ''
  for (;;) {
    try {
      return join(await realpath(head), tail)
    } catch {
      const parent = dirname(head)
      if (parent === head) return join(head, tail)
      tail = join(head.slice(parent.length), tail)
      head = parent
    }
  }
}

/** @see mlflow/server/handlers.py _validate_non_local_source_contains_relative_paths */
function checkNoRelativePath(source: string): void {
  const decoded = settle(source, (text) => unquote(text.replaceAll('+', ' ')))
  const path = parseUri(decoded).path.replace(/\/+$/, '').replace(/\/+/g, '/')
  const isPlain = !path.includes('\0') && !decoded.split('/').includes('..') && resolve('/', path) === path
  if (isPlain && path.startsWith('/')) return
  throw invalidSource(
    source,
    'If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path.',
  )
}

/** Rounds of decoding; what changes still is no honest source. */
const MAX_ROUNDS = 1000

function settle(text: string, decode: (text: string) => string): string {
  let current = text
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = decode(current)
    if (next === current) return current
    current = next
  }
  return current
}

function partsOf(uri: string): { origin: string; parts: string[] } {
  const { scheme, netloc, path } = parseUri(uri)
  const parts = path.split('/').filter((part) => part !== '')
  return { origin: `${scheme}://${netloc.toLowerCase()}`, parts: parts.map((part) => settle(part, unquote)) }
}

/** @see mlflow/server/handlers.py _is_uri_within_root */
function isWithinRoot(source: string, root: string): boolean {
  const [a, b] = [partsOf(source), partsOf(root)]
  return (
    a.origin === b.origin && b.parts.length > 0 && b.parts.every((part, index) => a.parts[index] === part)
  )
}

const ROUTE = 'api/2.0/mlflow-artifacts/artifacts'

/** @see mlflow/server/handlers.py _is_mlflow_artifact_source */
function isArtifactSource(source: string): boolean {
  const { scheme } = parseUri(source)
  if (scheme === 'mlflow-artifacts') return true
  return /^https?$/.test(scheme) && `/${partsOf(source).parts.join('/')}/`.includes(`/${ROUTE}/`)
}

/** Checks that a models:/ source is of this registry. @see handlers.py _resolve_registered_model_source_lineage */
export function readRegisteredSource(source: string): ModelUri | undefined {
  const { scheme, netloc } = parseUri(source)
  if (scheme !== 'models') return undefined
  if (netloc) throw invalidSource(source, 'Registered model sources must use the active model registry.')
  const uri = parseModelUri(source)
  if (!uri) throw notIdentified(source, 'model_id')
  return uri
}

export const promptAsSource = (source: string) =>
  invalidSource(source, 'Prompt versions cannot be used as model version sources.')

export const lineageMismatch = (source: string) =>
  invalidSource(source, 'The run_id and model_id request parameters must match the referenced model version.')
