// What a new model version comes from: the run, logged model or other version that its source names.
import { doesNotExist, MlflowError } from '../../errors.ts'
import { appendToUriPath, parseUri } from '../../platform/wire/uri.ts'
import type { LiveVersion } from './live-versions.ts'
import type { RegisteredModelService } from './models.service.ts'
import { checkModelName, checkPromptSource, readTags, type TagInput } from './names.ts'
import {
  checkSource,
  lineageMismatch,
  type ModelUri,
  parseModelUri,
  promptAsSource,
  readRegisteredSource,
} from './sources.ts'
import type { ModelVersionRow } from './tables.ts'

export interface CreateVersionInput {
  name: string
  source: string
  run_id?: string | undefined
  tags: TagInput[]
  run_link?: string | undefined
  description?: string | undefined
  model_id?: string | undefined
}

export interface VersionOrigin {
  source: string
  /** Where the files lie: the source, unless that names a model. */
  storageLocation: string
  runId: string | null
  /** The run that the client named, or that of the version which the source names; empty for none. */
  namedRunId: string
  /** The logged model that the version was made of, if it is known. */
  modelId: string | null
  /** The logged model that is to know of the version. */
  linkTo: string | undefined
}

export interface LineageDeps {
  models: RegisteredModelService
  /** @throws RESOURCE_DOES_NOT_EXIST */
  requireVersion: (name: string, version: string) => Promise<LiveVersion>
  /** The version that an alias points to. @throws as MLflow does */
  requireByAlias: (name: string, alias: string) => Promise<LiveVersion>
  getRun: (runId: string) => Promise<{ artifactUri: string }>
  /** A logged model that is not deleted. @throws RESOURCE_DOES_NOT_EXIST */
  getLoggedModel: (modelId: string) => Promise<{ artifactLocation: string; sourceRunId: string | null }>
  /** @see LocationPolicy.validateModelSource */
  validateModelSource: (source: string) => void
}

interface Ids {
  source: string
  runId: string
  modelId: string
  /** The version that the source names, if it does. */
  copied?: ModelVersionRow
}

/**
 * Returns the check of what a client wants to make a version of.
 * @see mlflow/server/handlers.py _create_model_version
 * @see mlflow/store/model_registry/sqlalchemy_store.py create_model_version
 */
export function createOriginResolver(deps: LineageDeps) {
  return async (input: CreateVersionInput, isPrompt: boolean): Promise<VersionOrigin> => {
    if (isPrompt) checkPromptSource(input.source)
    deps.validateModelSource(input.source)
    const ids: Ids = { source: input.source, runId: input.run_id ?? '', modelId: input.model_id ?? '' }
    const { source, runId, modelId, copied } = isPrompt ? ids : await resolveCopied(ids, input)
    if (!isPrompt) await checkContained({ source, runId, modelId })
    checkModelName(input.name)
    readTags(input.tags)
    const named = isPrompt ? undefined : await findNamed(source)
    const linkTo = !isPrompt && modelId ? modelId : undefined
    const linked = linkTo || (!runId && modelId) ? await deps.getLoggedModel(modelId) : undefined
    return {
      source,
      storageLocation: named?.storageLocation ?? source,
      runId: runId || named?.runId || linked?.sourceRunId || (copied ? copied.runId : ''),
      namedRunId: runId,
      modelId: modelId || (copied?.modelId ?? null),
      linkTo,
    }
  }

  /** A source that names another version: its number is settled, and what the client leaves out is taken from it. */
  async function resolveCopied(ids: Ids, input: CreateVersionInput): Promise<Ids> {
    const uri = readRegisteredSource(ids.source)
    if (uri?.name === undefined) return ids
    const model = await deps.models.requireModel(uri.name)
    if (await deps.models.isPrompt(model.modelUid)) throw promptAsSource(ids.source)
    const { row } = await deps.requireVersion(uri.name, await versionOf(uri, uri.name))
    const isOther =
      (input.run_id !== undefined && ids.runId !== (row.runId ?? '')) ||
      // Versions show no model id, so none can be named along with them.
      (input.model_id !== undefined && ids.modelId !== '')
    if (isOther) throw lineageMismatch(ids.source)
    return {
      source: `models:/${uri.name}/${row.version}`,
      runId: input.run_id ?? row.runId ?? '',
      modelId: ids.modelId,
      copied: row,
    }
  }

  /** @see mlflow/store/artifact/utils/models.py get_model_name_and_version */
  async function versionOf(uri: ModelUri, name: string): Promise<string> {
    if (uri.version !== undefined) return uri.version
    if (uri.alias !== undefined) return String((await deps.requireByAlias(name, uri.alias)).row.version)
    const latest = await deps.models.latestVersions(name, uri.stage === undefined ? [] : [uri.stage])
    if (latest.length > 0) return String(Math.max(...latest.map(({ version }) => Number(version))))
    const ofStage = uri.stage === undefined ? '' : ` and stage '${uri.stage}'`
    throw doesNotExist(`No versions of model with name '${name}'${ofStage} found`)
  }

  async function checkContained({ source, runId, modelId }: Omit<Ids, 'copied'>): Promise<void> {
    if (modelId) {
      const findRoot = async () => (await deps.getLoggedModel(modelId)).artifactLocation
      return checkSource(source, { container: 'model_id', id: modelId, findRoot })
    }
    const findRoot = runId ? async () => (await deps.getRun(runId)).artifactUri : undefined
    return checkSource(source, { container: 'run_id', id: runId, findRoot })
  }

  /** Where a models:/ source leads. */
  async function findNamed(source: string): Promise<{ storageLocation: string; runId: string } | undefined> {
    const uri = parseUri(source).scheme === 'models' ? parseModelUri(source) : undefined
    if (!uri) return undefined
    try {
      if (uri.modelId !== undefined) {
        const { artifactLocation, sourceRunId } = await deps.getLoggedModel(uri.modelId)
        return { storageLocation: artifactLocation, runId: sourceRunId ?? '' }
      }
      const { row } = await deps.requireVersion(uri.name ?? '', uri.version ?? '')
      return { storageLocation: row.storageLocation, runId: '' }
    } catch (error) {
      if (!(error instanceof MlflowError) || error.code !== 'RESOURCE_DOES_NOT_EXIST') throw error
      throw doesNotExist(
        `Unable to fetch model from model URI source artifact location '${source}'.Error: ${error.message}`,
      )
    }
  }
}

/**
 * The artifact root that a version's location means: one in a run lies where the run's artifacts do.
 * @see mlflow/store/artifact/runs_artifact_repo.py
 */
export async function resolveRunsUri(uri: string, getRun: LineageDeps['getRun']): Promise<string> {
  const { scheme, path } = parseUri(uri)
  if (scheme !== 'runs') return uri
  const [runId = '', ...rest] = path.replace(/^\//, '').split('/')
  return appendToUriPath((await getRun(runId)).artifactUri, rest.join('/'))
}
