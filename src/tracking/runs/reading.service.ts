// MLflow's rules for reading runs: by id, and by search.
import { doesNotExist, invalidParameter } from '../../errors.ts'
import { limitConcurrency } from '../../platform/concurrency.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { createBatchedReader } from '../../platform/database/group-commit.ts'
import { readAhead } from '../../platform/wire/json-list.ts'
import { pageOf } from '../../platform/wire/page-token.ts'
import { checkMaxResults } from '../../platform/wire/paging.ts'
import { createEdgesReader, edgeTables, type RunEdges } from '../datasets/store.ts'
import { parseExperimentId } from '../experiments/ids.ts'
import type { ViewType } from '../experiments/schema.ts'
import { stagesOf } from '../experiments/store.ts'
import { createChunkSizes } from './chunk-sizes.ts'
import type { Run } from './schema.ts'
import { searchRunRows } from './search.store.ts'
import { parseRunFilter, parseRunOrderBy } from './search.ts'
import * as store from './store.ts'
import { type RunRow, runs } from './tables.ts'
import { runToWire } from './to-wire.ts'

const DEFAULT_MAX_RESULTS = 1000
/** Requests whose runs are read at a time; what each of them holds is in memory until all of it is there. */
const READS_AT_ONCE = 8
/** The same for chunks of searches: writes wait for what the database reads for them. */
const CHUNKS_AT_ONCE = 3

export type RunReader = ReturnType<typeof createRunReader>

export function createRunReader(engine: Engine) {
  // Ingest asks for the run's row with every request: what arrives together is read together.
  const readRun = createBatchedReader(store.createRunFinder(engine), 64)
  const known = engine.rowCache(runs)
  const readInTurn = limitConcurrency(READS_AT_ONCE)
  const searchInTurn = limitConcurrency(CHUNKS_AT_ONCE)
  const beginChunks = createChunkSizes()
  const findContents = store.createContentsReader(engine)
  const findEdges = createEdgesReader(engine)

  /** The row, whatever its lifecycle stage; sees every acknowledged write. */
  async function requireRun(runId: string): Promise<RunRow> {
    const row = await known.get(runId, () => readRun(runId))
    if (!row) throw runNotFound(runId)
    return row
  }

  async function requireActive(runId: string): Promise<RunRow> {
    const row = await requireRun(runId)
    if (row.lifecycleStage === 'active') return row
    throw invalidParameter(
      `The run ${runId} must be in the 'active' state. Current state is ${row.lifecycleStage}.`,
    )
  }

  /** All is read at once: that the run is missing is the exception. */
  async function get(runId: string): Promise<Run> {
    const read = async () => {
      await refreshContents()
      return readInTurn(() => readContents([runId]))
    }
    const [row, [contents]] = await Promise.all([requireRun(runId), read()])
    return runToWire(row, ...(contents as Contents))
  }

  type Contents = [store.RunContents, RunEdges]

  /** Before a turn is taken: those who wait for turns share it. */
  const refreshContents = () => engine.refresh(...store.runContentTables, ...edgeTables)

  /** What the runs hold, in their order: seven statements, however many runs. */
  async function readContents(ids: string[]): Promise<Contents[]> {
    const [contents, edges] = await Promise.all([findContents(ids), findEdges(ids)])
    return ids.map((id) => [contents.get(id) as store.RunContents, edges.get(id) as RunEdges])
  }

  /** The runs as clients see them, a chunk at a time, so that memory does not grow with the page. */
  async function* withContents(rows: RunRow[]): AsyncGenerator<Run[]> {
    const size = beginChunks()
    for (let from = 0; from < rows.length; ) {
      await refreshContents()
      const read = await searchInTurn(async () => {
        const chunk = rows.slice(from, from + size.runs())
        const contents = await readContents(chunk.map((row) => row.runId))
        return chunk.map((row, position) => runToWire(row, ...(contents[position] as Contents)))
      })
      size.note(read)
      yield read
      from += read.length
    }
  }

  /** A page of runs in chunks. Its token goes on behind the last run, wherever runs come and go meanwhile. */
  async function search(input: {
    experiment_ids: string[]
    filter?: string
    run_view_type?: ViewType
    max_results?: number
    order_by: string[]
    page_token?: string
  }): Promise<{ runs: AsyncGenerator<Run[]>; nextPageToken: string | undefined }> {
    const maxResults = input.max_results ?? DEFAULT_MAX_RESULTS
    checkMaxResults(maxResults)
    const filter = parseRunFilter(input.filter)
    const orderBy = parseRunOrderBy(input.order_by)
    const { bounds, cut } = pageOf(input.page_token, orderBy, maxResults)
    const experimentIds = input.experiment_ids.map(parseExperimentId)
    if (experimentIds.length === 0) return { runs: withContents([]), nextPageToken: undefined }
    const found = await searchRunRows(engine, {
      experimentIds,
      filter,
      orderBy,
      stages: stagesOf(input.run_view_type ?? 'ACTIVE_ONLY'),
      ...bounds,
    })
    const { rows, nextPageToken } = cut(found)
    return { runs: await readAhead(withContents(rows)), nextPageToken }
  }

  return { requireRun, requireActive, get, search }
}

export const runNotFound = (runId: string) => doesNotExist(`Run with id=${runId} not found`)
