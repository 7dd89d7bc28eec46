// Rules for tags of evaluation datasets, which come as JSON.
import { invalidParameter } from '../../errors.ts'
import { isJsonObject, parseJsonAsSpelled } from '../../platform/wire/int64.ts'
import { checkNumberOfValues } from '../../platform/wire/json-size.ts'
import { checkText } from '../../platform/wire/message.ts'
import { checkLength } from '../../platform/wire/names.ts'
import { isPythonTrue, pythonText } from '../../platform/wire/python.ts'

/** The tag that tells who made or changed a dataset or record. */
export const USER_TAG = 'mlflow.user'

/** Widths of MLflow's columns, in characters. */
const MAX_KEY_LENGTH = 255
const MAX_VALUE_LENGTH = 5000
const MAX_USER_LENGTH = 255

/** Values by key; null for a tag without one. */
export type Tags = Map<string, string | null>

/**
 * The tags of a JSON object; what is no text becomes one as in Python.
 * @throws INVALID_PARAMETER_VALUE
 */
export function readTags(json: string): Tags {
  const tags = parse(json)
  if (!isJsonObject(tags)) throw invalidParameter("Parameter 'tags' must be a JSON object.")
  return new Map(
    Object.entries(tags).map(([key, value]) => [
      checkLength('key', MAX_KEY_LENGTH, checkText(key)),
      value === null ? null : checkLength('value', MAX_VALUE_LENGTH, checkText(pythonText(value))),
    ]),
  )
}

/** The same for a new dataset, whose tags may be left out: absent, or a value that Python takes for none. */
export const readNewTags = (json: string | undefined): Tags =>
  json && isPythonTrue(parse(json)) ? readTags(json) : new Map()

function parse(json: string): unknown {
  checkNumberOfValues(json, "Parameter 'tags'")
  try {
    return parseJsonAsSpelled(json)
  } catch {
    throw invalidParameter("Parameter 'tags' is not valid JSON.")
  }
}

/** The user that a tag's value names. @throws INVALID_PARAMETER_VALUE beyond the width of MLflow's columns */
export function readUser(value: unknown): string | null {
  if (value === null || value === undefined) return null
  return checkLength(USER_TAG, MAX_USER_LENGTH, checkText(pythonText(value)))
}
