// MLflow's rules for reading metric histories.
import type { Engine } from '../database/engine.ts'
import { invalidParameter } from '../errors.ts'
import { decodeOffset, encodeOffset } from '../wire/page-token.ts'
import { MAX_RESULTS_PER_RUN } from './schema.ts'
import { findHistories, findHistory, metricToWire, sampleHistories } from './store.ts'
import { metrics } from './tables.ts'

/** Points per statement when a whole history is asked for. */
const CHUNK = 10_000
const MAX_BULK_POINTS = 25_000
const MAX_BULK_RUNS = 100

export type MetricService = ReturnType<typeof createMetricService>

export function createMetricService({ engine }: { engine: Engine }) {
  /** One page; the token leads to the next one. */
  async function getHistoryPage(input: {
    run_id: string
    metric_key: string
    page_token?: string
    max_results: number
  }) {
    if (input.max_results <= 0) {
      throw invalidParameter(
        `Invalid value ${input.max_results} for parameter 'max_results' supplied. It must be a positive integer.`,
      )
    }
    const offset = decodeOffset(input.page_token)
    await engine.refresh(metrics)
    const limit = input.max_results + 1
    const rows = await findHistory(engine, { runId: input.run_id, key: input.metric_key, limit, offset })
    const hasMore = rows.length > input.max_results
    return {
      metrics: rows.slice(0, input.max_results).map(metricToWire),
      nextPageToken: hasMore ? encodeOffset(offset + input.max_results) : undefined,
    }
  }

  /** The whole history from the token on, in chunks, so that memory does not grow with it. */
  async function* getHistory(input: { run_id: string; metric_key: string; page_token?: string }) {
    await engine.refresh(metrics)
    for (let offset = decodeOffset(input.page_token); ; offset += CHUNK) {
      const rows = await findHistory(engine, {
        runId: input.run_id,
        key: input.metric_key,
        limit: CHUNK,
        offset,
      })
      yield rows.map(metricToWire)
      if (rows.length < CHUNK) return
    }
  }

  /** @see mlflow/server/handlers.py get_metric_history_bulk_handler */
  async function getHistoryBulk(input: { run_id: string[]; metric_key?: string; max_results?: number }) {
    if (input.run_id.length === 0) {
      throw invalidParameter('GetMetricHistoryBulk request must specify at least one run_id.')
    }
    if (input.run_id.length > MAX_BULK_RUNS) {
      throw invalidParameter(
        `GetMetricHistoryBulk request cannot specify more than ${MAX_BULK_RUNS} run_ids. Received ${input.run_id.length} run_ids.`,
      )
    }
    if (input.metric_key === undefined) {
      throw invalidParameter('GetMetricHistoryBulk request must specify a metric_key.')
    }
    const limit = Math.max(0, Math.min(input.max_results ?? MAX_BULK_POINTS, MAX_BULK_POINTS))
    const rows = await findHistories(engine, { runIds: input.run_id, key: input.metric_key, limit })
    return rows.map((row) => ({ ...metricToWire(row), run_id: row.runId }))
  }

  /** @see mlflow/server/handlers.py get_metric_history_bulk_interval_impl */
  async function getHistoryBulkInterval(input: {
    run_ids: string[]
    metric_key: string
    start_step?: number
    end_step?: number
    max_results?: number
  }) {
    const { start_step: from, end_step: to } = input
    if ((from === undefined) !== (to === undefined)) {
      throw invalidParameter('If either start step or end step are specified, both must be specified.')
    }
    if (from !== undefined && to !== undefined && from > to) {
      throw invalidParameter(
        `end_step must be greater than start_step. Found start_step=${from} and end_step=${to}.`,
      )
    }
    if (input.run_ids.length === 0) return []
    const sampled = await sampleHistories(engine, {
      runIds: input.run_ids,
      key: input.metric_key,
      maxResults: input.max_results ?? MAX_RESULTS_PER_RUN,
      steps: from === undefined || to === undefined ? undefined : { from, to },
    })
    return input.run_ids.flatMap((runId) =>
      (sampled.get(runId) ?? []).map((row) => ({ ...metricToWire(row), run_id: runId })),
    )
  }

  return { getHistory, getHistoryPage, getHistoryBulk, getHistoryBulkInterval }
}
