// MLflow's rules for the search of logged models: pages and what they begin at.
import { invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { checkNumberOfClauses } from '../../platform/search/area.ts'
import { MAX_RESULTS_LIMIT } from '../../platform/wire/limits.ts'
import { parseExperimentId } from '../experiments/ids.ts'
import { decodeSearchToken, encodeSearchToken } from './page-token.ts'
import type { LoggedModel } from './schema.ts'
import { searchLoggedModelRows } from './search.store.ts'
import { type LoggedModelOrderByClause, parseLoggedModelFilter, parseLoggedModelOrderBy } from './search.ts'
import type { LoggedModelRow } from './tables.ts'

const DEFAULT_PAGE_SIZE = 50
/** What a page size of 0 stands for. */
const PAGE_SIZE_FOR_ZERO = 100

export interface SearchInput {
  experiment_ids: string[]
  filter?: string | undefined
  datasets: { dataset_name?: string | undefined; dataset_digest?: string | undefined }[]
  max_results?: number | undefined
  order_by: LoggedModelOrderByClause[]
  page_token?: string | undefined
}

/** Returns the search. It answers at most 50,000 models per page, whatever page size is asked for. */
export function createLoggedModelSearch(
  engine: Engine,
  withContents: (rows: LoggedModelRow[]) => Promise<LoggedModel[]>,
) {
  return async (
    input: SearchInput,
  ): Promise<{ models: LoggedModel[]; nextPageToken: string | undefined }> => {
    checkNumberOfClauses(input.datasets.length, 'datasets')
    const datasets = input.datasets.map(({ dataset_name: name, dataset_digest: digest }) => {
      if (!name) throw invalidParameter('`dataset_name` in the `datasets` clause must be specified.')
      return { name, digest: digest || undefined }
    })
    const ofToken = toToken(input)
    const offset = decodeSearchToken(input.page_token, ofToken)
    const pageSize = readPageSize(input.max_results)
    const filter = parseLoggedModelFilter(input.filter)
    const experimentIds = input.experiment_ids.map(parseExperimentId)
    const orderBy = parseLoggedModelOrderBy(input.order_by)
    if (experimentIds.length === 0) return { models: [], nextPageToken: undefined }
    const rows = await searchLoggedModelRows(engine, {
      experimentIds,
      filter,
      datasets,
      orderBy,
      offset,
      limit: pageSize + 1,
    })
    return {
      models: await withContents(rows.slice(0, pageSize)),
      nextPageToken: rows.length > pageSize ? encodeSearchToken(ofToken, offset + pageSize) : undefined,
    }
  }
}

function readPageSize(maxResults = DEFAULT_PAGE_SIZE): number {
  if (maxResults < 0) {
    throw invalidParameter(
      `Invalid value ${maxResults} for parameter 'max_results' supplied. It must be a positive integer`,
    )
  }
  return Math.min(maxResults || PAGE_SIZE_FOR_ZERO, MAX_RESULTS_LIMIT)
}

const toToken = ({ experiment_ids, filter, order_by: orderBy }: SearchInput) => ({
  experiment_ids,
  filter_string: filter || null,
  order_by:
    orderBy.length === 0
      ? null
      : orderBy.map((clause) => ({
          field_name: clause.field_name ?? '',
          ascending: clause.ascending ?? true,
          dataset_name: clause.dataset_name || null,
          dataset_digest: clause.dataset_digest || null,
        })),
})
