// A worker's line to the primary process of the cluster, see cluster.ts.
import cluster from 'node:cluster'
import type { StopSignal } from './signals.ts'

/** What the primary tells a worker. `metrics` answers the question with that number; `uiFailed` says why there is no web UI. */
export type ToWorker =
  | { type: 'open' }
  | { type: 'stop' }
  | { type: 'collect'; question: number }
  | { type: 'metrics'; question: number; text: string }
  | { type: 'uiFailed'; reason: string }

/** What a worker tells the primary: that it hears from now on, why it cannot start, a question for everyone's metrics, its own metrics. */
export type ToPrimary =
  | { type: 'hears' }
  | { type: 'failed'; reason: string }
  | { type: 'metrics'; question: number }
  | { type: 'collected'; question: number; metrics: unknown[] }

export interface PrimaryLink {
  /** This worker's number; a worker that takes another's place has a new one. */
  id: number
  /** Resolves once the database may be opened. @throws when the worker is told to stop before that */
  mayOpen: Promise<void>
  /** Metrics of all workers, for Prometheus. `own` gives those of this worker from now on. */
  metrics: (own: () => Promise<unknown[]>) => () => Promise<string>
  /** Why the web UI could not be fetched; undefined while there is hope. */
  uiFailure: () => string | undefined
  /** Tells why this worker cannot start. */
  fail: (reason: string) => void
  /** Lets this process end. */
  leave: () => void
}

/** The line of this process to its primary; undefined in a process that no cluster started. */
export function linkToPrimary(stop: StopSignal): PrimaryLink | undefined {
  const self = cluster.worker
  if (!self) return undefined
  const tell = (message: ToPrimary) => {
    if (self.isConnected()) self.send(message)
  }
  const mayOpen = new Promise<void>((resolve, reject) => {
    process.on('message', (message: ToWorker) => {
      if (message.type === 'open') resolve()
    })
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason))
  })
  // Whoever waits for it hears of it; nobody may wait yet.
  mayOpen.catch(() => {})
  const asked = new Map<number, (text: string) => void>()
  let questions = 0
  let uiFailure: string | undefined
  let ownMetrics = async (): Promise<unknown[]> => []

  async function hear(message: ToWorker): Promise<void> {
    if (message.type === 'stop') stop.ask()
    if (message.type === 'uiFailed') uiFailure = message.reason
    if (message.type === 'collect') {
      tell({ type: 'collected', question: message.question, metrics: await ownMetrics() })
    }
    if (message.type === 'metrics') {
      asked.get(message.question)?.(message.text)
      asked.delete(message.question)
    }
  }
  process.on('message', (message: ToWorker) => void hear(message))
  tell({ type: 'hears' })

  return {
    id: self.id,
    mayOpen,
    metrics(own) {
      ownMetrics = own
      return () =>
        new Promise((resolve) => {
          const question = questions++
          asked.set(question, resolve)
          tell({ type: 'metrics', question })
        })
    },
    uiFailure: () => uiFailure,
    fail: (reason) => tell({ type: 'failed', reason }),
    leave: () => self.disconnect(),
  }
}
