// PGlite in a thread of its own: a statement blocks that thread, not the event loop that serves clients.
import { Worker } from 'node:worker_threads'
import { unavailable } from '../../errors.ts'
import { type CancelFlags, type Cancellable, createCanceller } from './pglite-cancel.ts'
import { CONTROL_WORDS, SENT, STATE, wordOf } from './pglite-control.mjs'
import { createWalSync, type WalDue, type WalSync } from './pglite-wal.ts'

/** What ends an exchange before its time. */
export interface ExchangeLimits {
  /** The exchange ends when it aborts. */
  signal?: AbortSignal | undefined
  /** Milliseconds that the exchange may run; 0 for any. */
  limitMs: number
}

export interface PgliteThread {
  /**
   * Sends messages of PostgreSQL's wire protocol that end with a Sync; answers come in the order of the calls. What the
   * messages committed is on the disk by then. Exchanges of one turn of the event loop go to the thread together, as
   * waking it takes longer than a small statement.
   */
  exchange(messages: readonly Uint8Array[], limits: ExchangeLimits): Promise<Uint8Array>
  /** Bytes of the database's memory, which never shrinks; 0 for a store in memory, which shares none of it. */
  memoryBytes(): number
  /** Ends after what was sent, or at once when that takes longer than the time. */
  close(timeoutMs: number): Promise<void>
}

export interface PgliteThreadOptions {
  /** Where the database is; absent: in memory. */
  folder?: string | undefined
  /** What a new database may be a copy of. */
  template?: string | undefined
  /** Whether commits are synced to the disk before they are answered. */
  isSynced: boolean
  /** Statements to run first. */
  setup: string
  /** Called when the thread ended by itself; what was under way failed. */
  onDeath: () => void
}

/** What the thread is given. */
export interface ThreadData extends Pick<PgliteThreadOptions, 'folder' | 'template' | 'isSynced' | 'setup'> {
  control: Int32Array
}

/** Exchanges, one behind the other, and where each one ends. */
export interface Batch {
  bytes: Uint8Array
  ends: number[]
}

/** What came back for an exchange, and what has to be synced before it may be told. */
export interface Answer {
  answer: Uint8Array<ArrayBuffer>
  due: WalDue | undefined
}

interface Waiting extends Cancellable {
  limits: ExchangeLimits
  resolve(answer: Uint8Array): void
  reject(reason: unknown): void
}

/** @throws Error when the database cannot be opened */
export async function startPgliteThread(options: PgliteThreadOptions): Promise<PgliteThread> {
  const { folder, template, isSynced, setup } = options
  const control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT))
  const workerData: ThreadData = { folder, template, isSynced, setup, control }
  const worker = new Worker(new URL('./pglite-worker.mjs', import.meta.url), { workerData })
  const sync = createWalSync(folder ?? '', control)
  /** Why the thread ended, as far as is known. */
  let failure: unknown
  let end: unknown
  let closing = false

  function fail(reason: unknown): void {
    failure ??= reason
    void worker.terminate()
  }

  const answers = createAnswers({ control, sync, fail })
  const ended = new Promise((resolve) => worker.once('exit', resolve)).then(() => {
    end = unavailable('The embedded database ended. Please retry.', failure)
    answers.reject(end)
    sync.close()
    if (!closing) options.onDeath()
  })
  worker.on('error', (error) => {
    failure ??= error
  })
  const ready = new Promise<CancelFlags>((resolve) => worker.once('message', resolve))
  const flags = await Promise.race([ready, ended.then(() => Promise.reject(failure ?? end))])
  worker.on('message', (together: Answer[]) => together.forEach(answers.take))
  answers.cancelBy(createCanceller(control, flags, () => void worker.terminate()))
  const { add, send } = createOutbox(worker, control)
  return {
    exchange(messages, limits) {
      if (end) return Promise.reject(end)
      add(messages)
      return answers.next(limits)
    },
    memoryBytes: () => flags.memory?.buffer.byteLength ?? 0,
    async close(timeoutMs) {
      closing = true
      send()
      tell(worker, control, null)
      const timer = setTimeout(() => void worker.terminate(), timeoutMs)
      await ended
      clearTimeout(timer)
    },
  }
}

