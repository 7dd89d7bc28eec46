// Rules for names, numbers, stages and tags of the model registry, with MLflow's texts.
import { alreadyExists, doesNotExist, invalidParameter } from '../../errors.ts'
import { readPythonInteger } from '../../platform/search/quotes.ts'
import { checkKey, checkLength, lengthOf, normalizePath } from '../../platform/wire/names.ts'
import { pythonJson, pythonRepr } from '../../platform/wire/python.ts'
import { IS_PROMPT_TAG } from './prompt-tag.schema.ts'
import type { RegistryComparison } from './search.ts'

export const PROMPT_TYPE_TAG = '_mlflow_prompt_type'
export const PROMPT_TEXT_TAG = 'mlflow.prompt.text'
/** What clients name as the source of a prompt, which has none. @see mlflow/prompt/constants.py */
const PROMPT_SOURCES = ['dummy-source', 'prompt-template']

/** Widths of MLflow's columns, in characters. */
export const MAX_MODEL_NAME_LENGTH = 256
export const MAX_DESCRIPTION_LENGTH = 5000
export const MAX_SOURCE_LENGTH = 500
const MAX_TAG_KEY_LENGTH = 250
const MAX_TAG_VALUE_LENGTH = 100_000
const MAX_ALIAS_LENGTH = 255

export const STAGES = ['None', 'Staging', 'Production', 'Archived'] as const
export type Stage = (typeof STAGES)[number]

export interface TagInput {
  key?: string | undefined
  value?: string | undefined
}

export const modelNotFound = (name: string) => doesNotExist(`Registered Model with name=${name} not found`)
export const versionNotFound = (name: string, version: number | string) =>
  doesNotExist(`Model Version (name=${name}, version=${version}) not found`)

const missing = (path: string) => invalidParameter(`Missing value for required parameter '${path}'.`)

/** @see mlflow/utils/validation.py _validate_model_name */
export function checkModelName(name: string, path = 'name'): string {
  if (name.trim() === '') throw missing(path)
  if (/[/:]/.test(name)) {
    throw invalidParameter(`Invalid model name '${name}'. Names cannot contain '/' or ':'.`)
  }
  const normalized = normalizePath(name)
  if (normalized !== name || name === '.' || normalized.startsWith('..')) {
    throw invalidParameter(
      `Invalid value ${pythonJson(name)} for parameter 'name' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to ${pythonRepr(normalized)}`,
    )
  }
  return name
}

/** A name that a model is to get. */
export const checkNewModelName = (name: string, path = 'name'): string =>
  checkLength(path, MAX_MODEL_NAME_LENGTH, checkModelName(name, path))

/**
 * The number of a version of the model.
 * @throws INVALID_PARAMETER_VALUE for what is no integer, RESOURCE_DOES_NOT_EXIST for one that no version has
 * @see mlflow/utils/validation.py _validate_model_version
 */
export function readVersion(name: string, version: string): number {
  const digits = readPythonInteger(version)
  if (digits === undefined) {
    throw invalidParameter(`Parameter 'version' must be an integer, got '${version}'.`)
  }
  const number = Number(digits)
  if (!Number.isSafeInteger(number)) throw versionNotFound(name, digits)
  return number
}

/** @see mlflow/utils/validation.py _validate_model_alias_name */
export function checkAlias(alias: string): string {
  if (!/^[\p{L}\p{N}_-]*$/u.test(alias)) {
    throw invalidParameter(
      `Invalid alias name: '${alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-).`,
    )
  }
  return checkLength('Registered model alias name', MAX_ALIAS_LENGTH, alias)
}

export const isLatest = (alias: string): boolean => alias.toLowerCase() === 'latest'

/** @see mlflow/utils/validation.py _validate_model_alias_name_reserved */
export function checkNewAlias(alias: string): string {
  checkAlias(alias)
  if (isLatest(alias)) throw invalidParameter("'latest' alias name (case insensitive) is reserved.")
  if (/^[vV]\p{Nd}+$/u.test(alias)) throw invalidParameter(`Version alias name '${alias}' is reserved.`)
  return alias
}

