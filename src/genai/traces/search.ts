// The search language of traces: attributes, tags, metadata, spans and assessments.
import { invalidParameter } from '../../errors.ts'
import {
  checkNumberOfClauses,
  notOneOf,
  pythonSet,
  type ReadClause,
  readClauses,
  readNumber,
  readQuoted,
  readQuotedOrList,
  readSortKey,
  type SearchArea,
} from '../../platform/search/area.ts'
import type { Predicate } from '../../platform/search/comparison.ts'
import type { Node } from '../../platform/search/grouping.ts'
import { parseInt64 } from '../../platform/wire/int64.ts'
import { pythonList } from '../../platform/wire/python.ts'
import { METADATA, TAG } from './ids.ts'

type AssessmentType = 'feedback' | 'expectation' | 'issue'
type EntityType = 'attribute' | 'tag' | 'metadata' | 'span' | AssessmentType

/** A clause on assessments. Keys are the names of feedback and expectations; of issues `id`. */
export type AssessmentComparison = { type: AssessmentType; key: string } & Predicate

/**
 * One clause of a filter. Keys are those of stock's columns; of spans also `attributes.<name>` and `content`. The tag of
 * linked prompts and, for `=`, the metadata of the run stand for links.
 */
export type TraceComparison =
  | ({ type: 'attribute' | 'tag' | 'metadata' | 'span'; key: string } & Predicate)
  | AssessmentComparison

export const isOnAssessments = <One extends { type: string }>(
  one: One,
): one is Extract<One, AssessmentComparison> => ['feedback', 'expectation', 'issue'].includes(one.type)

export interface TraceOrderBy {
  type: 'attribute' | 'tag' | 'metadata'
  key: string
  ascending: boolean
}

const TIMES = ['timestamp', 'timestamp_ms', 'execution_time', 'execution_time_ms', 'end_time', 'end_time_ms']
const ATTRIBUTES = ['request_id', ...TIMES, 'status', 'client_request_id', 'name', 'run_id', 'prompt', 'text']
const ORDER_BY = ['experiment_id', ...TIMES, 'status', 'request_id', 'name', 'run_id']
const TAKE_LISTS = ['name', 'status', 'request_id', 'run_id', 'client_request_id']

const NUMERIC = ['>', '>=', '!=', '=', '<', '<=']
const ORDERING = ['>', '>=', '<', '<=']
const TEXT = ['!=', '=', 'LIKE', 'ILIKE', 'RLIKE']
const TEXT_OR_NULL = [...TEXT, 'IS NULL', 'IS NOT NULL']
const TEXT_OR_LIST = ['!=', '=', 'IN', 'NOT IN', 'LIKE', 'ILIKE', 'RLIKE']

/** What keys stand for, whatever they belong to. @see SearchTraceUtils._replace_key_to_tag_or_metadata */
const ALIASES = new Map<string, { type?: EntityType; key: string }>([
  ['name', { type: 'tag', key: TAG.traceName }],
  ['prompt', { type: 'tag', key: TAG.linkedPrompts }],
  ['run_id', { type: 'metadata', key: METADATA.sourceRun }],
  ['text', { type: 'span', key: 'content' }],
  ['timestamp', { key: 'timestamp_ms' }],
  ['execution_time', { key: 'execution_time_ms' }],
  ['end_time', { key: 'end_time_ms' }],
])

const aliasOf = ({ type, key }: { type: EntityType; key: string }) =>
  type === 'span' ? undefined : ALIASES.get(key.toLowerCase())

const area: SearchArea<EntityType> = {
  entityTypes: {
    tag: 'tag',
    tags: 'tag',
    attribute: 'attribute',
    attributes: 'attribute',
    trace: 'attribute',
    request_metadata: 'metadata',
    metadata: 'metadata',
    span: 'span',
    feedback: 'feedback',
    expectation: 'expectation',
    issue: 'issue',
  },
  unknownEntityType: (entityType) =>
    `Invalid entity type '${entityType}'. Valid values are ${pythonSet(Object.keys(area.entityTypes))}`,
  backticksAroundEntityType: true,
  keys: { attribute: { search: ATTRIBUTES, orderBy: ORDER_BY } },
  readValue,
  nullable: ['attribute', 'tag', 'metadata', 'span', 'feedback', 'expectation', 'issue'],
  notNullable: () => '',
  quoteInvalid: (text) => `'${text}'`,
}

