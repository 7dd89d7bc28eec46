// The search language of runs: metrics, params, tags, datasets and attributes.
import { invalidParameter } from '../../errors.ts'
import {
  checkNumberOfClauses,
  notOneOf,
  onlyListsFor,
  type ReadClause,
  readClauses,
  readNumber,
  readQuoted,
  readQuotedOrList,
  readSortKey,
  type SearchArea,
} from '../../platform/search/area.ts'
import type { Comparison, EntityType, OrderBy } from '../../platform/search/comparison.ts'
import type { Node } from '../../platform/search/grouping.ts'
import { pythonList } from '../../platform/wire/python.ts'

const ATTRIBUTES = ['artifact_uri', 'end_time', 'run_id', 'run_name', 'start_time', 'status', 'user_id']
const NUMERIC_ALIASES = ['created', 'Created']
const STRING_ALIASES = ['run name', 'Run name', 'Run Name']
const NUMERIC_ATTRIBUTES = ['start_time', 'end_time', ...NUMERIC_ALIASES]

const NUMERIC = ['>', '>=', '!=', '=', '<', '<=']
const TEXT = ['!=', '=', 'LIKE', 'ILIKE']
const TEXT_OR_NULL = [...TEXT, 'IS NULL', 'IS NOT NULL']
const TEXT_OR_LIST = [...TEXT, 'IN', 'NOT IN']

const area: SearchArea<EntityType> = {
  entityTypes: {
    metric: 'metric',
    metrics: 'metric',
    parameter: 'parameter',
    parameters: 'parameter',
    param: 'parameter',
    params: 'parameter',
    tag: 'tag',
    tags: 'tag',
    attribute: 'attribute',
    attributes: 'attribute',
    attr: 'attribute',
    run: 'attribute',
    dataset: 'dataset',
    datasets: 'dataset',
  },
  unknownEntityType: (entityType) =>
    `Invalid entity type '${entityType}'. Valid values are ` +
    pythonList(['metric', 'parameter', 'tag', 'attribute', 'dataset']),
  backticksAroundEntityType: true,
  keys: {
    attribute: {
      search: [...ATTRIBUTES, ...NUMERIC_ALIASES, ...STRING_ALIASES],
      orderBy: [...ATTRIBUTES, ...NUMERIC_ALIASES],
    },
    dataset: { search: ['name', 'digest', 'context'] },
  },
  readValue,
  nullable: ['tag', 'parameter'],
  notNullable: (type, key) =>
    `IS NULL / IS NOT NULL is only supported for tags and params, not for '${type}' '${key}'`,
  quoteInvalid: (text) => `'${text}'`,
}

function readValue(type: EntityType, key: string, value: Node) {
  if (type === 'metric') return Number(readMetricNumber(value))
  if (type === 'parameter' || type === 'tag') {
    return readQuoted(value, `Expected a quoted string value for ${type} (e.g. 'my-value')`)
  }
  if (type === 'dataset') {
    return readQuotedOrList(value, 'Expected a quoted string value for dataset attributes', undefined)
  }
  if (NUMERIC_ATTRIBUTES.includes(key)) {
    return readNumber(value, `Expected numeric value type for numeric attribute: ${key}`)
  }
  const noList = key === 'run_id' ? undefined : onlyListsFor(['run_id'])
  return readQuotedOrList(value, 'Expected a quoted string value for attributes', noList)
}

function readMetricNumber(value: Node): string {
  if (value.kind === 'integer' || value.kind === 'float') return value.text
  throw invalidParameter(`Expected numeric value type for metric. Found ${value.text}`)
}

/**
 * The comparisons of a filter; none for an empty one. Aliases of keys are replaced, comparators in upper case.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 * @see mlflow/utils/search_utils.py SearchUtils.parse_search_filter
 * @see mlflow/store/tracking/sqlalchemy_store.py _get_sqlalchemy_filter_clauses
 */
export function parseRunFilter(filter: string | undefined): Comparison[] {
  return readClauses(area, filter).map(toComparison)
}

function toComparison(clause: ReadClause<EntityType>): Comparison {
  const comparator = clause.comparator.toUpperCase()
  const key = realKey(clause.key)
  const { valid, error } = comparatorsOf(clause.type, key, comparator)
  if (!valid.includes(comparator)) throw invalidParameter(error)
  return { type: clause.type, key, comparator, value: clause.value } as Comparison
}

function comparatorsOf(type: EntityType, key: string, comparator: string) {
  const rule = (valid: readonly string[], lastQuote: "'" | '', told = valid) => ({
    valid,
    error: notOneOf(comparator, told, lastQuote),
  })
  if (type === 'metric') return rule(NUMERIC, '')
  if (type === 'parameter') return rule(TEXT_OR_NULL, "'")
  if (type === 'tag') return rule(TEXT_OR_NULL, '')
  if (type === 'dataset') return rule(TEXT_OR_LIST, '')
  // MLflow names the comparators of texts here.
  if (NUMERIC_ATTRIBUTES.includes(key)) return rule(NUMERIC, '', TEXT_OR_LIST)
  return rule(TEXT_OR_LIST, "'")
}

/** Applies to keys of every type, as in MLflow: `metrics.created` is the metric `start_time`. */
function realKey(key: string): string {
  if (NUMERIC_ALIASES.includes(key)) return 'start_time'
  return STRING_ALIASES.includes(key) ? 'run_name' : key
}

/**
 * The keys to sort by, first one first. Ties are left to the caller.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts; a field that comes twice too, where stock answers 500
 * @see mlflow/store/tracking/sqlalchemy_store.py _get_orderby_clauses
 */
export function parseRunOrderBy(clauses: readonly string[]): OrderBy[] {
  checkNumberOfClauses(clauses.length, 'order_by')
  const seen = new Set<string>()
  return clauses.map((clause) => {
    const { type, key, ascending } = readSortKey(area, clause)
    if (type === 'dataset') throw invalidParameter(`Invalid identifier type '${type}'`)
    const orderBy = { type, key: realKey(key), ascending }
    const field = `${orderBy.type}.${orderBy.key}`
    if (seen.has(field)) {
      throw invalidParameter(`\`order_by\` contains duplicate fields: ${pythonList(clauses)}`)
    }
    seen.add(field)
    return orderBy
  })
}
