// The search language of logged models. It has its own rules for keys and values, unlike those of runs.
import { invalidParameter } from '../../errors.ts'
import { checkNumberOfClauses } from '../../platform/search/area.ts'
import type { Predicate } from '../../platform/search/comparison.ts'
import type { Node } from '../../platform/search/grouping.ts'
import { readStringList } from '../../platform/search/list-literal.ts'
import { type Item, readItems, readOrRefuse } from '../../platform/search/parser.ts'
import { readPythonFloat } from '../../platform/search/quotes.ts'
import { pythonList, pythonRepr } from '../../platform/wire/python.ts'

export type LoggedModelEntityType = 'attribute' | 'metric' | 'parameter' | 'tag'

/**
 * One clause of a filter. Attributes have the names of the columns of `logged_models`; all but the two timestamps
 * compare as texts, `status` as the decimal text of its number.
 */
export type LoggedModelComparison = { type: LoggedModelEntityType; key: string } & Predicate

/** A clause of order_by as it comes over the wire. */
export interface LoggedModelOrderByClause {
  field_name?: string | undefined
  ascending?: boolean | undefined
  dataset_name?: string | undefined
  dataset_digest?: string | undefined
}

/** A sort key; metrics only of the dataset when that is named. */
export interface LoggedModelOrderBy {
  type: 'attribute' | 'metric'
  key: string
  ascending: boolean
  datasetName?: string
  datasetDigest?: string
}

const ENTITY_TYPES = new Map<string, LoggedModelEntityType>([
  ['attributes', 'attribute'],
  ['metrics', 'metric'],
  ['params', 'parameter'],
  ['tags', 'tag'],
])

const ALIASES = new Map([
  ['creation_time', 'creation_timestamp_ms'],
  ['creation_timestamp', 'creation_timestamp_ms'],
  ['last_updated_timestamp', 'last_updated_timestamp_ms'],
])
const NUMERIC_ATTRIBUTES = ['creation_timestamp_ms', 'last_updated_timestamp_ms']
const ATTRIBUTES = [
  'name',
  'model_id',
  'model_type',
  'status',
  'source_run_id',
  'experiment_id',
  'artifact_location',
  'lifecycle_stage',
  'status_message',
  ...NUMERIC_ATTRIBUTES,
]
const STATUSES = new Map([
  ['PENDING', '1'],
  ['READY', '2'],
  ['FAILED', '3'],
])

const NUMERIC = ['<', '<=', '>', '>=', '=', '!=']
const TEXT_OR_LIST = ['=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN']

/**
 * The comparisons of a filter; none for an empty one. Values need no quotes here, as in stock.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts; also where stock fails (unknown attributes, numbers that are
 *   none) or finds nothing without saying why (double quotes, which stock takes for a part of the text)
 * @see mlflow/utils/search_logged_model_utils.py parse_filter_string
 */
export function parseLoggedModelFilter(filter: string | undefined): LoggedModelComparison[] {
  if (!filter) return []
  const shown = `Invalid filter string: ${pythonRepr(filter)}.`
  const statement = readOrRefuse(filter, (reason) => `${shown} SQLParseError(${pythonRepr(reason)})`)
  if (typeof statement === 'string') {
    throw invalidParameter(`${shown} Expected a single SQL expression.`)
  }
  const items = readItems(statement)
  checkNumberOfClauses(items.length, 'filter')
  return items.map((item) => {
    if ('parts' in item) return toComparison(item)
    throw invalidParameter(
      `${shown} Expected a list of comparisons separated by 'AND' ` +
        "(e.g. 'metrics.loss > 0.1 AND params.lr = 0.01').",
    )
  })
}

function toComparison({ parts, text }: Exclude<Item, { invalid: string }>): LoggedModelComparison {
  const [left, operator, right] = parts
  if (!left || !operator || !right || parts.length > 3) {
    throw invalidParameter(`Invalid comparison: ${text}. Expected a comparison with 3 tokens.`)
  }
  const { type, key, shown } = readEntity(left.text)
  const comparator = operator.text.toUpperCase()
  const isNumeric = type === 'metric' || (type === 'attribute' && NUMERIC_ATTRIBUTES.includes(key))
  const valid = isNumeric ? NUMERIC : TEXT_OR_LIST
  if (!valid.includes(comparator)) {
    const expected = `(${pythonList(valid).slice(1, -1)})`
    throw invalidParameter(
      `Invalid comparison operator for ${shown}: ${pythonRepr(comparator)}. Expected one of ${expected}.`,
    )
  }
  if (type === 'attribute' && !ATTRIBUTES.includes(key)) {
    throw invalidParameter(`Invalid attribute '${key}'. Expected one of ${pythonList(ATTRIBUTES)}.`)
  }
  const value = isNumeric ? readNumber(shown, right) : readText(shown, comparator, right)
  return {
    type,
    key,
    comparator,
    value: key === 'status' && type === 'attribute' ? toStatus(value) : value,
  } as LoggedModelComparison
}

