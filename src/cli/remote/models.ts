// `crateflow models`: list, show and delete registered models and their versions on a running server.
import type { ModelVersion, RegisteredModel } from '../../registry/model-registry/schema.ts'
import { RefusedRequest } from '../client.ts'
import { type Asked, mlflow, quoted } from './asked.ts'
import { type Detail, printDetails, type Section } from './details.ts'
import type { Field } from './fields.ts'
import { printListing } from './listing.ts'
import { ifThere } from './names.ts'
import { changeAll } from './removal.ts'
import { tagField, tagsSection } from './tags.ts'

/** What `search` looks into when it is given a word. */
export const SEARCHED = 'name'
/** Versions that `show` tells of a model. */
const SHOWN_VERSIONS = 10

const latestOf = ({ latest_versions: latest = [] }: RegisteredModel): string | undefined => {
  const numbers = latest.map(({ version }) => Number(version))
  return numbers.length > 0 ? String(Math.max(...numbers)) : undefined
}

const aliasesOf = ({ aliases = [] }: RegisteredModel): string =>
  aliases.map(({ alias, version }) => `${alias} → ${version}`).join(', ')

const MODEL_FIELDS: readonly Field<RegisteredModel>[] = [
  { name: 'name', read: ({ name }) => name, least: 24 },
  { name: 'latest_version', title: 'LATEST', kind: 'number', read: latestOf, rank: 1 },
  { name: 'aliases', read: aliasesOf, least: 16, rank: 3 },
  { name: 'updated', kind: 'time', read: (model) => model.last_updated_timestamp, rank: 2 },
  { name: 'created', kind: 'time', read: (model) => model.creation_timestamp, rank: 5 },
  { name: 'description', read: ({ description }) => description, least: 16, rank: 4 },
]

/** @param aliases of the model by version; undefined for versions of many models, of whose aliases searches tell nothing */
const versionFields = (aliases: Aliases | undefined): readonly Field<ModelVersion>[] => [
  { name: 'name', read: ({ name }) => name, least: 20 },
  { name: 'version', kind: 'number', read: ({ version }) => version },
  { name: 'status', kind: 'state', read: ({ status }) => status, rank: 3 },
  ...(aliases
    ? [{ name: 'aliases', read: ({ version }: ModelVersion) => aliases.get(version), least: 12, rank: 1 }]
    : []),
  { name: 'stage', read: (version) => version.current_stage, rank: 6 },
  { name: 'created', kind: 'time', read: (version) => version.creation_timestamp, rank: 2 },
  { name: 'run_id', title: 'RUN', read: (version) => version.run_id, rank: 4 },
  { name: 'source', read: ({ source }) => source, least: 24, rank: 7 },
  { name: 'description', read: ({ description }) => description, least: 16, rank: 5 },
]

/** Names of aliases, by commas, by version. */
type Aliases = ReadonlyMap<string, string>

function aliasesByVersion({ aliases = [] }: RegisteredModel): Aliases {
  const found = new Map<string, string>()
  for (const { alias, version } of aliases) {
    const before = found.get(version)
    found.set(version, before === undefined ? alias : `${before}, ${alias}`)
  }
  return found
}

/** The searches of the registry are GET requests: a list is a parameter that comes several times. */
function searchPath(path: string, query: Record<string, string | number | readonly string[] | undefined>) {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined) parameters.append(name, String(one))
  return `${mlflow(path)}?${parameters}`
}

/** `models list` and `search` */
export function listModels(asked: Asked): Promise<void> {
  const { filter, orderBy: order_by } = asked
  return printListing<RegisteredModel>(
    {
      things: 'registered models',
      key: 'registered_models',
      fields: MODEL_FIELDS,
      fieldFor: (name) => tagField(name, ({ tags }) => tags),
      page: (page) =>
        asked.ask({ path: searchPath('registered-models/search', { filter, order_by, ...page }) }),
    },
    asked,
  )
}

/** `models versions`: those of one model, or of all. */
export async function listVersions(asked: Asked, name: string | undefined): Promise<void> {
  const { orderBy: order_by } = asked
  const aliases = name === undefined ? undefined : aliasesByVersion(await getModel(asked, name))
  const filters = [name === undefined ? undefined : `name = ${quoted(name)}`, asked.filter]
  const filter = filters.filter(Boolean).join(' AND ') || undefined
  return printListing<ModelVersion>(
    {
      things: 'model versions',
      key: 'model_versions',
      fields: versionFields(aliases),
      fieldFor: (field) => tagField(field, ({ tags }) => tags),
      page: (page) => asked.ask({ path: searchPath('model-versions/search', { filter, order_by, ...page }) }),
    },
    asked,
  )
}

async function getModel({ ask }: Asked, name: string): Promise<RegisteredModel> {
  const path = mlflow('registered-models/get', { name })
  return (await ask<{ registered_model: RegisteredModel }>({ path })).registered_model
}