/** How often is looked at what the thread does, in milliseconds: limits are kept as exactly as that. */
const LOOK_MS = 100

interface AnswersOptions {
  control: Int32Array
  sync: WalSync
  fail: (reason: unknown) => void
}

/** Who waits for which answer, and for how long. */
function createAnswers({ control, sync, fail }: AnswersOptions) {
  const running: Waiting[] = []
  const unsynced = new Set<Waiting>()
  let numbers = 0
  /** What the thread was last seen at, and since when. */
  let seen = { word: 0, sinceMs: 0 }
  let timer: NodeJS.Timeout | undefined
  let cancel: (exchange: Cancellable) => void = () => {}

  /** Now and then, while somebody waits. Answers tell too little: the thread sends those of fast exchanges together with a slow one's. */
  function look(): void {
    timer = undefined
    const word = Atomics.load(control, STATE)
    const now = performance.now()
    if (word !== seen.word) seen = { word, sinceMs: now }
    const current = running.find(({ number }) => wordOf(number) === word)
    const limitMs = current?.limits.limitMs ?? 0
    if (current && limitMs > 0 && now - seen.sinceMs >= limitMs) cancel(current)
    lookSoon()
  }

  function lookSoon(): void {
    if (running.length > 0) timer ??= setTimeout(look, LOOK_MS).unref()
  }

  async function settle(waiting: Waiting, { answer, due }: Answer): Promise<void> {
    if (!due) return waiting.resolve(answer)
    unsynced.add(waiting)
    try {
      await sync.when(due)
      unsynced.delete(waiting)
      waiting.resolve(answer)
    } catch (error) {
      // What a failed sync has left on the disk is known to nobody: the log is read again from there.
      fail(error)
    }
  }

  return {
    next(limits: ExchangeLimits): Promise<Uint8Array> {
      const number = ++numbers
      const isAnswered = () => running[0] === undefined || running[0].number > number
      const answered = new Promise<Uint8Array>((resolve, reject) => {
        running.push({ number, isAnswered, limits, resolve, reject })
      })
      lookSoon()
      const { signal } = limits
      if (!signal) return answered
      const onAbort = () => cancel({ number, isAnswered })
      if (signal.aborted) onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      return answered.finally(() => signal.removeEventListener('abort', onAbort))
    },
    take(answer: Answer): void {
      const waiting = running.shift()
      if (waiting) void settle(waiting, answer)
    },
    reject(reason: unknown): void {
      clearTimeout(timer)
      for (const waiting of [...unsynced, ...running.splice(0)]) waiting.reject(reason)
    },
    cancelBy(by: typeof cancel): void {
      cancel = by
    },
  }
}

/** Null asks the thread to close. */
function tell(worker: Worker, control: Int32Array, batch: Batch | null): void {
  worker.postMessage(batch, batch ? [batch.bytes.buffer as ArrayBuffer] : [])
  Atomics.add(control, SENT, 1)
  Atomics.notify(control, SENT)
}

/** Gathers the exchanges of one turn of the event loop. */
function createOutbox(worker: Worker, control: Int32Array) {
  const outbox: (readonly Uint8Array[])[] = []
  function send(): void {
    if (outbox.length === 0) return
    const batch = batchOf(outbox.splice(0))
    tell(worker, control, batch)
  }
  return {
    add(messages: readonly Uint8Array[]): void {
      if (outbox.push(messages) === 1) setImmediate(send)
    },
    send,
  }
}

/** One piece of memory of its own, so that it can go to another thread without a copy. */
function batchOf(exchanges: readonly (readonly Uint8Array[])[]): Batch {
  let size = 0
  const ends = exchanges.map((messages) => {
    for (const message of messages) size += message.length
    return size
  })
  const bytes = new Uint8Array(size)
  let end = 0
  for (const messages of exchanges) {
    for (const message of messages) {
      bytes.set(message, end)
      end += message.length
    }
  }
  return { bytes, ends }
}
