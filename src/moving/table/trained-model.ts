// What a row of the table says, checked as MLflow's server would check it: a run, and a version of a model.
import { hashOf } from '../../platform/wire/ids.ts'
import { isJsonObject, parseJsonAsSpelled, SpelledNumber } from '../../platform/wire/int64.ts'
import * as limits from '../../platform/wire/limits.ts'
import { checkEntityKey, checkLength, lengthOf } from '../../platform/wire/names.ts'
import type { Mapping, TextFrom, TimeFrom, ValuesFrom } from './mapping.ts'
import type { TableReader, TableRow } from './table-reader.ts'

export interface TrainedModel {
  /** As it is told: `name=x, version=1`. */
  key: string
  /** Follows from the key. */
  runId: string
  experiment: string
  runName: string
  userId: string | null
  /** Milliseconds since 1970, as all times. */
  startTime: number | null
  endTime: number | null
  /** Where the run's files are; null for its folder below its experiment's. */
  artifacts: string | null
  params: [key: string, value: string][]
  metrics: { key: string; value: number; isNan: boolean }[]
  tags: [key: string, value: string][]
  model: ModelVersionOf | undefined
  /** Changes with anything of it. */
  digest: string
}

export interface ModelVersionOf {
  name: string
  /** The version as the table has it. */
  text: string | null
  /** The same, where it is to be an alias. */
  alias: string | null
  source: string | null
  createdMs: number | null
}

/** The row is not taken; says why. */
export class RefusedRow extends Error {}

/** MLflow's rules for names that other rooms have. Each throws an error whose text is for people. */
export interface Rules {
  checkExperimentName(name: string): void
  checkModelName(name: string): void
  checkAlias(alias: string): void
}

/** Tags of runs by which an import finds them again; the last one is written when all else of a row is there. */
export const TABLE_TAG = 'crateflow.import.table'
export const KEY_TAG = 'crateflow.import.key'
export const ROW_TAG = 'crateflow.import.row'
/** The tag of a model version that has the version as the table has it. */
export const VERSION_TAG = 'version_string'
/** @see mlflow/utils/mlflow_tags.py */
const RUN_NAME_TAG = 'mlflow.runName'
const USER_TAG = 'mlflow.user'

/** Width of MLflow's column of sources. */
const MAX_SOURCE_LENGTH = 500
const MAX_MS = 8.64e15

export const keyOf = (row: TableRow, columns: readonly string[]): string =>
  columns.map((column) => `${column}=${row.get(column) ?? 'NULL'}`).join(', ')

/** Shaped as a UUIDv4: on CrateDB all metrics of imported runs are in the partition of ids that tell no time. */
function runIdOf(name: string, values: readonly unknown[]): string {
  const digits = hashOf(JSON.stringify(['table', name, ...values]))
  return `${digits.slice(0, 12)}4${digits.slice(13, 16)}8${digits.slice(17)}`
}

/**
 * Reads one row.
 * @param name what tells the table from others
 * @throws RefusedRow
 */
export function readRow(
  row: TableRow,
  mapping: Mapping,
  name: string,
  rules: Rules & Pick<TableReader, 'hasTimes'>,
): TrainedModel {
  const key = keyOf(row, mapping.key)
  const keyValues = mapping.key.map((column) => row.get(column))
  try {
    const { run } = mapping
    const model = mapping.model && readModel(row, mapping.model, rules)
    const runName = textFrom(row, run.name) ?? ([model?.name, model?.text].filter(Boolean).join(' ') || key)
    const userId = textFrom(row, run.user)
    const experiment = required(textFrom(row, mapping.experiment), mapping.experiment)
    rules.checkExperimentName(experiment)
    const read = {
      key,
      runId: runIdOf(name, keyValues),
      experiment,
      runName: checkLength('run_name', limits.MAX_TAG_VALUE_LENGTH, runName),
      userId,
      startTime: timeFrom(row, run.start, rules),
      endTime: timeFrom(row, run.end, rules),
      artifacts: textFrom(row, run.artifacts),
      params: valuesFrom(row, mapping.params, 'param').map(checkParam),
      metrics: valuesFrom(row, mapping.metrics, 'metric').map(readMetric),
      tags: [
        ...valuesFrom(row, mapping.tags, 'tag').map(checkTag),
        [RUN_NAME_TAG, runName],
        ...(userId === null ? [] : [[USER_TAG, userId]]),
        [TABLE_TAG, name],
        [KEY_TAG, JSON.stringify(keyValues)],
      ] as [string, string][],
      model,
    }
    checkDistinct(
      'tag',
      read.tags.map(([tag]) => tag),
    )
    return { ...read, digest: hashOf(JSON.stringify(read)) }
  } catch (error) {
    throw new RefusedRow((error as Error).message)
  }
}