const trimAll = (text: string, quote: string): string => {
  let [start, end] = [0, text.length]
  while (start < end && text[start] === quote) start += 1
  while (end > start && text[end - 1] === quote) end -= 1
  return text.slice(start, end)
}

/** @see mlflow/utils/search_logged_model_utils.py Entity.from_str */
function readEntity(identifier: string): { type: LoggedModelEntityType; key: string; shown: string } {
  const [, written, rest = ''] = /^([a-z]+)\.([^\n]+)\n?$/.exec(identifier) ?? []
  if (written === undefined) return attribute(ALIASES.get(identifier) ?? identifier)
  const type = ENTITY_TYPES.get(written)
  if (type === undefined) {
    const expected = pythonList([...ENTITY_TYPES.keys()])
    throw invalidParameter(`Invalid entity type: ${pythonRepr(written)}. Expected one of ${expected}.`)
  }
  if (type === 'attribute') return attribute(rest)
  const key = trimAll(rest, '`')
  if (/^["']/.test(key))
    throw invalidParameter(`Invalid key ${key}. Use backticks around keys of logged models.`)
  return { type, key, shown: `${written}.${key}` }
}

function attribute(written: string) {
  const key = trimAll(written, '`')
  return { type: 'attribute' as const, key: ALIASES.get(key) ?? key, shown: `attributes.${key}` }
}

function readNumber(shown: string, value: Node): number {
  const number = readPythonFloat(value.text)
  if (number === undefined) throw invalidParameter(`Expected a number for ${shown}. Got value ${value.text}`)
  return number
}

function readText(shown: string, comparator: string, value: Node): string | string[] {
  const isList = value.text.startsWith('(') && value.text.endsWith(')')
  if (isList !== comparator.endsWith('IN')) {
    throw invalidParameter(`A list of values for ${shown} needs IN or NOT IN, not '${comparator}'`)
  }
  if (isList) return readStringList(value.text, { allowEmpty: true })
  if (value.text.startsWith('"')) {
    throw invalidParameter(`Expected a value in single quotes for ${shown}. Got value ${value.text}`)
  }
  return trimAll(value.text, "'")
}

/** Stock stores statuses as numbers and compares them with the text as given; their names work here as well. */
const toStatus = (value: number | string | string[]): number | string | string[] => {
  if (Array.isArray(value)) return value.map((name) => STATUSES.get(name) ?? name)
  return typeof value === 'string' ? (STATUSES.get(value) ?? value) : value
}

/**
 * The keys to sort by, first one first. Ties are left to the caller.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 * @see mlflow/store/tracking/sqlalchemy_store.py SqlAlchemyStore._apply_order_by_search_logged_models
 */
export function parseLoggedModelOrderBy(clauses: readonly LoggedModelOrderByClause[]): LoggedModelOrderBy[] {
  checkNumberOfClauses(clauses.length, 'order_by')
  return clauses.map((clause) => {
    const field = clause.field_name ?? ''
    const ascending = clause.ascending ?? true
    const dot = field.indexOf('.')
    if (dot < 0) {
      const key = ALIASES.get(field) ?? field
      if (ATTRIBUTES.includes(key)) return { type: 'attribute', key, ascending }
      throw invalidParameter(`Invalid order by field name: ${field}`, 'ATTRIBUTE_NOT_FOUND')
    }
    if (field.slice(0, dot) !== 'metrics') {
      throw invalidParameter(`Invalid order by field name: ${field}. Only metrics are supported.`)
    }
    if (field === 'metrics.')
      throw invalidParameter(`Invalid order by field name: ${field}. It names no metric.`)
    return {
      type: 'metric',
      key: field.slice(dot + 1),
      ascending,
      ...(clause.dataset_name && { datasetName: clause.dataset_name }),
      ...(clause.dataset_digest && { datasetDigest: clause.dataset_digest }),
    }
  })
}
