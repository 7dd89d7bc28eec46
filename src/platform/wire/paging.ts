// Page sizes of searches.
import { invalidParameter } from '../../errors.ts'
import { MAX_RESULTS_LIMIT } from './limits.ts'

/**
 * @throws INVALID_PARAMETER_VALUE unless 1 ≤ maxResults ≤ 50,000
 * @see mlflow/store/tracking/sqlalchemy_store.py _validate_max_results_param
 */
export function checkMaxResults(maxResults: number | bigint): void {
  const must =
    maxResults < 1
      ? 'be a positive integer'
      : maxResults > MAX_RESULTS_LIMIT
        ? `be at most ${MAX_RESULTS_LIMIT}`
        : undefined
  if (must)
    throw invalidParameter(
      `Invalid value ${maxResults} for parameter 'max_results' supplied. It must ${must}`,
    )
}
