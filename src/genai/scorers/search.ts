// The syntax of the filters that choose which traces a scorer sees. What the fields of traces are is not known here.
import { invalidParameter } from '../../errors.ts'
import { clauseOf, readFilter } from '../../platform/search/parser.ts'

/** This one is a type to SQL, and no name unless it is quoted; filters of traces take it for one all the same. */
const BARE_TIMESTAMP = /(?<![\w.`'"])timestamp(?=\s*[<>=!])/gi

/**
 * Checks that the filter is a list of comparisons.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 * @see mlflow/utils/search_utils.py SearchTraceUtils.parse_search_filter_for_search_traces
 */
export function checkTraceFilter(filter: string): void {
  const items = readFilter(filter.replace(BARE_TIMESTAMP, '`$&`'))
  const invalid = items.flatMap((item) => ('invalid' in item ? [`'${item.invalid}'`] : []))
  if (invalid.length > 0) throw invalidParameter(`Invalid clause(s) in filter string: ${invalid.join(', ')}`)
  for (const item of items) if ('parts' in item) clauseOf(item.parts)
}
