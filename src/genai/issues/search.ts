// The search language of issues: texts of two attributes.
import { invalidParameter } from '../../errors.ts'
import { checkNumberOfClauses, pythonSet } from '../../platform/search/area.ts'
import type { Node, NodeKind } from '../../platform/search/grouping.ts'
import { readFilter } from '../../platform/search/parser.ts'
import { pythonTrim, trimQuotes } from '../../platform/search/quotes.ts'

const KEYS = ['status', 'source_run_id'] as const
const COMPARATORS = ['=', '!='] as const
const MAX_CLAUSES = 200

/** One clause of a filter; all of them must hold. */
export interface IssueComparison {
  key: (typeof KEYS)[number]
  comparator: (typeof COMPARATORS)[number]
  value: string
}

/**
 * The comparisons of a filter over issues; none for an empty one. Values need no quotes.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 * @see mlflow/utils/search_utils.py SearchIssuesUtils
 */
export function parseIssueFilter(filter: string | undefined): IssueComparison[] {
  if (!filter) return []
  const items = readFilter(filter)
  const invalid = items.flatMap((item) => ('invalid' in item ? [item.invalid] : []))
  if (invalid.length > 0) throw invalidParameter(`Invalid clause(s) in filter string: ${invalid.join(', ')}`)
  checkNumberOfClauses(items.length, 'filter', MAX_CLAUSES)
  return items.flatMap((item) => ('parts' in item ? [readComparison(item.parts)] : []))
}

function readComparison(parts: readonly Node[]): IssueComparison {
  const [left, operator, right] = parts
  if (!left || !operator || !right || parts.length > 3) {
    throw invalidParameter(`Invalid comparison: expected 3 tokens, got ${parts.length}`)
  }
  if (left.kind !== 'identifier') {
    throw invalidParameter(
      `Invalid comparison: left side must be an identifier, got <class 'sqlparse.sql.${CLASSES[left.kind] ?? 'Token'}'>`,
    )
  }
  const written = textOf(left)
  const key = KEYS.find((known) => known === written)
  if (!key) {
    throw invalidParameter(`Invalid filter field '${written}'. Supported fields: ${pythonSet(KEYS)}`)
  }
  const comparator = COMPARATORS.find((known) => known === operator.text)
  if (!comparator) {
    throw invalidParameter(
      `Invalid comparator '${operator.text.toUpperCase()}'. Supported comparators: ${pythonSet(COMPARATORS)}`,
    )
  }
  return { key, comparator, value: textOf(right) }
}

const textOf = ({ text }: Node) => pythonTrim(trimQuotes(text))

/** What the SQL reader of stock names groups that may stand left of a comparator. */
const CLASSES: Partial<Record<NodeKind, string>> = {
  parenthesis: 'Parenthesis',
  brackets: 'SquareBrackets',
  function: 'Function',
  operation: 'Operation',
  comparison: 'Comparison',
  'typed-literal': 'TypedLiteral',
  list: 'IdentifierList',
}