function readModel(
  row: TableRow,
  from: NonNullable<Mapping['model']>,
  rules: Rules & Pick<TableReader, 'hasTimes'>,
): ModelVersionOf {
  const name = required(textFrom(row, from.name), from.name)
  rules.checkModelName(name)
  const text = from.version ? required(textFrom(row, from.version), from.version) : null
  const isAlias = from.version?.as === 'alias'
  if (isAlias && text !== null) {
    try {
      rules.checkAlias(text)
    } catch (error) {
      throw new RefusedRow(`${(error as Error).message} Keep versions as tags: "as: tag" in the mapping.`)
    }
  }
  const source = from.source ? required(textFrom(row, from.source), from.source) : null
  if (source !== null) checkLength('source', MAX_SOURCE_LENGTH, source)
  return { name, text, alias: isAlias ? text : null, source, createdMs: timeFrom(row, from.created, rules) }
}

/** NUL characters no engine keeps. */
function textFrom(row: TableRow, from: TextFrom | undefined): string | null {
  if (from === undefined) return null
  const text = typeof from === 'string' ? from : (row.get(from.column) ?? null)
  if (text?.includes('\0')) throw new RefusedRow(`${nameOf(from)} has a NUL character.`)
  return text === '' ? null : text
}

const nameOf = (from: TextFrom) => (typeof from === 'string' ? `"${from}"` : from.column)

function required(text: string | null, from: TextFrom): string {
  if (text === null) throw new RefusedRow(`${nameOf(from)} is NULL or empty.`)
  return text
}

/** Pairs of all columns and members that have a value, as texts; a key may come once. */
function valuesFrom(row: TableRow, from: readonly ValuesFrom[], what: string): [key: string, text: string][] {
  const pairs = from.flatMap((one): [string, string][] => {
    if ('text' in one) return [[one.as, one.text]]
    const text = row.get('column' in one ? one.column : one.object) ?? null
    if (text === null) return []
    return 'column' in one ? [[one.as ?? one.column, text]] : membersOf(one.object, text)
  })
  for (const [key, text] of pairs)
    if (text.includes('\0') || key.includes('\0'))
      throw new RefusedRow(`The ${what} ${key} has a NUL character.`)
  checkDistinct(
    what,
    pairs.map(([key]) => key),
  )
  return pairs
}

/** Members that are NULL are none; numbers stay as they are spelled, lists and objects are their JSON. */
function membersOf(column: string, text: string): [key: string, text: string][] {
  const object = parsed(column, text)
  if (object === null) return []
  if (!isJsonObject(object)) throw new RefusedRow(`${column} is no object: ${text.slice(0, 50)}`)
  return Object.entries(object).flatMap(([key, value]): [string, string][] =>
    value === null ? [] : [[key, typeof value === 'string' ? value : spelled(value)]],
  )
}

function parsed(column: string, text: string): unknown {
  try {
    return parseJsonAsSpelled(text)
  } catch {
    throw new RefusedRow(`${column} is no JSON: ${text.slice(0, 50)}`)
  }
}

const spelled = (value: unknown): string => {
  if (value instanceof SpelledNumber) return value.text
  if (Array.isArray(value)) return `[${value.map(quoted).join(', ')}]`
  if (isJsonObject(value))
    return `{${Object.entries(value)
      .map(([key, member]) => `${JSON.stringify(key)}: ${quoted(member)}`)
      .join(', ')}}`
  return String(value)
}
const quoted = (value: unknown) => (typeof value === 'string' ? JSON.stringify(value) : spelled(value))

