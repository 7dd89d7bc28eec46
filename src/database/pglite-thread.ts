// PGlite in a thread of its own: a statement blocks that thread, not the event loop that serves clients.
import { Worker } from 'node:worker_threads'
import { unavailable } from '../errors.ts'
import { CONTROL_WORDS, FLAGGED, FLAGGING, STATE } from './pglite-control.mjs'
import { createWalSync, type WalDue } from './pglite-wal.ts'

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
   * messages committed is on the disk by then.
   */
  exchange(messages: Uint8Array, limits: ExchangeLimits): Promise<Uint8Array>
  /** Exchanges that were not answered yet. */
  readonly pending: number
  /** Ends after what was sent, or at once when that takes longer than the time. */
  close(timeoutMs: number): Promise<void>
}

export interface PgliteThreadOptions {
  /** Where the database is; absent: in memory. */
  folder?: string | undefined
  /** Whether commits are synced to the disk before they are answered. */
  isSynced: boolean
  /** Resolves when the folder holds a database. */
  isThere: Promise<void>
  /** Statements to run first. */
  setup: string
  /** Called when the thread ended by itself; what was under way failed. */
  onDeath: () => void
}

/** What the thread is given. */
export interface ThreadData extends Pick<PgliteThreadOptions, 'isSynced' | 'setup'> {
  folder: string | undefined
  control: Int32Array
}

/** WebAssembly's memory; its buffer is another one after it has grown. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer
}

/** What the thread tells when it is ready: its memory, if it is shared, and where PostgreSQL's flags lie in it. */
interface Ready {
  memory: SharedMemory | undefined
  flags: { interrupt: number; cancel: number }
}

interface Answer {
  answer: Uint8Array
  due: WalDue | undefined
}

/** Milliseconds after which a statement that was cancelled and goes on is ended with its thread. */
const CANCEL_MS = 5_000
/** Milliseconds between two looks whether the exchange to cancel has begun. */
const LOOK_AGAIN_MS = 1

interface Waiting {
  number: number
  limits: ExchangeLimits
  resolve(answer: Uint8Array): void
  reject(reason: unknown): void
}

/** @throws Error when the database cannot be opened */
export async function startPgliteThread(options: PgliteThreadOptions): Promise<PgliteThread> {
  const { folder, isSynced, setup } = options
  const control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT))
  const workerData: ThreadData = { folder, isSynced, setup, control }
  const worker = new Worker(new URL('./pglite-worker.mjs', import.meta.url), { workerData })
  const sync = createWalSync(folder ?? '', control)
  const running: Waiting[] = []
  let numbers = 0
  let shared: Ready | undefined
  let failure: unknown
  let end: unknown
  let closing = false
  let limit: NodeJS.Timeout | undefined
  let ready: (value: Ready) => void
  let failed: (reason: unknown) => void
  const opened = new Promise<Ready>((resolve, reject) => {
    ready = resolve
    failed = reject
  })
  const synced = new Set<(reason: unknown) => void>()

  const ended = new Promise<void>((resolve) => {
    worker.on('error', (error) => {
      failure = error
    })
    worker.on('exit', () => {
      clearTimeout(limit)
      end = unavailable('The embedded database ended. Please retry.', failure)
      failed(failure ?? end)
      for (const { reject } of running.splice(0)) reject(end)
      for (const reject of synced) reject(end)
      sync.close()
      if (!closing) options.onDeath()
      resolve()
    })
  })

  /** Asks the exchange to end; when it does not, the thread is ended. */
  function cancel({ number }: Waiting): void {
    const isFirst = () => running[0]?.number === number
    if (!shared?.memory || !isFirst()) return
    if (Atomics.compareExchange(control, STATE, number, FLAGGING) !== number) {
      // The thread has not come to it yet, or has just left it.
      setTimeout(() => running[0] && isFirst() && cancel(running[0]), LOOK_AGAIN_MS)
      return
    }
    const words = new Int32Array(shared.memory.buffer)
    Atomics.store(words, shared.flags.cancel >> 2, 1)
    Atomics.store(words, shared.flags.interrupt >> 2, 1)
    Atomics.store(control, STATE, FLAGGED)
    setTimeout(() => isFirst() && void worker.terminate(), CANCEL_MS).unref()
  }

  /** Called when an exchange becomes the first one: it runs from now on. */
  function watchFirst(): void {
    clearTimeout(limit)
    const [first] = running
    if (!first) return
    const { signal, limitMs } = first.limits
    if (signal?.aborted) cancel(first)
    else if (limitMs > 0) limit = setTimeout(() => cancel(first), limitMs).unref()
  }

  function settle({ answer, due }: Answer): void {
    const waiting = running.shift()
    watchFirst()
    if (!waiting) return
    const { resolve, reject } = waiting
    if (!due) {
      resolve(answer)
      return
    }
    synced.add(reject)
    sync.when(due).then(
      () => {
        synced.delete(reject)
        resolve(answer)
      },
      (error: unknown) => {
        // What a failed sync has left on the disk is known to nobody: the log is read again from there.
        failure ??= error
        void worker.terminate()
      },
    )
  }

  // The thread loads PGlite meanwhile.
  options.isThere.then(
    () => worker.postMessage('open'),
    (error: unknown) => {
      failure = error
      void worker.terminate()
    },
  )
  worker.once('message', (message: Ready) => {
    worker.on('message', settle)
    ready(message)
  })
  shared = await opened
  return {
    get pending() {
      return running.length
    },
    async exchange(messages, limits) {
      if (end) throw end
      const waiting = { number: ++numbers, limits }
      const answered = new Promise<Uint8Array>((resolve, reject) => {
        running.push({ ...waiting, resolve, reject })
      })
      if (running.length === 1) watchFirst()
      worker.postMessage(messages, [messages.buffer as ArrayBuffer])
      if (!limits.signal) return answered
      const [own] = running.slice(-1) as [Waiting]
      const onAbort = () => cancel(own)
      limits.signal.addEventListener('abort', onAbort, { once: true })
      return answered.finally(() => limits.signal?.removeEventListener('abort', onAbort))
    },
    async close(timeoutMs) {
      closing = true
      worker.postMessage(null)
      const timer = setTimeout(() => void worker.terminate(), timeoutMs)
      await ended
      clearTimeout(timer)
    },
  }
}
