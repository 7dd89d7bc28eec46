// The search language of evaluation datasets: tags and attributes.
import { invalidParameter } from '../../errors.ts'
import {
  checkNumberOfClauses,
  onlyListsFor,
  pythonSet,
  readNumber,
  readQuoted,
  readQuotedOrList,
} from '../../platform/search/area.ts'
import type { Predicate } from '../../platform/search/comparison.ts'
import { readOrderBy } from '../../platform/search/order-by.ts'
import { type Clause, clauseOf, readFilter } from '../../platform/search/parser.ts'
import { pythonFloat } from '../../platform/wire/python.ts'

/** One clause of a filter; `key` is an attribute's name or a tag's key. */
export type DatasetComparison = { type: 'attribute' | 'tag'; key: string } & Predicate

/** A sort key by one of ORDER_KEYS or by dataset_id. */
export interface DatasetOrderBy {
  key: string
  ascending: boolean
}

const NUMERIC_ATTRIBUTES = ['created_time', 'last_update_time']
const ATTRIBUTES = ['name', ...NUMERIC_ATTRIBUTES, 'created_by', 'last_updated_by']
const ORDER_KEYS = ['name', ...NUMERIC_ATTRIBUTES]

const NUMERIC = ['>', '>=', '!=', '=', '<', '<=']
const TAG = ['=', '!=', 'LIKE', 'ILIKE']
const TEXT = [...NUMERIC, 'LIKE', 'ILIKE']

/** Clauses of a filter at most. */
const MAX_CLAUSES = 200

/**
 * The comparisons of a filter over evaluation datasets; none for an empty one. Keys of tags are taken as they are
 * written, quotes included, as stock does.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 * @see mlflow/utils/search_utils.py SearchEvaluationDatasetsUtils
 * @see mlflow/store/tracking/sqlalchemy_store.py _get_search_datasets_filter_clauses
 */
export function parseDatasetFilter(filter: string | undefined): DatasetComparison[] {
  if (!filter) return []
  const items = readFilter(filter)
  const invalid = items.flatMap((item) => ('invalid' in item ? [item.invalid] : []))
  if (invalid.length > 0) throw invalidParameter(`Invalid clause(s) in filter string: ${invalid.join(', ')}`)
  checkNumberOfClauses(items.length, 'filter', MAX_CLAUSES)
  const clauses = items.flatMap((item) => ('parts' in item ? [readClause(clauseOf(item.parts))] : []))
  checkNumberOfClauses(clauses.filter(({ type }) => type === 'tag').length, 'filter')
  for (const clause of clauses) checkComparator(clause)
  return clauses.map(
    ({ type, key, comparator, value }) => ({ type, key, comparator, value }) as DatasetComparison,
  )
}

type ReadClause = ReturnType<typeof readClause>

function readClause({ identifier, comparator, value }: Clause) {
  const { type, key } = readIdentifier(identifier, ATTRIBUTES)
  if (!value) {
    if (type === 'tag') return { type, key, comparator, value: null, written: '' }
    throw invalidParameter(
      `IS NULL / IS NOT NULL is only supported for tags and params, not for 'attribute' '${key}'`,
    )
  }
  const read = readValue(type, key, value)
  if (Array.isArray(read) && comparator !== 'IN') {
    throw invalidParameter("List values for 'name' are only supported with the IN comparator.")
  }
  return { type, key, comparator, value: read, written: value.text }
}

function readIdentifier(
  identifier: string,
  valid: readonly string[],
): { type: 'attribute' | 'tag'; key: string } {
  const dot = identifier.indexOf('.')
  if (dot >= 0) {
    const word = identifier.slice(0, dot)
    if (word === 'tags') return { type: 'tag', key: identifier.slice(dot + 1) }
    throw invalidParameter(`Invalid identifier token '${word}' specified`)
  }
  if (valid.includes(identifier)) return { type: 'attribute', key: identifier }
  throw invalidParameter(
    `Invalid attribute key '${identifier}' specified. Valid keys are: ${pythonSet(valid)}`,
  )
}

function readValue(type: 'attribute' | 'tag', key: string, value: NonNullable<Clause['value']>) {
  if (type === 'tag') return readQuoted(value, "Expected a quoted string value for tag (e.g. 'my-value')")
  if (NUMERIC_ATTRIBUTES.includes(key)) {
    return readNumber(value, `Expected numeric value type for numeric attribute: ${key}`)
  }
  const noList = key === 'name' ? undefined : onlyListsFor(['name'])
  return readQuotedOrList(value, 'Expected a quoted string value for attributes', noList)
}

function checkComparator({ type, key, comparator, value, written }: ReadClause): void {
  const invalid = (of: string) => invalidParameter(`Invalid comparator for ${of}: ${comparator}`)
  if (type === 'tag') {
    if (!TAG.includes(comparator)) throw invalid('tag')
  } else if (NUMERIC_ATTRIBUTES.includes(key)) {
    if (!NUMERIC.includes(comparator)) throw invalid('numeric attribute')
    if (/[^-\d]/.test(written)) {
      throw invalidParameter(
        `Invalid value for numeric attribute '${key}': '${pythonFloat(Number(written))}'`,
      )
    }
  } else if (!Array.isArray(value) && !TEXT.includes(comparator)) throw invalid('string attribute')
}

/**
 * The keys to sort by, first one first, ending in dataset_id, the greatest first. Newest first without clauses.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 * @see mlflow/store/tracking/sqlalchemy_store.py _get_search_datasets_order_by_clauses
 */
export function parseDatasetOrderBy(clauses: readonly string[]): DatasetOrderBy[] {
  checkNumberOfClauses(clauses.length, 'order_by')
  const orderBy = clauses.map((clause) => {
    const { identifier, ascending } = readOrderBy(clause)
    const { type, key } = readIdentifier(identifier, ORDER_KEYS)
    if (type === 'tag') throw invalidParameter('Invalid order_by entity: tag')
    return { key, ascending }
  })
  const keys = orderBy.length > 0 ? orderBy : [{ key: 'created_time', ascending: false }]
  return [...keys, { key: 'dataset_id', ascending: false }]
}
