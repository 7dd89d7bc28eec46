// Reads request messages as MLflow reads protobuf JSON. The zod schema is the one declaration of a message.
import { z } from 'zod'
import { invalidParameter, MlflowError } from '../../errors.ts'
import { type Int64, parseInt64, parseJsonAsSpelled } from './int64.ts'
import { pythonJson, pythonTypeName } from './python.ts'

const NO_TEXT = 'Text must not contain NUL characters or halves of surrogate pairs.'

/** Whether every engine can keep the text: PostgreSQL has no NUL, UTF-8 no half of a surrogate pair. */
export const isStorableText = (value: string): boolean => !/\0|\p{Surrogate}/u.test(value)

/** Tells values that a field's schema would answer unchanged: batches of thousands of points need not ask it. */
const takesAsItIs = new WeakMap<z.ZodType, (value: unknown) => boolean>()

function quick<T extends z.ZodType>(schema: T, isPlain: (value: unknown) => boolean): T {
  takesAsItIs.set(schema, isPlain)
  return schema
}

/** @throws INVALID_PARAMETER_VALUE for text that no engine keeps as it is */
export function checkText(value: string): string {
  if (isStorableText(value)) return value
  throw invalidParameter(NO_TEXT)
}

/** A text field. Protobuf takes no numbers for text. */
export const text = () =>
  quick(
    z.string().refine(isStorableText, { error: NO_TEXT }),
    (value) => typeof value === 'string' && isStorableText(value),
  )

/** Fields that numbers may be read into: JavaScript's schemas refuse those which are not exact, or not finite. */
const numeric = new WeakSet<z.ZodType>()

function number<T extends z.ZodType>(schema: T): T {
  numeric.add(schema)
  return schema
}

/** What schemas of numbers refuse, though Python reads it: it goes on as text. */
const isUnusualNumber = (value: unknown): boolean =>
  typeof value === 'bigint' ||
  (typeof value === 'number' &&
    !Number.isSafeInteger(value) &&
    (Number.isInteger(value) || !Number.isFinite(value)))

/**
 * The integer that a text spells for protobuf: as Python's `int(text)` reads it, or else `float(text)` when that is a
 * whole number.
 * @see google/protobuf/json_format.py _ConvertInteger
 */
function parseInteger(value: number | string): Int64 | undefined {
  if (typeof value === 'number') return parseInt64(value)
  if (value.includes(' ')) return undefined
  const text = value.trim()
  if (/^[+-]?\d+(?:_\d+)*$/.test(text)) return parseInt64(text.replaceAll('_', ''))
  const float = DECIMAL.test(text) ? Number(text) : Number.NaN
  return Number.isInteger(float) ? parseInt64(BigInt(float)) : undefined
}

/** An int64 field: JSON number or its text in, number (or bigint beyond 2^53) out. */
export const int64 = () =>
  quick(
    number(
      z.union([z.number().int(), z.string()]).transform((value, context): Int64 => {
        const parsed = parseInteger(value)
        if (parsed !== undefined) return parsed
        context.addIssue({ code: 'invalid_type', expected: 'bigint', input: value })
        return z.NEVER
      }),
    ),
    Number.isSafeInteger,
  )

/** An int32 field: JSON number or its text in, number out. */
export const int32 = () =>
  number(
    z.union([z.number().int(), z.string()]).transform((value, context): number => {
      const parsed = parseInteger(value)
      if (typeof parsed === 'number' && Math.abs(parsed) <= 0x7fffffff) return parsed
      context.addIssue({ code: 'invalid_type', expected: 'int', input: value })
      return z.NEVER
    }),
  )

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i
const NAMED = /^([+-]?)(?:(nan)|inf(?:inity)?)$/i