function checkDistinct(what: string, keys: readonly string[]): void {
  const seen = new Set<string>()
  for (const key of keys) {
    if (seen.has(key)) throw new RefusedRow(`The ${what} ${key} comes twice.`)
    seen.add(key)
  }
}

function checkParam([key, value]: [string, string]): [string, string] {
  checkEntityKey(key, 'params', 'Param key')
  return [key, within(value, limits.MAX_PARAM_VALUE_LENGTH, `The param ${key}`)]
}

function checkTag([key, value]: [string, string]): [string, string] {
  checkEntityKey(key, 'tags', 'Tag key')
  return [key, within(value, limits.MAX_TAG_VALUE_LENGTH, `The tag ${key}`)]
}

/** Longer texts are not cut, as a server would do: nobody would see it. */
function within(value: string, limit: number, what: string): string {
  const length = value.length > limit ? lengthOf(value) : 0
  if (length > limit) throw new RefusedRow(`${what} has ${length} characters; ${limit} are the most.`)
  return value
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const INFINITY = /^[+-]?inf(inity)?$/i

/** NaN is a 0 with a mark, infinities are the largest finite numbers. */
function readMetric([key, text]: [string, string]): { key: string; value: number; isNan: boolean } {
  checkEntityKey(key, 'metrics', 'Metric name')
  const plain = text.trim()
  if (/^nan$/i.test(plain)) return { key, value: 0, isNan: true }
  if (INFINITY.test(plain))
    return { key, value: plain.startsWith('-') ? -Number.MAX_VALUE : Number.MAX_VALUE, isNan: false }
  if (!NUMBER.test(plain)) throw new RefusedRow(`The metric ${key} is no number: ${text.slice(0, 50)}`)
  const value = Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, Number(plain)))
  // The stores know no negative zero.
  return { key, value: value + 0, isNan: false }
}

function timeFrom(
  row: TableRow,
  from: TimeFrom | undefined,
  { hasTimes }: Pick<TableReader, 'hasTimes'>,
): number | null {
  const text = from && row.get(from.column)
  if (!from || text === null || text === undefined || text === '') return null
  // A text of digits may be 20260131 as well as seconds or milliseconds.
  if (from.unit === 'timestamp' && DIGITS.test(text) && !hasTimes(from.column))
    throw new RefusedRow(`${from.column} is no time, or lacks "unit: ms" or "unit: s": ${text.slice(0, 50)}`)
  const ms = from.unit === 'timestamp' ? readTimestamp(text) : Number(text) * (from.unit === 's' ? 1000 : 1)
  if (ms === undefined || !(Math.abs(ms) <= MAX_MS))
    throw new RefusedRow(`${from.column} is no time: ${text.slice(0, 50)}`)
  return Math.round(ms)
}

const DIGITS = /^-?\d+$/
const TIMESTAMP =
  /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(?::(\d\d)(\.\d+)?)?)?\s?(?:(Z)|([+-]\d\d)(?::?(\d\d))?)?$/

/** ISO 8601 or nearly so, in UTC where no zone is told; or digits, which are how CrateDB spells its timestamps. */
function readTimestamp(text: string): number | undefined {
  if (DIGITS.test(text)) return Number(text)
  const match = TIMESTAMP.exec(text)
  if (!match) return undefined
  const [, day, minutes = '00:00', seconds = '00', fraction = '', , hours, rest = '00'] = match
  // JavaScript takes 30 February for 2 March.
  const midnight = Date.parse(`${day}T00:00:00Z`)
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(`${day}T`)) return undefined
  const zone = hours === undefined ? 'Z' : `${hours}:${rest}`
  const ms = Date.parse(`${day}T${minutes}:${seconds}${zone}`)
  return Number.isNaN(ms) ? undefined : ms + Math.floor(Number(`0${fraction}`) * 1000)
}