const nameOf = (type: EntityType) => (type === 'metadata' ? 'request_metadata' : type)

function readValue(type: EntityType, key: string, value: Node, comparator: string) {
  const quoted = `Expected a quoted string value for ${nameOf(type)} (e.g. 'my-value')`
  if (hasValues(type) && ORDERING.includes(comparator)) {
    return readNumberOnly(
      value,
      `Expected a numeric value for ${type} when using comparator '${comparator}'. Got value ${value.text}`,
    )
  }
  if (type === 'metadata' || type === 'issue' || hasValues(type)) return readQuoted(value, quoted)
  if (type !== 'attribute') return readQuotedOrList(value, quoted, undefined)
  if (value.kind === 'integer' || value.kind === 'float') {
    if (TIMES.includes(key)) return readNumber(value, '')
    throw invalidParameter(
      `Only the '${pythonSet(TIMES)}' attributes support comparison with numeric values.`,
    )
  }
  const noList = TAKE_LISTS.includes(key)
    ? undefined
    : `Only attributes in ${pythonSet(TAKE_LISTS)} supports comparison with a list of quoted string values.`
  return readQuotedOrList(
    value,
    'Expected a quoted string value or a list of quoted string values for attributes',
    noList,
  )
}

const hasValues = (type: EntityType) => type === 'feedback' || type === 'expectation'

function readNumberOnly(value: Node, refusal: string) {
  if (value.kind === 'integer' || value.kind === 'float') return readNumber(value, '')
  throw invalidParameter(refusal)
}

/**
 * The comparisons of a filter; none for an empty one. Comparators are in upper case.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 * @see mlflow/store/tracking/sqlalchemy_store.py _get_filter_clauses_for_search_traces
 */
export function parseTraceFilter(filter: string | undefined): TraceComparison[] {
  return readClauses(area, filter && withPlainKeys(filter)).map(toComparison)
}

/**
 * Checks that a filter can be read; whether its comparators fit its keys is found out when it searches.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 * @see mlflow/utils/search_utils.py SearchTraceUtils.parse_search_filter_for_search_traces
 */
export const checkTraceFilter = (filter: string): void => {
  readClauses(area, withPlainKeys(filter))
}