/** @see mlflow/entities/model_registry/model_version_stages.py get_canonical_stage */
export function readStage(stage: string): Stage {
  const found = STAGES.find((known) => known.toLowerCase() === stage.toLowerCase())
  if (found) return found
  throw invalidParameter(`Invalid Model Version stage: ${stage}. Value must be one of ${STAGES.join(', ')}.`)
}

/** Checks the tags of a model or version; a key that comes twice keeps its last value. */
export function readTags(inputs: TagInput[]): { key: string; value: string }[] {
  const tags = new Map(inputs.map(({ key = '', value = '' }) => [key, value]))
  for (const { key = '', value = '' } of inputs) checkTag(key, value)
  return [...tags].map(([key, value]) => ({ key, value }))
}

/** Tags as events tell them. */
export const tagsOf = (inputs: TagInput[]): Record<string, string> =>
  Object.fromEntries(inputs.map(({ key = '', value = '' }) => [key, value]))

/** @see mlflow/utils/validation.py _validate_registered_model_tag, _validate_model_version_tag */
export function checkTag(key: string, value: string): void {
  checkLength('key', MAX_TAG_KEY_LENGTH, checkKey(key, 'key'))
  if (key === PROMPT_TEXT_TAG && lengthOf(value) > MAX_TAG_VALUE_LENGTH) {
    throw invalidParameter(`Prompt text exceeds max length of ${MAX_TAG_VALUE_LENGTH} characters.`)
  }
  checkLength('value', MAX_TAG_VALUE_LENGTH, value)
}

/** Whether a request is about a prompt. @see mlflow/server/handlers.py _is_prompt_request */
export const isPromptRequest = (inputs: TagInput[]): boolean => isPromptTag(lastValue(inputs, IS_PROMPT_TAG))

const lastValue = (inputs: TagInput[], key: string) => inputs.findLast((tag) => tag.key === key)?.value

/** Whether a model with this value of the prompt tag is a prompt. */
export const isPromptTag = (value: string | undefined): boolean => value?.toLowerCase() === 'true'

/** @see mlflow/server/handlers.py _validate_prompt_source */
export function checkPromptSource(source: string): void {
  if (PROMPT_SOURCES.includes(source)) return
  throw invalidParameter(`Invalid prompt source: '${source}'. Prompt sources must use an MLflow placeholder.`)
}

/** @see mlflow/prompt/registry_utils.py handle_resource_already_exist_error */
export function nameTaken(name: string, isPrompt: { old: boolean; new: boolean }) {
  const noun = (prompt: boolean) => (prompt ? 'Prompt' : 'Registered Model')
  if (isPrompt.old === isPrompt.new)
    return alreadyExists(`${noun(isPrompt.new)} (name=${name}) already exists.`)
  return alreadyExists(
    `Tried to create a ${noun(isPrompt.new).toLowerCase()} with name ${pythonRepr(name)}, but the name is already taken by a ${noun(isPrompt.old).toLowerCase()}. MLflow does not allow creating a model and a prompt with the same name.`,
  )
}

/**
 * Tells whether a search is for prompts. One that is not leaves prompts out and drops its conditions on their tag.
 * @see mlflow/store/model_registry/sqlalchemy_store.py _is_querying_prompt, _update_query_to_exclude_prompts
 */
export function splitPrompts(filter: RegistryComparison[]): {
  filter: RegistryComparison[]
  modelsOnly: boolean
} {
  const isOnTag = ({ type, key }: RegistryComparison) => type === 'tag' && key === IS_PROMPT_TAG
  const first = filter.find(isOnTag)
  const wanted = { '=': 'true', '!=': 'false' }[first?.comparator as string]
  const wantsPrompts = wanted !== undefined && String(first?.value).toLowerCase() === wanted
  if (wantsPrompts) return { filter, modelsOnly: false }
  return { filter: filter.filter((comparison) => !isOnTag(comparison)), modelsOnly: true }
}
