// Conditions on the assessments of traces, as searches over traces ask for them.
import { aliasedTable, and, eq, or, type SQL, sql } from 'drizzle-orm'
import { hasChild } from '../../platform/database/children.ts'
import { equalsOneOf } from '../../platform/database/columns.ts'
import type { Dialect } from '../../platform/database/engine.ts'
import type { Predicate } from '../../platform/search/comparison.ts'
import { compare } from '../../platform/search/to-sql.ts'
import { pythonDumps } from '../../platform/wire/python.ts'
import { isIndexed } from '../assessments/rows.schema.ts'
import { assessments } from '../assessments/tables.ts'
import type { AssessmentComparison } from './search.ts'
import { traces } from './tables.ts'

/**
 * Holds for a trace that has a valid assessment of this name and value; one whose metadata names a session counts for all traces
 * of its trace's session. A reference to an issue counts whether or not it is valid, for its own trace alone.
 * @param experimentIds those that are searched
 * @see mlflow/store/tracking/sqlalchemy_store.py _get_filter_clauses_for_search_traces, _get_session_scoped_trace_ids
 */
export function assessmentCondition(
  dialect: Dialect,
  comparison: AssessmentComparison,
  experimentIds: string[],
): SQL {
  const { type, key, comparator, value } = comparison
  const slice = equalsOneOf(assessments.experimentId, experimentIds)
  const has = (where: SQL | undefined) =>
    hasChild(dialect, traces.traceId, { table: assessments, of: assessments.traceId, where, slice })
  if (type === 'issue') return has(and(eq(assessments.type, type), eq(assessments.name, String(value))))
  const isAny = comparator === 'IS NULL' || comparator === 'IS NOT NULL'
  const isMeant = and(
    eq(assessments.type, type),
    eq(assessments.name, key),
    isAny ? undefined : compareValue(dialect, comparison),
    isValid(dialect, experimentIds),
  )
  const found = sql`(${has(isMeant)} OR ${isOfSession(dialect, and(slice, assessments.ofSession, isMeant), experimentIds)})`
  return comparator === 'IS NULL' ? sql`NOT ${found}` : found
}

/** Compares the JSON of the value; a text is equal with and without its quotes. Order is that of numbers alone. */
function compareValue(dialect: Dialect, comparison: Predicate): SQL | undefined {
  const { comparator, value } = comparison
  if (typeof value !== 'string') {
    return and(assessments.isNumeric, compare(assessments.aggregateValue, comparison, dialect))
  }
  if (comparator === '=' || comparator === '!=') {
    const isEqual = or(...[value, pythonDumps(value)].map((json) => eq(columnOf(json), json))) as SQL
    return comparator === '=' ? isEqual : sql`NOT coalesce(${isEqual}, false)`
  }
  return or(
    compare(assessments.value, comparison, dialect),
    compare(assessments.longValue, comparison, dialect),
  )
}

const columnOf = (json: string) => (isIndexed(json) ? assessments.value : assessments.longValue)

/** Holds for an assessment that none of its trace overrides. */
export function isValid({ looksUp }: Dialect, experimentIds: string[]): SQL {
  const other = aliasedTable(assessments, 'other')
  const overrides = sql`other.overrides`
  if (looksUp) {
    return sql`NOT EXISTS (SELECT 1 FROM ${assessments} AS other WHERE ${and(eq(other.traceId, assessments.traceId), eq(overrides, assessments.assessmentId))} OFFSET 0)`
  }
  const overridden = sql`SELECT other.trace_id || ' ' || ${overrides} FROM ${assessments} AS other WHERE ${and(equalsOneOf(other.experimentId, experimentIds), sql`${overrides} IS NOT NULL`)}`
  return sql`NOT (${assessments.traceId} || ' ' || ${assessments.assessmentId} IN (${overridden}))`
}

/** Holds for a trace whose session has a trace with such an assessment. */
function isOfSession({ looksUp }: Dialect, where: SQL | undefined, experimentIds: string[]): SQL {
  const member = aliasedTable(traces, 'member')
  const isMember = eq(member.traceId, assessments.traceId)
  const sessions = looksUp
    ? // They are few: an array is made of them once, and their traces are looked up.
      sql`ANY(ARRAY(SELECT (SELECT member.session_id FROM ${traces} AS member WHERE ${isMember}) FROM ${assessments} WHERE ${where}))`
    : sql`ANY(SELECT member.session_id FROM ${traces} AS member WHERE ${and(
        equalsOneOf(member.experimentId, experimentIds),
        sql`member.session_id IS NOT NULL`,
        sql`member.trace_id IN (SELECT ${assessments.traceId} FROM ${assessments} WHERE ${where})`,
      )})`
  return sql`coalesce(${traces.sessionId} = ${sessions}, false)`
}
