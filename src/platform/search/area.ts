// What an area (runs, experiments, …) declares about its fields, and the reading of filters by that declaration.
import { invalidParameter } from '../../errors.ts'
import { type Int64, parseInt64 } from '../wire/int64.ts'
import { pythonList } from '../wire/python.ts'
import type { Node } from './grouping.ts'
import { readStringList } from './list-literal.ts'
import { readOrderBy } from './order-by.ts'
import { type Clause, clauseOf, readFilter } from './parser.ts'
import { trimBackticks, trimQuotes, unquote } from './quotes.ts'

export type SearchValue = string | Int64 | string[] | null

/** A clause whose key and value are known to be of the area; whether its comparator fits is still open. */
export interface ReadClause<Type extends string> {
  type: Type
  key: string
  /** As written, except that IS NULL, IS NOT NULL and NOT IN are in upper case. */
  comparator: string
  value: SearchValue
  /** The value as written; empty for IS NULL and IS NOT NULL. */
  written: string
}

export interface SearchArea<Type extends string> {
  /** Type of key by the word before the dot. A key without a dot is an attribute. */
  entityTypes: Readonly<Record<string, Type>>
  /** Text of the error about a word before the dot that is none of them. */
  unknownEntityType: (entityType: string) => string
  /** Whether backticks may stand around the word before the dot. */
  backticksAroundEntityType: boolean
  /** Types whose keys are these only. `orderBy` is for attributes where it differs. */
  keys: Partial<Record<Type, { search: readonly string[]; orderBy?: readonly string[] }>>
  /** Reads the right side of a comparison with the key; the comparator is as written. @throws INVALID_PARAMETER_VALUE */
  readValue: (type: Type, key: string, value: Node, comparator: string) => SearchValue
  /** Types that may be compared by IS NULL, and the text of the error about others. */
  nullable: readonly Type[]
  notNullable: (type: Type, key: string) => string
  /** How the error quotes each part that is no clause. */
  quoteInvalid: (text: string) => string
}

/** Clauses of a filter, and of order_by, at most that may be joins: stock fails beyond as many on SQLite. */
export const MAX_CLAUSES = 63
/** Clauses of a filter at most, those on attributes among them. */
const MAX_ALL_CLAUSES = 200

/** @throws INVALID_PARAMETER_VALUE beyond the limit */
export function checkNumberOfClauses(
  count: number,
  where: 'filter' | 'order_by' | 'datasets',
  limit = MAX_CLAUSES,
): void {
  if (count <= limit) return
  throw invalidParameter(`${where} has ${count} clauses; at most ${limit} are allowed.`)
}

/**
 * The clauses of a filter; none for an empty one.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 */
export function readClauses<Type extends string>(
  area: SearchArea<Type>,
  filter: string | undefined,
): ReadClause<Type>[] {
  if (!filter) return []
  const items = readFilter(filter)
  const invalid = items.flatMap((item) => ('invalid' in item ? [area.quoteInvalid(item.invalid)] : []))
  if (invalid.length > 0) throw invalidParameter(`Invalid clause(s) in filter string: ${invalid.join(', ')}`)
  checkNumberOfClauses(items.length, 'filter', MAX_ALL_CLAUSES)
  const clauses = items.flatMap((item) => ('parts' in item ? [readClause(area, clauseOf(item.parts))] : []))
  checkNumberOfClauses(clauses.filter(({ type }) => type !== 'attribute').length, 'filter')
  return clauses
}

function readClause<Type extends string>(area: SearchArea<Type>, clause: Clause): ReadClause<Type> {
  const { identifier, comparator, value } = clause
  const { type, key } = readIdentifier(area, identifier, 'search')
  if (!value) {
    if (!area.nullable.includes(type)) throw invalidParameter(area.notNullable(type, key))
    return { type, key, comparator, value: null, written: '' }
  }
  const read = area.readValue(type, key, value, comparator)
  // Stock passes a list on to `=` or LIKE and fails there.
  if (Array.isArray(read) && !/^(NOT )?IN$/i.test(comparator)) {
    throw invalidParameter(`A list of values needs IN or NOT IN, not '${comparator}'`)
  }
  return { type, key, comparator, value: read, written: value.text }
}

/**
 * The key of an order_by clause.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 */
export function readSortKey<Type extends string>(area: SearchArea<Type>, clause: string) {
  const { identifier, ascending } = readOrderBy(clause)
  const sortKey = readIdentifier(area, identifier, 'orderBy')
  // Stock sorts by a metric, param or tag without a name, which is by nothing.
  if (sortKey.key === '') throw invalidParameter(`Invalid order_by clause '${clause}'. It names no key.`)
  return { ...sortKey, ascending }
}

function readIdentifier<Type extends string>(
  area: SearchArea<Type>,
  identifier: string,
  use: 'search' | 'orderBy',
): { type: Type; key: string } {
  const dot = identifier.indexOf('.')
  const written = dot < 0 ? 'attribute' : identifier.slice(0, dot)
  const entityType = area.backticksAroundEntityType ? trimBackticks(written) : written
  const type = Object.hasOwn(area.entityTypes, entityType) ? area.entityTypes[entityType] : undefined
  if (type === undefined) throw invalidParameter(area.unknownEntityType(entityType))
  const key = trimBackticks(trimQuotes(identifier.slice(dot + 1)))
  const keys = area.keys[type]
  const valid = (use === 'orderBy' && keys?.orderBy) || keys?.search
  if (valid && !valid.includes(key)) {
    throw invalidParameter(`Invalid ${type} key '${key}' specified. Valid keys are '${pythonSet(valid)}'`)
  }
  return { type, key }
}

/** `repr` of a set of strings; Python's order is random, ours is the declared one. */
export const pythonSet = (items: readonly string[]): string => `{${pythonList(items).slice(1, -1)}}`

/** The text in quotes. @throws INVALID_PARAMETER_VALUE for anything else, with the given text if it is no name */
export function readQuoted(value: Node, refusal: string): string {
  if (value.kind === 'string' || value.kind === 'identifier') return unquote(value.text)
  throw invalidParameter(`${refusal}. Got value ${value.text}`)
}

/** A quoted text, or a list of them. @throws INVALID_PARAMETER_VALUE, `noList` when the key takes no list */
export function readQuotedOrList(
  value: Node,
  refusal: string,
  noList: string | undefined,
): string | string[] {
  if (value.kind !== 'parenthesis') return readQuoted(value, refusal)
  if (noList) throw invalidParameter(noList)
  return readStringList(value.text)
}

/** An exact integer or a float. @throws INVALID_PARAMETER_VALUE, also beyond 64 bits, where stock fails */
export function readNumber(value: Node, refusal: string): Int64 {
  if (value.kind === 'float') return Number(value.text)
  if (value.kind !== 'integer') throw invalidParameter(`${refusal}. Found ${value.text}`)
  const exact = parseInt64(value.text)
  if (exact === undefined) throw invalidParameter(`Integer out of range: ${value.text}`)
  return exact
}

/** Text of the error about a list for a key that takes none. */
export const onlyListsFor = (keys: readonly string[]): string =>
  `Only ${pythonList(keys)} attributes support comparison with a list of quoted string values.`

/** Text of the error about a comparator; MLflow leaves out the last quote in places. */
export const notOneOf = (comparator: string, valid: readonly string[], lastQuote: "'" | ''): string =>
  `Invalid comparator '${comparator}' not one of '${pythonSet(valid)}${lastQuote}`
