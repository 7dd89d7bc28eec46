// The language of the filters that choose what metrics of traces count: one clause each, which tells what something equals.
import { invalidParameter } from '../../errors.ts'
import { readQuoted } from '../../platform/search/area.ts'
import { clauseOf, readNodes } from '../../platform/search/parser.ts'
import { trimBackticks, trimQuotes } from '../../platform/search/quotes.ts'
import { pythonList, pythonRepr } from '../../platform/wire/python.ts'

type Subject = 'trace' | 'span' | 'assessment'

/** `subject.entity[.key] = value`. */
export interface MetricFilter {
  subject: Subject
  entity: string
  /** Of tags and metadata. */
  key: string | undefined
  value: string
}

/** What of each subject can be filtered by, and whether it needs a key. */
const ENTITIES: Record<Subject, Record<string, boolean>> = {
  trace: { status: false, tag: true, metadata: true },
  span: { name: false, status: false, type: false },
  assessment: { name: false, type: false },
}

/**
 * The clause of a filter.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 * @see mlflow/utils/search_utils.py SearchTraceMetricsUtils
 */
export function parseMetricFilter(filter: string): MetricFilter {
  const nodes = filter === '' ? [] : readNodes(filter)
  const invalid = nodes.filter(({ kind }) => kind !== 'comparison').map(({ text }) => text)
  if (invalid.length > 0) throw invalidParameter(`Invalid clause(s) in filter string: ${invalid.join(', ')}`)
  const clauses = nodes.map(({ parts }) => readClause(parts))
  const [clause] = clauses
  if (clause && clauses.length === 1) return clause
  throw invalidParameter(`Invalid filter: '${filter}'. Expected one filter clause.`)
}

function readClause(parts: Parameters<typeof clauseOf>[0]): MetricFilter {
  const { identifier, comparator, value } = clauseOf(parts)
  const named = readIdentifier(identifier)
  if (comparator !== '=' || !value) {
    throw invalidParameter(`Invalid comparator: '${comparator}', only '=' operator is supported`)
  }
  const refusal = `Expected a quoted string value for ${named.entity} value (e.g. 'my-value')`
  return { ...named, value: readQuoted(value, refusal) }
}

function readIdentifier(identifier: string): Omit<MetricFilter, 'value'> {
  const [first = '', entity, ...rest] = identifier.split('.')
  const key = rest.length > 0 ? rest.join('.') : undefined
  if (entity === undefined) {
    throw invalidParameter(
      `Invalid identifier ${pythonRepr(identifier)}. Columns should be specified as 'trace.<key>', 'span.<key>', 'assessment.<key>'.`,
    )
  }
  const subject = trimBackticks(first)
  if (!Object.hasOwn(ENTITIES, subject)) {
    throw invalidParameter(
      `Invalid view type '${subject}'. Valid values are dict_keys(${pythonList(Object.keys(ENTITIES))})`,
    )
  }
  const entities = ENTITIES[subject as Subject]
  if (!Object.hasOwn(entities, entity)) {
    throw invalidParameter(
      `Invalid entity '${entity}' specified for view type '${subject}'. Valid entities are ${pythonList(Object.keys(entities))}`,
    )
  }
  if (entities[entity] && key === undefined) {
    throw invalidParameter(
      `Filtering by ${entity} requires a key, e.g. '${subject}.${entity}.<key> = <value>'`,
    )
  }
  if (!entities[entity] && key !== undefined) {
    throw invalidParameter(
      `Filtering by ${entity} does not require a key, use '${subject}.${entity}' instead`,
    )
  }
  return { subject: subject as Subject, entity, key: key && trimBackticks(trimQuotes(key)) }
}
