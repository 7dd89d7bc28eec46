// Rules for names, keys and lengths that several rooms share, with MLflow's texts.
import { invalidParameter } from '../../errors.ts'
import { MAX_ENTITY_KEY_LENGTH } from './limits.ts'
import { missingParameter } from './message.ts'
import { pythonJson, pythonRepr } from './python.ts'

const BAD_CHARACTERS =
  'Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).'

const badPath = (name: string) =>
  `Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to ${pythonRepr(normalizePath(name))}`

const invalidValue = (path: string, value: unknown, why: string) =>
  invalidParameter(`Invalid value ${pythonJson(value)} for parameter '${path}' supplied: ${why}`)

/** Length in characters (code points), as Python counts. */
export function lengthOf(text: string): number {
  let length = text.length
  for (let i = 0; i < text.length; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) length--
  }
  return length
}

/** @see mlflow/utils/validation.py _validate_length_limit */
export function checkLength(path: string, limit: number, text: string): string {
  if (text.length > limit && lengthOf(text) > limit) {
    throw invalidParameter(`'${path}' exceeds the maximum length of ${limit} characters`)
  }
  return text
}

/** Cuts text to a number of characters; MLflow does so with param and tag values. */
export function truncate(text: string, limit: number): string {
  if (text.length <= limit || lengthOf(text) <= limit) return text
  // A character has two units at most. An array of all characters of a large text would take a gigabyte.
  return [...text.slice(0, 2 * limit)].slice(0, limit).join('')
}

/** `posixpath.normpath` */
export function normalizePath(path: string): string {
  if (path === '') return '.'
  const root = path.startsWith('//') && !path.startsWith('///') ? '//' : path.startsWith('/') ? '/' : ''
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..' || (root === '' && (parts.length === 0 || parts.at(-1) === '..'))) parts.push(part)
    else parts.pop()
  }
  return root + parts.join('/') || '.'
}

/**
 * Checks the name of a metric, param or tag.
 * @throws INVALID_PARAMETER_VALUE
 * @see mlflow/utils/validation.py _validate_metric_name, _validate_param_name, _validate_tag_name
 */
export function checkKey(name: string | undefined, path: string): string {
  if (name === undefined) throw missingParameter(path)
  // Most names; what follows is for those that could be paths.
  if (/^\w[\w :-]*$/.test(name)) return name
  if (!/^[/\p{L}\p{N}_.\- :]*$/u.test(name)) throw invalidValue(path, name, BAD_CHARACTERS)
  const normalized = normalizePath(name)
  if (normalized !== name || name === '.' || normalized.startsWith('..') || normalized.startsWith('/')) {
    throw invalidValue(path, name, badPath(name))
  }
  return name
}

/** Checks a key's characters and its length under the label that MLflow's text uses. */
export function checkEntityKey(name: string | undefined, path: string, label: string): string {
  return checkLength(label, MAX_ENTITY_KEY_LENGTH, checkKey(name, path))
}
