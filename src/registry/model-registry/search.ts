// The search language of registered models and of model versions: tags and attributes.
import { invalidParameter } from '../../errors.ts'
import {
  checkNumberOfClauses,
  onlyListsFor,
  pythonSet,
  readQuoted,
  readQuotedOrList,
} from '../../platform/search/area.ts'
import type { Predicate } from '../../platform/search/comparison.ts'
import type { Node } from '../../platform/search/grouping.ts'
import { readOrderBy } from '../../platform/search/order-by.ts'
import { type Clause, clauseOf, readFilter } from '../../platform/search/parser.ts'
import { readPythonInteger, trimBackticks, trimQuotes } from '../../platform/search/quotes.ts'
import { parseInt64 } from '../../platform/wire/int64.ts'
import { pythonFloat, pythonList, pythonRepr } from '../../platform/wire/python.ts'

/** One clause of a filter; `key` is an attribute's name or a tag's key. */
export type RegistryComparison = { type: 'attribute' | 'tag'; key: string } & Predicate

/** A sort key by an attribute of VERSION_ORDER_KEYS. */
export interface RegistryOrderBy {
  key: string
  ascending: boolean
}

const NUMERIC = ['>', '>=', '!=', '=', '<', '<=']
const TEXT = ['!=', '=', 'LIKE', 'ILIKE']
const TEXT_OR_LIST = [...TEXT, 'IN', 'NOT IN']
/** What stock names numeric, though only the first of them can be searched. */
const NUMERIC_ATTRIBUTES = ['version_number', 'creation_timestamp', 'last_updated_timestamp']
const VERSION_ORDER_KEYS = ['name', ...NUMERIC_ATTRIBUTES]

interface Area {
  attributes: readonly string[]
  /** Attributes that IN takes. */
  lists: readonly string[]
  numbers: boolean
}

const MODELS: Area = { attributes: ['name'], lists: ['name'], numbers: false }
const VERSIONS: Area = {
  attributes: ['name', 'version_number', 'run_id', 'source_path'],
  lists: ['name', 'run_id'],
  numbers: true,
}

/**
 * The comparisons of a filter over registered models; none for an empty one.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 * @see mlflow/utils/search_utils.py SearchModelUtils
 */
export const parseRegisteredModelFilter = (filter: string | undefined): RegistryComparison[] =>
  parseFilter(MODELS, filter)

/**
 * The comparisons of a filter over model versions; none for an empty one. Values of version_number are integers.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 * @see mlflow/utils/search_utils.py SearchModelVersionUtils
 */
export const parseModelVersionFilter = (filter: string | undefined): RegistryComparison[] =>
  parseFilter(VERSIONS, filter)

function parseFilter(area: Area, filter: string | undefined): RegistryComparison[] {
  if (!filter) return []
  const items = readFilter(filter)
  const invalid = items.flatMap((item) => ('invalid' in item ? [item.invalid] : []))
  if (invalid.length > 0) throw invalidParameter(`Invalid clause(s) in filter string: ${invalid.join(', ')}`)
  checkNumberOfClauses(items.length, 'filter')
  const clauses = items.flatMap((item) => ('parts' in item ? [readClause(area, clauseOf(item.parts))] : []))
  return clauses.map(check)
}

interface ReadClause {
  type: 'attribute' | 'tag'
  key: string
  comparator: string
  value: string | string[] | Node
}

function readClause(area: Area, { identifier, comparator, value }: Clause): ReadClause {
  const { type, key } = readIdentifier(identifier, area.attributes, 'as written')
  if (!value) throw invalidParameter(`IS NULL / IS NOT NULL is not supported for ${type} '${key}'`)
  return { type, key, comparator: comparator.toUpperCase(), value: readValue(area, type, key, value) }
}

/** Filters look the key up with its quotes, order_by without them. */
function readIdentifier(identifier: string, valid: readonly string[], lookUp: 'as written' | 'unquoted') {
  const dot = identifier.indexOf('.')
  const entityType = dot < 0 ? 'attribute' : identifier.slice(0, dot)
  if (!['attribute', 'tag', 'tags'].includes(entityType)) {
    throw invalidParameter(
      `Invalid entity type '${entityType}'. Valid entity types are ('attribute', 'tag', 'tags')`,
    )
  }
  const type: 'attribute' | 'tag' = entityType === 'attribute' ? 'attribute' : 'tag'
  const written = identifier.slice(dot + 1)
  const key = trimBackticks(trimQuotes(written))
  const known = lookUp === 'as written' ? written : key
  if (type === 'attribute' && !valid.includes(known)) {
    throw invalidParameter(`Invalid attribute key '${known}' specified. Valid keys are '${pythonSet(valid)}'`)
  }
  return { type, key }
}

