// Group commit: what arrives while a flush is in flight goes out together in the next one.

import { MlflowError } from '../../errors.ts'
import { runForAll } from '../active-request.ts'
import { type ActiveSpan, activeSpan, runInSpan } from '../active-span.ts'
import { measures, type WriteQueue } from '../measures.ts'

export interface GroupCommitOptions<Item, Outcome> {
  /** Names it in /metrics. */
  queue: WriteQueue
  /** Writes all items; resolves with each item's outcome when the database acknowledged them. */
  flush(items: Item[]): Promise<Outcome[]>
  /** Rows that an item brings. */
  weigh(item: Item): number
  /** Rows per flush at most (a single heavier item goes alone). */
  maxFlush: number
  /** Rows waiting at most; beyond it callers are told to come back. */
  maxQueued: number
}

interface Waiting<Item, Outcome> {
  item: Item
  weight: number
  /** Where a flush that it comes first in is told. */
  span: ActiveSpan | undefined
  resolve(outcome: Outcome): void
  reject(reason: unknown): void
}

/**
 * Returns `submit(item)`, which resolves with the item's outcome after its rows are acknowledged. A lone caller is flushed at
 * once; under load flushes grow. When a flush fails for another reason than an absent database, its items are
 * tried one by one, so that one bad item fails nobody else.
 * @throws REQUEST_LIMIT_EXCEEDED (429) when more than `maxQueued` rows wait
 */
export function createGroupCommit<Item, Outcome>(
  options: GroupCommitOptions<Item, Outcome>,
): (item: Item) => Promise<Outcome> {
  let queue: Waiting<Item, Outcome>[] = []
  let queued = 0
  let flushing = false

  function take(): Waiting<Item, Outcome>[] {
    let weight = 0
    const count = queue.findIndex((waiting, index) => {
      weight += waiting.weight
      return index > 0 && weight > options.maxFlush
    })
    const batch = count < 0 ? queue : queue.slice(0, count)
    queue = count < 0 ? [] : queue.slice(count)
    const rows = batch.reduce((sum, waiting) => sum + waiting.weight, 0)
    queued -= rows
    measures.waitingRows.add(-rows, options.queue)
    measures.flushes.add(1, options.queue)
    measures.flushedRows.add(rows, options.queue)
    return batch
  }

  async function flushLoop(): Promise<void> {
    flushing = true
    while (queue.length > 0) {
      const began = performance.now()
      await settle(take())
      measures.flushSeconds.add((performance.now() - began) / 1000, options.queue)
    }
    flushing = false
  }

  async function settle(batch: Waiting<Item, Outcome>[]): Promise<void> {
    try {
      const items = batch.map(({ item }) => item)
      const outcomes = await runInSpan(batch[0]?.span, () => options.flush(items))
      batch.forEach((waiting, index) => {
        waiting.resolve(outcomes[index] as Outcome)
      })
    } catch (error) {
      const isAway = error instanceof MlflowError && error.code === 'TEMPORARILY_UNAVAILABLE'
      if (isAway || batch.length === 1) for (const waiting of batch) waiting.reject(error)
      else for (const waiting of batch) await settle([waiting])
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      const weight = options.weigh(item)
      if (queued > 0 && queued + weight > options.maxQueued) {
        measures.refusedWrites.add(1, options.queue)
        reject(new MlflowError('REQUEST_LIMIT_EXCEEDED', 'Too many writes are waiting. Please retry.'))
        return
      }
      queued += weight
      measures.waitingRows.add(weight, options.queue)
      queue.push({ item, weight, span: activeSpan(), resolve, reject })
      if (!flushing) void runForAll(flushLoop)
    })
}

/**
 * Shares reads by key: keys asked for while a read is in flight are read together in the next one, which goes on when
 * one of those who asked leaves.
 * `read` answers for up to `maxKeys` distinct keys at a time.
 */
export function createBatchedReader<Value>(
  read: (keys: string[]) => Promise<Map<string, Value>>,
  maxKeys: number,
): (key: string) => Promise<Value | undefined> {
  interface Wait {
    key: string
    span: ActiveSpan | undefined
    resolve(value: Value | undefined): void
    reject(reason: unknown): void
  }
  let queue: Wait[] = []
  let inFlight = 0

  async function readNext(): Promise<void> {
    inFlight++
    while (queue.length > 0) {
      const keys = [...new Set(queue.map(({ key }) => key))].slice(0, maxKeys)
      const chosen = new Set(keys)
      const batch = queue.filter(({ key }) => chosen.has(key))
      queue = queue.filter(({ key }) => !chosen.has(key))
      try {
        const values = await runInSpan(batch[0]?.span, () => read(keys))
        for (const { key, resolve } of batch) resolve(values.get(key))
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    inFlight--
  }

  return (key) =>
    new Promise((resolve, reject) => {
      queue.push({ key, span: activeSpan(), resolve, reject })
      if (inFlight === 0) void runForAll(readNext)
    })
}