/** What Python's `float(text)` answers, undefined where it raises. */
function parseDouble(spelled: string): number | undefined {
  const text = spelled.replace(/(?<=\d)_(?=\d)/g, '')
  if (DECIMAL.test(text)) return Number(text)
  const named = NAMED.exec(text)
  if (!named) return undefined
  if (named[2]) return Number.NaN
  return named[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

/** A double field: a JSON number or what Python's `float` reads as one ("1e3", "NaN", "-inf", true) in, number out. */
export const double = () =>
  quick(
    number(
      z.union([z.number(), z.string(), z.boolean()]).transform((value, context): number => {
        const parsed = typeof value === 'string' ? parseDouble(value.trim()) : Number(value)
        if (parsed !== undefined) return parsed
        context.addIssue({ code: 'invalid_type', expected: 'number', input: value })
        return z.NEVER
      }),
    ),
    Number.isFinite,
  )

/** A boolean field. */
export const bool = () => z.boolean()

/** An enum field: its name, its number or its number as text in (queries know only text), its name out. */
export const enumeration = <const Names extends Record<string, number>>(names: Names) =>
  z
    .union([
      z.enum(Object.keys(names) as [string, ...string[]]),
      z.number().int(),
      z.string().regex(/^\d{1,10}$/),
    ])
    .transform((value, context) => {
      const name = Object.keys(names).find((key) => key === value || String(names[key]) === String(value))
      if (name !== undefined) return name as keyof Names & string
      context.addIssue({ code: 'invalid_type', expected: 'string', input: value })
      return z.NEVER
    })

const repeatedLists = new WeakSet<z.ZodType>()

/** A repeated field; absent reads as empty unless marked optional. */
export const repeated = <T extends z.ZodType>(item: T) => {
  const list = z.array(item)
  repeatedLists.add(list)
  return list
}

const requiredLists = new WeakSet<z.ZodType>()

/** Whether a request may leave the field out, which then is empty. */
export const mayBeAbsent = (type: z.ZodType): boolean => repeatedLists.has(type) && !requiredLists.has(type)

/** Marks a repeated field that a request must name, be it empty. */
export const required = <T extends z.ZodType>(list: T): T => {
  requiredLists.add(list)
  return list
}

export type Message = z.ZodObject
export type Parsed<M extends Message> = z.output<M>

/** Declares a message under its protobuf name. Fields that are not optional are MLflow's required ones. */
export const message = <S extends z.ZodRawShape>(id: string, shape: S) => z.object(shape).meta({ id })

/** What MLflow adds to every refusal of a request's parameter. */
export const SEE_DOCS = ' See the API docs for more information about request parameters.'
const camelCase = (name: string) =>
  name.replace(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase())

interface Field {
  name: string
  alias: string
  optional: boolean
  type: z.ZodType
  nested: Message | undefined
  isList: boolean
}

const fieldsOf = new WeakMap<Message, Field[]>()

function describe(schema: Message): Field[] {
  let fields = fieldsOf.get(schema)
  if (!fields) {
    fields = Object.entries(schema.shape).map(([name, declared]) => {
      const optional = declared instanceof z.ZodOptional
      const type = (optional ? declared.unwrap() : declared) as z.ZodType
      const item = (type instanceof z.ZodArray ? type.element : type) as z.ZodType
      return {
        name,
        alias: camelCase(name),
        optional,
        type,
        nested: item instanceof z.ZodObject ? item : undefined,
        isList: type instanceof z.ZodArray,
      }
    })
    fieldsOf.set(schema, fields)
  }
  return fields
}

const FAILED = Symbol('failed')

/** Reads one field's value; FAILED when protobuf would refuse it, or the text of a failed refinement. */
function readValue(field: Field, value: unknown): unknown {
  if (field.nested) {
    if (!field.isList) return readNested(field.nested, value)
    if (!Array.isArray(value)) return FAILED
    const items = value.map((item) => readNested(field.nested as Message, item))
    return items.includes(FAILED) ? FAILED : checked(field, items)
  }
  return checked(field, value)
}

function checked(field: Field, value: unknown): unknown {
  if (field.nested || takesAsItIs.get(field.type)?.(value)) return value
  const result = field.type.safeParse(
    numeric.has(field.type) && isUnusualNumber(value) ? String(value) : value,
  )
  if (result.success) return result.data
  const custom = result.error.issues.find((issue) => issue.code === 'custom')
  if (custom?.message && custom.message !== 'Invalid input') throw invalidParameter(custom.message + SEE_DOCS)
  return FAILED
}

/** Nested messages follow proto2: every field may be absent, null is absent. */
function readNested(schema: Message, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return FAILED
  const source = value as Record<string, unknown>
  const target: Record<string, unknown> = {}
  for (const field of describe(schema)) {
    const raw = pick(field, source)
    if (raw === undefined) {
      if (field.isList && !field.optional) target[field.name] = []
      continue
    }
    const read = readValue(field, raw)
    if (read === FAILED) return FAILED
    target[field.name] = read
  }
  return target
}

function pick(field: Field, source: Record<string, unknown>): unknown {
  const hasName = Object.hasOwn(source, field.name)
  if (field.alias !== field.name && hasName && Object.hasOwn(source, field.alias)) {
    throw invalidParameter(
      `Request specifies both '${field.name}' and '${field.alias}'; provide only one of them.`,
    )
  }
  const raw = hasName
    ? source[field.name]
    : Object.hasOwn(source, field.alias)
      ? source[field.alias]
      : undefined
  if (raw !== null && raw !== undefined) return raw
  // Clients before MLflow 1.0 know a run id as run_uuid.
  return field.name === 'run_id' ? (source.run_uuid ?? source.runUuid ?? undefined) : undefined
}

/**
 * Reads a request body (or query, or path) into a message. Unknown fields are ignored, both spellings of a
 * name are taken, null means absent.
 * @param json the text that the body was read from, for errors that repeat a value
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts. Stricter than MLflow in one way: a field that protobuf
 * cannot read is always refused, where MLflow goes on with the message half read.
 * @see mlflow/server/handlers.py _get_request_message, _validate_param_against_schema
 */
export function readMessage<M extends Message>(schema: M, body: unknown, json?: string): Parsed<M> {
  if (body !== null && (typeof body !== 'object' || Array.isArray(body))) {
    throw new MlflowError('BAD_REQUEST', 'The request body must be a JSON object.')
  }
  const source = (body ?? {}) as Record<string, unknown>
  const target: Record<string, unknown> = {}
  for (const field of describe(schema)) {
    const raw = pick(field, source)
    // An empty text is a missing value to stock, but for its one required integer, which it looks at in another order.
    const isEmpty = raw === '' && !field.optional && !field.isList && field.name !== 'timestamp'
    if (raw === undefined || isEmpty) {
      if (field.isList && !field.optional && !requiredLists.has(field.type)) target[field.name] = []
      else if (!field.optional) throw missingParameter(field.name)
      continue
    }
    const read = readValue(field, raw)
    if (read === FAILED) throw wrongParameter(field.name, asSpelled(field, json) ?? raw)
    target[field.name] = read
  }
  return target as Parsed<M>
}

/** The field's value with its numbers as the text has them: Python tells 9.0 from 9. */
function asSpelled(field: Field, json: string | undefined): unknown {
  if (json === undefined) return undefined
  try {
    const body = parseJsonAsSpelled(json)
    // Old clients encode their JSON twice.
    const source = typeof body === 'string' ? parseJsonAsSpelled(body) : body
    return pick(field, source as Record<string, unknown>)
  } catch {
    // It is nested too deep to be read in this way.
    return undefined
  }
}

export const missingParameter = (path: string) =>
  invalidParameter(`Missing value for required parameter '${path}'.${SEE_DOCS}`)

const quoted = (json: string) => (json.length > MAX_QUOTED ? `${json.slice(0, MAX_QUOTED)}…` : json)

/** Longest value that an error text repeats, in characters. */
const MAX_QUOTED = 2000

export const wrongParameter = (path: string, value: unknown) =>
  invalidParameter(
    `Invalid value ${quoted(pythonJson(value))} for parameter '${path}' supplied:  Hint: Value was of type '${pythonTypeName(value)}'.${SEE_DOCS}`,
  )

/** A refinement whose failure is told in `text`; without a text MLflow's generic one is used. */
export const atMost = (limit: number) => (value: Int64) => value <= limit

/**
 * Turns a query string into the shape of a JSON body for a message: repeated fields become lists, booleans
 * are read from text.
 * @see mlflow/server/handlers.py _get_request_message (GET branch)
 */
export function queryToBody(
  schema: Message,
  query: Record<string, string | string[]>,
): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  for (const field of describe(schema)) {
    const given = query[field.name] ?? (field.name === 'run_id' ? query.run_uuid : undefined)
    if (given === undefined) continue
    const first = Array.isArray(given) ? given[0] : given
    if (field.isList) body[field.name] = Array.isArray(given) ? given : [given]
    else if (field.type instanceof z.ZodBoolean) body[field.name] = readQueryBoolean(first ?? '')
    else body[field.name] = first
  }
  return body
}

function readQueryBoolean(value: string): boolean {
  const lower = value.toLowerCase()
  if (lower !== 'true' && lower !== 'false') {
    throw invalidParameter(`Invalid boolean value: ${value}, must be 'true' or 'false'.`)
  }
  return lower === 'true'
}
