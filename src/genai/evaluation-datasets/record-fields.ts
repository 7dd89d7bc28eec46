// The schema of an evaluation dataset: the types that fields of its records had when they came first.
import { isJsonObject, type JsonObject } from '../../platform/wire/int64.ts'
import { pythonDumps, pythonTypeName } from '../../platform/wire/python.ts'
import type { ReadRecord } from './records.ts'

const TYPES: Record<string, string> = {
  NoneType: 'null',
  bool: 'boolean',
  int: 'integer',
  float: 'float',
  str: 'string',
  list: 'array',
  dict: 'object',
}

const typeOf = (value: unknown): string => TYPES[pythonTypeName(value)] ?? 'unknown'

/** Types by field of what a request brings. */
export interface RecordFields {
  records: number
  inputs: Map<string, string>
  outputs: Map<string, string>
  expectations: Map<string, string>
  /** The type of outputs that are no object, where they came before any that are. */
  plainOutputs: string | undefined
}

export const noFields = (): RecordFields => ({
  records: 0,
  inputs: new Map(),
  outputs: new Map(),
  expectations: new Map(),
  plainOutputs: undefined,
})

/** Adds the fields of a record that was read without fault. */
export function noteFields(fields: RecordFields, { inputs, outputs, expectations }: ReadRecord): void {
  fields.records++
  noteTypes(fields.inputs, inputs)
  noteTypes(fields.expectations, expectations)
  if (isJsonObject(outputs)) noteTypes(fields.outputs, outputs)
  else if (outputs !== undefined && outputs !== null && fields.outputs.size === 0) {
    fields.plainOutputs ??= typeOf(outputs)
  }
}

function noteTypes(types: Map<string, string>, part: unknown): void {
  if (!isJsonObject(part)) return
  for (const [key, value] of Object.entries(part)) if (!types.has(key)) types.set(key, typeOf(value))
}

/**
 * The schema with the fields that are new to it, as JSON; null when there is none and no record either.
 * @see mlflow/store/tracking/sqlalchemy_store.py _update_dataset_schema
 */
export function extendSchema(schema: string | null, fields: RecordFields): string | null {
  if (schema === null && fields.records === 0) return null
  const known: JsonObject = schema === null ? EMPTY : JSON.parse(schema)
  return pythonDumps({
    ...known,
    inputs: extend(known.inputs, fields.inputs),
    outputs: extendOutputs(known.outputs, fields),
    expectations: extend(known.expectations, fields.expectations),
  })
}

const EMPTY: JsonObject = { inputs: {}, outputs: {}, expectations: {}, version: '1.0' }

/** Fields that are known keep their types and their order. */
const extend = (known: unknown, types: Map<string, string>): JsonObject =>
  Object.fromEntries([
    ...Object.entries(known as JsonObject),
    ...[...types].filter(([key]) => !Object.hasOwn(known as JsonObject, key)),
  ])

/** Outputs are the type of plain ones, or those of fields; stock fails where fields follow plain ones. */
function extendOutputs(known: unknown, { outputs, plainOutputs }: RecordFields): unknown {
  if (!isJsonObject(known)) return known
  if (plainOutputs !== undefined && Object.keys(known).length === 0) return plainOutputs
  return extend(known, outputs)
}
