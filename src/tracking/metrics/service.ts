// MLflow's rules for reading metric histories.

import { invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { MAX_RESULTS_LIMIT } from '../../platform/wire/limits.ts'
import { decodePageStart, encodePageStart } from '../../platform/wire/page-token.ts'
import { sampleHistories } from './sampling.store.ts'
import { MAX_RESULTS_PER_RUN } from './schema.ts'
import { findHistories, findHistory, historyPlace } from './store.ts'
import { metrics } from './tables.ts'

/** Points per statement when a whole history is asked for. */
const CHUNK = 50_000
/** What page tokens of histories are for: all have one order. */
const ORDER = 'history'
const MAX_BULK_POINTS = 25_000
const MAX_BULK_RUNS = 100

export type MetricService = ReturnType<typeof createMetricService>

export function createMetricService({ engine }: { engine: Engine }) {
  /** One page of at most 50,000 points; the token leads to the next one. */
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
    const start = decodePageStart(input.page_token, ORDER)
    await engine.refresh(metrics)
    const { run_id: runId, metric_key: key } = input
    const limit = Math.min(input.max_results, MAX_RESULTS_LIMIT)
    const points = await findHistory(engine, { runId, key, limit: limit + 1, start })
    const last = points.length > limit ? points[limit - 1] : undefined
    return {
      metrics: points.slice(0, limit),
      nextPageToken:
        last && encodePageStart({ offset: start.offset + limit, after: historyPlace(last) }, ORDER),
    }
  }

  /** The whole history from the token on, in chunks, so that memory does not grow with it. */
  async function* getHistory(input: { run_id: string; metric_key: string; page_token?: string }) {
    await engine.refresh(metrics)
    const { run_id: runId, metric_key: key } = input
    for (let start = decodePageStart(input.page_token, ORDER); ; ) {
      const points = await findHistory(engine, { runId, key, limit: CHUNK, start })
      yield points
      const last = points[CHUNK - 1]
      if (!last) return
      start = { offset: 0, after: historyPlace(last) }
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
    return findHistories(engine, { runIds: input.run_id, key: input.metric_key, limit })
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
    return input.run_ids.flatMap((runId) => sampled.get(runId) ?? [])
  }

  return { getHistory, getHistoryPage, getHistoryBulk, getHistoryBulkInterval }
}
