// The search language of experiments: tags and attributes.
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
import type { Comparison, OrderBy } from '../../platform/search/comparison.ts'
import type { Node } from '../../platform/search/grouping.ts'
import { readPythonInteger } from '../../platform/search/quotes.ts'
import { parseInt64 } from '../../platform/wire/int64.ts'
import { pythonFloat } from '../../platform/wire/python.ts'

type ExperimentEntityType = 'attribute' | 'tag'

const NUMERIC_ATTRIBUTES = ['creation_time', 'last_update_time']
const ATTRIBUTES = ['name', 'experiment_id', ...NUMERIC_ATTRIBUTES]

const NUMERIC = ['=', '!=', '<', '<=', '>', '>=']
const TEXT = ['=', '!=', 'LIKE', 'ILIKE']
const NULLS = ['IS NULL', 'IS NOT NULL']
const IDENTITY = ['=', '!=', 'IN', 'NOT IN']
/** Those of names, as the error has them; IN gets no further, since names take no list. */
const TEXT_OR_LIST = ['!=', '=', 'LIKE', 'ILIKE', 'IN', 'NOT IN']

const area: SearchArea<ExperimentEntityType> = {
  entityTypes: { attribute: 'attribute', tag: 'tag', tags: 'tag' },
  unknownEntityType: (entityType) =>
    `Invalid entity type '${entityType}'. Valid entity types are ('attribute', 'tag', 'tags')`,
  backticksAroundEntityType: false,
  keys: { attribute: { search: ATTRIBUTES } },
  readValue,
  nullable: ['tag'],
  notNullable: (_type, key) => `IS NULL / IS NOT NULL is only supported for tags, not for attribute '${key}'`,
  quoteInvalid: (text) => text,
}

function readValue(type: ExperimentEntityType, key: string, value: Node) {
  if (type === 'tag') return readQuoted(value, "Expected a quoted string value for tag (e.g. 'my-value')")
  if (NUMERIC_ATTRIBUTES.includes(key)) {
    return readNumber(value, `Expected numeric value type for numeric attribute: ${key}`)
  }
  const noList = key === 'experiment_id' ? undefined : onlyListsFor(['experiment_id'])
  return readQuotedOrList(value, 'Expected a quoted string value for attributes', noList)
}

/**
 * The comparisons of a filter; none for an empty one. Unlike those of runs, comparators must be in upper case.
 * Values of experiment_id are decimal texts without leading zeros.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 * @see mlflow/store/tracking/sqlalchemy_store.py _get_search_experiments_filter_clauses
 */
export function parseExperimentFilter(filter: string | undefined): Comparison[] {
  return readClauses(area, filter).map((clause) => {
    const { type, key, comparator } = clause
    checkComparator(clause)
    const isId = type === 'attribute' && key === 'experiment_id'
    const value = isId ? readIds(clause.value as string | string[]) : clause.value
    return { type, key, comparator, value } as Comparison
  })
}

function checkComparator({ type, key, comparator, value, written }: ReadClause<ExperimentEntityType>): void {
  if (type === 'tag') {
    const valid = value === null ? NULLS : TEXT
    if (!valid.includes(comparator)) throw invalidParameter(`Invalid comparator for tag: ${comparator}`)
  } else if (key === 'experiment_id') {
    if (!IDENTITY.includes(comparator)) {
      throw invalidParameter(`Invalid comparator for experiment_id: ${comparator}`)
    }
  } else if (NUMERIC_ATTRIBUTES.includes(key)) {
    // MLflow names the comparators of texts here.
    if (!NUMERIC.includes(comparator)) throw invalidParameter(notOneOf(comparator, TEXT_OR_LIST, ''))
    if (/[^-\d]/.test(written)) {
      throw invalidParameter(
        `Invalid value for numeric attribute '${key}': '${pythonFloat(Number(written))}'`,
      )
    }
  } else if (!TEXT.includes(comparator)) throw invalidParameter(notOneOf(comparator, TEXT_OR_LIST, "'"))
}

const readIds = (value: string | string[]) => (Array.isArray(value) ? value.map(readId) : readId(value))

function readId(text: string): string {
  const id = parseInt64(readPythonInteger(text))
  if (id === undefined) {
    throw invalidParameter(`Invalid experiment ID '${text}'. Experiment ID must be a valid integer.`)
  }
  return String(id)
}

const DEFAULT_ORDER: OrderBy[] = [
  { type: 'attribute', key: 'creation_time', ascending: false },
  { type: 'attribute', key: 'experiment_id', ascending: true },
]

/**
 * The keys to sort by, first one first, ending in experiment_id. Newest first when there are no clauses.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 * @see mlflow/store/tracking/sqlalchemy_store.py _get_search_experiments_order_by_clauses
 */
export function parseExperimentOrderBy(clauses: readonly string[]): OrderBy[] {
  if (clauses.length === 0) return DEFAULT_ORDER
  checkNumberOfClauses(clauses.length, 'order_by')
  const orderBy = clauses.map((clause) => {
    const sortKey = readSortKey(area, clause)
    if (sortKey.type !== 'attribute') throw invalidParameter(`Invalid order_by entity: ${sortKey.type}`)
    return sortKey
  })
  if (orderBy.some(({ key }) => key === 'experiment_id')) return orderBy
  return [...orderBy, { type: 'attribute', key: 'experiment_id', ascending: false }]
}