/** Numbers are left as they are: whether they fit is asked after the comparator. */
function readValue(area: Area, type: 'attribute' | 'tag', key: string, value: Node) {
  if (type === 'tag') return readQuoted(value, "Expected a quoted string value for tag (e.g. 'my-value')")
  if (area.numbers && (value.kind === 'integer' || value.kind === 'float')) {
    if (NUMERIC_ATTRIBUTES.includes(key)) return value
    throw invalidParameter(
      `Only the '${pythonSet(NUMERIC_ATTRIBUTES)}' attributes support comparison with numeric values.`,
    )
  }
  const noList = area.lists.includes(key) ? undefined : onlyListsFor([...area.lists].sort())
  return readQuotedOrList(
    value,
    'Expected a quoted string value or a list of quoted string values for attributes',
    noList,
  )
}

function check({ type, key, comparator, value }: ReadClause): RegistryComparison {
  const invalid = (of: string) => invalidParameter(`Invalid comparator for ${of}: ${comparator}`)
  if (type === 'tag') {
    if (!TEXT.includes(comparator)) throw invalid('tag')
  } else if (NUMERIC_ATTRIBUTES.includes(key)) {
    if (!NUMERIC.includes(comparator)) throw invalid(`attribute ${key}`)
    return { type, key, comparator, value: readInteger(key, value) } as RegistryComparison
  } else if (!TEXT_OR_LIST.includes(comparator) || (comparator.endsWith('IN') && key === 'source_path')) {
    throw invalid('attribute')
  }
  // Stock passes a list on to `=`, or a text to IN, and fails there.
  if (Array.isArray(value) !== comparator.endsWith('IN')) {
    throw invalidParameter(`A list of values needs IN or NOT IN, not '${comparator}'`)
  }
  return { type, key, comparator, value } as RegistryComparison
}

function readInteger(key: string, value: string | string[] | Node) {
  const written = typeof value === 'string' || Array.isArray(value) ? value : value.text
  const isFloat = typeof value === 'object' && !Array.isArray(value) && value.kind === 'float'
  const digits = isFloat || Array.isArray(written) ? undefined : readPythonInteger(written)
  if (digits === undefined) {
    const shown = isFloat ? pythonFloat(Number(written)) : pythonRepr(String(written))
    throw invalidParameter(`Invalid value for numeric attribute '${key}': ${shown}`)
  }
  const exact = parseInt64(digits)
  if (exact === undefined) throw invalidParameter(`Integer out of range: ${digits}`)
  return exact
}

/**
 * The keys to sort registered models by, first one first, ending in the name.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts; a field that comes twice too, where stock answers 500
 * @see mlflow/store/model_registry/sqlalchemy_store.py _parse_search_registered_models_order_by
 */
export function parseRegisteredModelOrderBy(clauses: readonly string[]): RegistryOrderBy[] {
  const orderBy = clauses.map((clause) => {
    const { identifier, ascending } = readOrderBy(clause)
    if (!['timestamp', 'last_updated_timestamp', 'name'].includes(identifier)) {
      throw invalidParameter(
        `Invalid order by key '${identifier}' specified. Valid keys are '${pythonSet(['name', 'timestamp'])}'`,
      )
    }
    return { key: identifier === 'name' ? 'name' : 'last_updated_timestamp', ascending }
  })
  return endIn(refuseRepeated(orderBy, clauses), [{ key: 'name', ascending: true }])
}

const DEFAULT_VERSION_ORDER = ['last_updated_timestamp DESC', 'name ASC', 'version_number DESC']

/**
 * The keys to sort model versions by, first one first, ending in name and version. Latest first without clauses.
 * Stock takes a tag for the attribute of the same name; it is refused here.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts; a field that comes twice too, where stock answers 500
 * @see mlflow/store/model_registry/sqlalchemy_store.py _parse_search_model_versions_order_by
 */
export function parseModelVersionOrderBy(given: readonly string[]): RegistryOrderBy[] {
  const clauses = given.length > 0 ? given : DEFAULT_VERSION_ORDER
  const orderBy = clauses.map((clause) => {
    const { identifier, ascending } = readOrderBy(clause)
    const { type, key } = readIdentifier(identifier, VERSION_ORDER_KEYS, 'unquoted')
    if (type === 'attribute') return { key, ascending }
    throw invalidParameter(
      `Invalid order by key '${VERSION_ORDER_KEYS.includes(key) ? identifier : key}' specified. Valid keys are ${pythonSet(VERSION_ORDER_KEYS)}`,
    )
  })
  return endIn(refuseRepeated(orderBy, clauses), [
    { key: 'name', ascending: true },
    { key: 'version_number', ascending: false },
  ])
}

function refuseRepeated(orderBy: RegistryOrderBy[], clauses: readonly string[]): RegistryOrderBy[] {
  if (new Set(orderBy.map(({ key }) => key)).size === orderBy.length) return orderBy
  throw invalidParameter(`\`order_by\` contains duplicate fields: ${pythonList(clauses)}`)
}

const endIn = (orderBy: RegistryOrderBy[], ends: RegistryOrderBy[]): RegistryOrderBy[] => [
  ...orderBy,
  ...ends.filter(({ key }) => !orderBy.some((given) => given.key === key)),
]
