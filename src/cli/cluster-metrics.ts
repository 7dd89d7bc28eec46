// Adds up the Prometheus metrics of all workers, for the worker that was asked for them.
import type { Worker } from 'node:cluster'
import type { AggregatorRegistry } from 'prom-client'
import type { ToPrimary, ToWorker } from './worker.ts'

/** A worker that is busy for longer is left out. */
const ANSWER_MS = 2_000

type Collected = Extract<ToPrimary, { type: 'collected' }>
type WorkerMetrics = Parameters<typeof AggregatorRegistry.aggregate>[0]

interface Collection {
  /** Ids of the workers that have not answered yet. */
  missing: Set<number>
  metrics: unknown[]
  done: () => void
}

export interface MetricsCollector {
  /** Answers the worker's question with the sums over all workers. */
  answer: (asking: Worker, question: number) => Promise<void>
  /** Takes in what a worker collected. */
  collected: (worker: Worker, message: Collected) => void
}

/**
 * @param serving the workers that serve at the moment
 * @param send tells a worker something
 */
export function createMetricsCollector(
  serving: () => Worker[],
  send: (worker: Worker, message: ToWorker) => void,
): MetricsCollector {
  const collections = new Map<number, Collection>()
  let collection = 0

  function collect(): Promise<unknown[]> {
    const workers = serving()
    const number = collection++
    return new Promise((resolve) => {
      const metrics: unknown[] = []
      const timer = setTimeout(() => done(), ANSWER_MS)
      const done = () => {
        clearTimeout(timer)
        collections.delete(number)
        resolve(metrics)
      }
      collections.set(number, { missing: new Set(workers.map(({ id }) => id)), metrics, done })
      for (const worker of workers) send(worker, { type: 'collect', question: number })
    })
  }

  return {
    async answer(asking, question) {
      const [metrics, { AggregatorRegistry }] = await Promise.all([collect(), import('prom-client')])
      const text = await AggregatorRegistry.aggregate(metrics as WorkerMetrics).metrics()
      send(asking, { type: 'metrics', question, text })
    },
    collected(worker, { question, metrics }) {
      const open = collections.get(question)
      if (!open?.missing.delete(worker.id)) return
      open.metrics.push(metrics)
      if (open.missing.size === 0) open.done()
    },
  }
}
