// MLflow's rules for searching traces.
import type { Engine } from '../../platform/database/engine.ts'
import { pageOf } from '../../platform/wire/page-token.ts'
import { checkMaxResults } from '../../platform/wire/paging.ts'
import type { Experiments } from './experiments.ts'
import type { TraceReader } from './reading.service.ts'
import type { TraceInfo, TraceInfoV2 } from './schema.ts'
import { searchTraceRows } from './search.store.ts'
import { parseTraceFilter, parseTraceOrderBy } from './search.ts'

export interface TraceSearchDeps {
  engine: Engine
  reader: TraceReader
  experiments: Pick<Experiments, 'parseId'>
}

export interface TraceSearchInput {
  experimentIds: string[]
  filter?: string | undefined
  max_results?: number | undefined
  order_by: string[]
  page_token?: string | undefined
}

const DEFAULT_MAX_RESULTS = 100

export type TraceSearcher = ReturnType<typeof createTraceSearcher>

export function createTraceSearcher({ engine, reader, experiments }: TraceSearchDeps) {
  /** A full page has a token, be there more traces or not, as in stock. */
  async function find(input: TraceSearchInput) {
    const maxResults = input.max_results ?? DEFAULT_MAX_RESULTS
    checkMaxResults(maxResults)
    const experimentIds = input.experimentIds.map(experiments.parseId)
    const orderBy = parseTraceOrderBy(input.order_by)
    const filter = parseTraceFilter(input.filter)
    const { bounds, tokenBehind } = pageOf(input.page_token, orderBy, maxResults)
    if (experimentIds.length === 0) return { rows: [], nextPageToken: undefined }
    const search = { experimentIds, filter, orderBy, ...bounds, limit: maxResults }
    const rows = await searchTraceRows(engine, search)
    const last = rows[maxResults - 1]
    return { rows, nextPageToken: last && tokenBehind(last.place) }
  }

  /** A page of traces. @throws INVALID_PARAMETER_VALUE @see SqlAlchemyStore.search_traces */
  async function search(
    input: TraceSearchInput,
  ): Promise<{ traces: TraceInfo[]; nextPageToken: string | undefined }> {
    const { rows, nextPageToken } = await find(input)
    return { traces: await reader.withItems(rows), nextPageToken }
  }

  /** The same for clients before MLflow 3. */
  async function searchV2(
    input: TraceSearchInput,
  ): Promise<{ traces: TraceInfoV2[]; nextPageToken: string | undefined }> {
    const { rows, nextPageToken } = await find(input)
    return { traces: await reader.withItemsV2(rows), nextPageToken }
  }

  return { search, searchV2 }
}
