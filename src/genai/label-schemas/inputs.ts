// How reviewers may answer a label schema: what is taken of each kind of input, and what may change later.
import { invalidParameter } from '../../errors.ts'
import { type Int64, stringify } from '../../platform/wire/int64.ts'
import { wrongParameter } from '../../platform/wire/message.ts'
import { lengthOf } from '../../platform/wire/names.ts'
import { pythonFloat, pythonRepr } from '../../platform/wire/python.ts'
import type { LabelSchemaInputMessage } from './schema.ts'

const MAX_LABEL_LENGTH = 64
const MAX_OPTIONS = 10

/** Kinds of inputs by their names on the wire, with the names that MLflow's texts use. */
const CLASSES = {
  pass_fail: 'InputPassFail',
  categorical: 'InputCategorical',
  numeric: 'InputNumeric',
  text: 'InputText',
} as const

type Kind = keyof typeof CLASSES
type Given<K extends Kind> = NonNullable<LabelSchemaInputMessage[K]>

/** An input as it is kept. */
export interface StoredInput {
  inputType: string
  /** JSON as answers show it. */
  inputConfig: string
}

/** An input whose kind is known and whose content is not checked yet. */
export interface ReadInput {
  kind: Kind
  /** @throws INVALID_PARAMETER_VALUE */
  check: () => void
  stored: StoredInput
}

/**
 * The one kind of input that a message holds.
 * @throws INVALID_PARAMETER_VALUE when it holds none, or several
 * @see mlflow/genai/label_schemas/label_schemas.py _input_from_proto
 */
export function readInput(input: LabelSchemaInputMessage = {}): ReadInput {
  const kinds = (Object.keys(CLASSES) as Kind[]).filter((kind) => input[kind] !== undefined)
  const [kind] = kinds
  if (kind === undefined) {
    throw invalidParameter(
      'Label schema `input` must have exactly one of `pass_fail`, `categorical`, `numeric`, or `text` set; got an empty oneof.',
    )
  }
  if (kinds.length > 1) throw wrongParameter('input', input)
  const { check, config } = READERS[kind](input[kind] as never)
  return { kind, check, stored: { inputType: kind, inputConfig: stringify(config) } }
}

/**
 * Refuses a change that would make labels which were given before mean something else.
 * @see mlflow/genai/label_schemas/validation.py _validate_input_immutable
 */
export function checkSameKind(existing: StoredInput, changed: ReadInput): void {
  if (changed.kind !== existing.inputType) {
    throw invalidParameter(
      `A label schema's input type cannot be changed after creation (existing: ${CLASSES[existing.inputType as Kind]}, got: ${CLASSES[changed.kind]}).`,
    )
  }
  const isMultiple = ({ inputConfig }: StoredInput) => Boolean(JSON.parse(inputConfig).multi_select)
  if (isMultiple(existing) !== isMultiple(changed.stored)) {
    throw invalidParameter('`InputCategorical.multi_select` cannot be changed after creation.')
  }
}

interface Reading {
  config: object
  check: () => void
}

const READERS: { [K in Kind]: (given: Given<K>) => Reading } = {
  pass_fail: ({ positive_label = '', negative_label = '' }) => {
    const config = { positive_label, negative_label }
    return { config, check: () => checkPassFail(config) }
  },
  categorical: ({ options, multi_select = false }) => ({
    config: { options, multi_select },
    check: () => checkOptions(options),
  }),
  numeric: ({ min_value, max_value }) => ({
    config: { min_value: asJson(min_value), max_value: asJson(max_value) },
    check: () => checkBounds(min_value, max_value),
  }),
  text: ({ max_length }) => ({ config: { max_length }, check: () => checkMaxLength(max_length) }),
}

/** Protobuf writes as text what JSON has no number for. */
const asJson = (value: number | undefined) =>
  value === undefined || Number.isFinite(value) ? value : String(value)

/** @see mlflow/genai/label_schemas/validation.py _validate_pass_fail_input */
function checkPassFail(labels: { positive_label: string; negative_label: string }): void {
  for (const [field, label] of Object.entries(labels)) {
    const path = `\`InputPassFail.${field}\` must be`
    if (label === '') throw invalidParameter(`${path} a non-empty string; got ''.`)
    const length = lengthOf(label)
    if (length > MAX_LABEL_LENGTH) {
      throw invalidParameter(`${path} at most ${MAX_LABEL_LENGTH} characters; got ${length}.`)
    }
  }
  if (labels.positive_label !== labels.negative_label) return
  throw invalidParameter(
    `\`InputPassFail.positive_label\` and \`negative_label\` must be distinct; got ${pythonRepr(labels.positive_label)} for both.`,
  )
}

/** @see mlflow/genai/label_schemas/validation.py _validate_categorical_options */
function checkOptions(options: string[]): void {
  const path = '`InputCategorical.options`'
  if (options.length === 0) throw invalidParameter(`${path} must be a non-empty list; got [].`)
  if (options.length > MAX_OPTIONS) {
    throw invalidParameter(`${path} must have at most ${MAX_OPTIONS} entries; got ${options.length}.`)
  }
  const seen = new Set<string>()
  for (const option of options) {
    if (option === '') throw invalidParameter(`${path} entries must be non-empty strings; got ''.`)
    const length = lengthOf(option)
    if (length > MAX_LABEL_LENGTH) {
      throw invalidParameter(
        `${path} entries must be at most ${MAX_LABEL_LENGTH} characters; got ${length} for ${pythonRepr(option)}.`,
      )
    }
    if (seen.has(option)) {
      throw invalidParameter(`${path} must be deduplicated; ${pythonRepr(option)} appears twice.`)
    }
    seen.add(option)
  }
}

/** @see mlflow/genai/label_schemas/validation.py _validate_numeric_input */
function checkBounds(min: number | undefined, max: number | undefined): void {
  if (min === undefined || max === undefined || !(min >= max)) return
  throw invalidParameter(
    `\`InputNumeric.min_value\` must be strictly less than \`max_value\`; got min=${pythonFloat(min)}, max=${pythonFloat(max)}.`,
  )
}

/** @see mlflow/genai/label_schemas/validation.py _validate_text_input */
function checkMaxLength(length: Int64 | undefined): void {
  if (length === undefined || length >= 1) return
  throw invalidParameter(`\`InputText.max_length\` must be at least 1; got ${length}.`)
}