/** `timestamp` before a comparator, which SQL takes for a type, by its other name. Texts and keys in quotes stay. */
function withPlainKeys(filter: string): string {
  return filter
    .split(/('[^']*'|"[^"]*"|`[^`]*`)/)
    .map((part, index) =>
      index % 2 === 1 ? part : part.replace(/(?<![\w.])timestamp(?=\s*[<>=!])/g, 'timestamp_ms'),
    )
    .join('')
}

function toComparison(clause: ReadClause<EntityType>): TraceComparison {
  const { type = clause.type, key } = aliasOf(clause) ?? clause
  const comparator = clause.comparator.toUpperCase()
  checkComparator(type, key, comparator)
  if (type === 'tag' && key === TAG.linkedPrompts) checkPrompt(comparator, clause.value)
  const isNumber = type === 'attribute' && TIMES.includes(key)
  const value = isNumber ? toNumber(key, clause.value) : clause.value
  return { type, key, comparator, value } as TraceComparison
}

/** Prompts are found by what is linked, so by name and version alone. */
function checkPrompt(comparator: string, value: unknown): void {
  if (comparator !== '=') {
    throw invalidParameter(
      `Invalid comparator '${comparator}' for prompts filter. Only '=' is supported with format: prompt = "name/version"`,
    )
  }
  if (typeof value !== 'string' || value.split('/').length !== 2) {
    throw invalidParameter(
      `Invalid prompts filter value '${value}'. Expected format: prompt = "name/version"`,
    )
  }
}

/** SQLite takes a text of digits for a number where a column has numbers. */
function toNumber(key: string, value: unknown) {
  if (typeof value !== 'string') return value
  const number = parseInt64(value) ?? (value.trim() === '' ? Number.NaN : Number(value))
  if (!Number.isNaN(number)) return number
  throw invalidParameter(`Expected numeric value type for numeric attribute: ${key}. Found ${value}`)
}

const SPAN_KEYS = ['name', 'type', 'status']

function checkComparator(type: EntityType, key: string, comparator: string): void {
  const { valid, error } = comparatorsOf(type, key, comparator)
  if (!valid.includes(comparator)) throw invalidParameter(error)
}

function comparatorsOf(type: EntityType, key: string, comparator: string) {
  const rule = (valid: readonly string[], lastQuote: "'" | '', told = valid) => ({
    valid,
    error: notOneOf(comparator, told, lastQuote),
  })
  if (type === 'tag') return rule(TEXT_OR_NULL, '')
  if (type === 'metadata') {
    const { valid, error } = rule(TEXT_OR_NULL, "'")
    return isUsage(key) && valid.includes(comparator) ? usageComparators(key, comparator) : { valid, error }
  }
  // MLflow names the comparators of texts here.
  if (type === 'attribute')
    return TIMES.includes(key) ? rule(NUMERIC, '', TEXT_OR_LIST) : rule(TEXT_OR_LIST, "'")
  if (type === 'issue') return issueComparators(key, comparator)
  if (hasValues(type)) return assessmentComparators(key, comparator)
  const valid = key === 'content' ? ['LIKE', 'ILIKE'] : TEXT_OR_LIST
  checkSpanKey(key)
  if (key.startsWith('attributes.') && comparator.endsWith('IN')) {
    throw invalidParameter(`span.${key} cannot be compared with a list.`)
  }
  return { valid, error: `span.${key} comparator '${comparator}' not one of '${pythonSet(valid)}'` }
}

const isUsage = (key: string) => key === METADATA.tokenUsage || key === METADATA.cost

/** @see mlflow/store/tracking/utils/trace_analytics.py get_trace_analytics_metadata_filter */
const usageComparators = (key: string, comparator: string) => ({
  valid: ['=', '!=', 'IS NULL', 'IS NOT NULL'],
  error: `Comparator '${comparator}' is not supported for reserved metadata '${key}'. Only '=', '!=', 'IS NULL', and 'IS NOT NULL' are supported.`,
})

function assessmentComparators(name: string, comparator: string) {
  if (name === '') throw invalidParameter('Assessment field name cannot be empty')
  const valid = ['!=', '=', ...ORDERING, ...TEXT_OR_NULL.slice(2)]
  return { valid, error: `assessment.${name} comparator '${comparator}' not one of '${pythonSet(valid)}'` }
}

function issueComparators(key: string, comparator: string) {
  if (key !== 'id') throw invalidParameter(`Invalid issue attribute '${key}'. Supported attributes: id`)
  return { valid: ['='], error: `issue.id comparator '${comparator}' not one of '${pythonSet(['='])}'` }
}

function checkSpanKey(key: string): void {
  if (key === 'attributes.') {
    throw invalidParameter("Span attribute name cannot be empty after 'attributes.'")
  }
  if (key !== 'content' && !SPAN_KEYS.includes(key) && !key.startsWith('attributes.')) {
    throw invalidParameter(
      `Invalid span attribute '${key}'. Supported attributes: name, status, type, attributes.<attribute_name>.`,
    )
  }
}

/**
 * The keys to sort by, first one first. Ties are left to the caller.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts; a field that comes twice too, where stock answers 500
 * @see mlflow/store/tracking/sqlalchemy_store.py _get_orderby_clauses_for_search_traces
 */
export function parseTraceOrderBy(clauses: readonly string[]): TraceOrderBy[] {
  checkNumberOfClauses(clauses.length, 'order_by')
  const seen = new Set<string>()
  return clauses.map((clause) => {
    const read = readSortKey(area, clause)
    const { type = read.type, key } = aliasOf(read) ?? read
    if (type !== 'attribute' && type !== 'tag' && type !== 'metadata') {
      throw invalidParameter(`Invalid identifier type '${type}'`)
    }
    if (type === 'metadata' && isUsage(key)) {
      throw invalidParameter(
        `Ordering by reserved metadata '${key}' is not supported because it is represented by multiple columns.`,
      )
    }
    if (seen.has(`${type}.${key}`)) {
      throw invalidParameter(`\`order_by\` contains duplicate fields: ${pythonList(clauses)}`)
    }
    seen.add(`${type}.${key}`)
    return { type, key, ascending: read.ascending }
  })
}