type Found = { model: RegisteredModel; version?: undefined } | { model?: undefined; version: ModelVersion }

/**
 * What `name`, `name/version` or `name@alias` stands for, as in the URIs of MLflow. Names have no slashes; one with an @ goes
 * before an alias.
 * @throws Error when there is nothing
 */
async function find(asked: Asked, text: string): Promise<Found> {
  const getVersion = (path: string, query: Record<string, string>) =>
    asked.ask<{ model_version: ModelVersion }>({ path: mlflow(path, query) })
  const slash = text.lastIndexOf('/')
  if (slash > 0) {
    const query = { name: text.slice(0, slash), version: text.slice(slash + 1) }
    return { version: (await getVersion('model-versions/get', query)).model_version }
  }
  const at = text.lastIndexOf('@')
  if (at <= 0) return { model: await getModel(asked, text) }
  const model = await ifThere(getModel(asked, text))
  if (model) return { model }
  const query = { name: text.slice(0, at), alias: text.slice(at + 1) }
  return { version: (await getVersion('registered-models/alias', query)).model_version }
}

/** The version that `name/version` or `name@alias` stands for. @throws Error for a name alone, and when there is none */
export async function findVersion(asked: Asked, text: string): Promise<ModelVersion> {
  const { version } = await find(asked, text)
  if (version) return version
  throw new Error(`${text} is a model: name a version of it, as ${text}/1 or ${text}@champion.`)
}

/** `models show` */
export async function showModel(asked: Asked, text: string): Promise<void> {
  const { model, version } = await find(asked, text)
  if (version) return printDetails(asked, { model_version: version }, () => versionSections(version))
  return printDetails(asked, { registered_model: model }, async () => [
    {
      details: [
        { label: 'Name', value: model.name },
        { label: 'Description', value: model.description },
        { label: 'Created', value: model.creation_timestamp, kind: 'time' },
        { label: 'Updated', value: model.last_updated_timestamp, kind: 'time' },
      ],
    },
    {
      title: 'Aliases',
      prefix: 'aliases.',
      details: (model.aliases ?? []).map(({ alias, version: value }) => ({ label: alias, value })),
    },
    tagsSection(model.tags),
    await versionsSection(asked, model),
  ])
}

async function versionsSection({ ask }: Asked, model: RegisteredModel): Promise<Section> {
  const query = {
    filter: `name = ${quoted(model.name)}`,
    order_by: ['version_number DESC'],
    max_results: SHOWN_VERSIONS,
  }
  type Answer = { model_versions?: ModelVersion[]; next_page_token?: string }
  const answer = await ask<Answer>({ path: searchPath('model-versions/search', query) })
  const aliases = aliasesByVersion(model)
  const details = (answer.model_versions ?? []).map(
    (version): Detail => ({
      label: version.version,
      value: version.creation_timestamp,
      kind: 'time',
      remark: [version.status, aliases.get(version.version)].filter(Boolean).join(', '),
    }),
  )
  const title = answer.next_page_token ? `Latest versions (all: models versions)` : 'Versions'
  return { title, prefix: 'versions.', details }
}

const versionSections = (version: ModelVersion): Section[] => [
  {
    details: [
      { label: 'Name', value: version.name },
      { label: 'Version', value: version.version },
      { label: 'Status', value: version.status, kind: 'state' },
      { label: 'Status message', value: version.status_message },
      { label: 'Aliases', value: (version.aliases ?? []).join(', ') },
      { label: 'Stage', value: version.current_stage },
      { label: 'Description', value: version.description },
      { label: 'Created', value: version.creation_timestamp, kind: 'time' },
      { label: 'Updated', value: version.last_updated_timestamp, kind: 'time' },
      { label: 'User', value: version.user_id },
      { label: 'Run ID', value: version.run_id },
      { label: 'Source', value: version.source },
    ],
  },
  tagsSection(version.tags),
]

/** `models delete`: models with all their versions, or single versions. @returns the exit code */
export async function deleteModels(asked: Asked, names: readonly string[]): Promise<number> {
  const found = await Promise.all(names.map((name) => find(asked, name)))
  return changeAll(asked, found, {
    done: 'Deleted',
    describe: ({ model, version }) =>
      version
        ? `version ${version.version} of model ${version.name}`
        : `model ${model.name} with all its versions`,
    question: 'Models and versions cannot be restored.',
    async change({ model, version }) {
      const path = version ? 'model-versions/delete' : 'registered-models/delete'
      const body = version ? { name: version.name, version: version.version } : { name: model.name }
      await asked.ask({ method: 'DELETE', path: mlflow(path), body }).catch(unlessGone)
    },
  })
}

/** A request whose answer was lost was sent again, and finds nothing any more. */
function unlessGone(error: unknown): void {
  if (!(error instanceof RefusedRequest && error.code === 'RESOURCE_DOES_NOT_EXIST')) throw error
}
