// PGlite in a thread of its own: a statement blocks that thread, not the event loop that serves clients.
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { unavailable } from '../errors.ts'

export interface PgliteThread {
  /** Sends messages of PostgreSQL's wire protocol that end with a Sync; answers come in the order of the calls. */
  exchange(messages: Uint8Array): Promise<Uint8Array>
  close(): Promise<void>
}

export interface PgliteThreadOptions {
  /** Where the database is; absent: in memory. */
  folder?: string | undefined
  /** Statements to run first. */
  setup: string
  /** Called when the thread ended by itself; what was under way failed. */
  onDeath: () => void
}

/**
 * How long the thread looks out for the next message before it sleeps, in milliseconds: requests often need some
 * statements in a row, and waking it takes 40 µs, as long as a small statement (measured on two virtual cores).
 */
const LOOK_OUT_MS = 0.1

// Text, since a thread cannot be started from TypeScript. An answer that does not end with ReadyForQuery (Z) is that of
// a PANIC, for instance when the disk is full: PGlite takes nothing any more then, and would search for it for ever. The bytes of an answer lie in PGlite's memory and are
// overwritten later; all of it happens before execProtocolRawStream returns.
const THREAD = `
const { parentPort, receiveMessageOnPort, workerData } = require('node:worker_threads')
const { PGlite } = require(workerData.module)
const store = new PGlite(workerData.folder)

function exchange(messages) {
  const parts = []
  store.execProtocolRawStream(messages, { syncToFs: false, onRawData: (bytes) => parts.push(bytes.slice()) })
  const answer = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let end = 0
  for (const part of parts) {
    answer.set(part, end)
    end += part.length
  }
  const isReady = answer[answer.length - 6] === 'Z'.charCodeAt(0)
  parentPort.postMessage(answer, [answer.buffer])
  if (!isReady) process.exit(1)
}

function next() {
  const end = performance.now() + workerData.lookOutMs
  for (;;) {
    const received = receiveMessageOnPort(parentPort)
    if (received || performance.now() > end) return received
  }
}

function serve(messages) {
  for (let received = { message: messages }; received; received = next()) {
    if (!received.message) return close()
    exchange(received.message)
  }
}

async function close() {
  await store.close()
  parentPort.close()
}

async function main() {
  await store.waitReady
  await store.exec(workerData.setup)
  parentPort.on('message', serve)
  parentPort.postMessage('ready')
}

main()
`

interface Waiting {
  resolve(answer: Uint8Array): void
  reject(reason: unknown): void
}

/** @throws Error when the database cannot be opened */
export async function startPgliteThread(options: PgliteThreadOptions): Promise<PgliteThread> {
  const module = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  const { folder, setup } = options
  const worker = new Worker(THREAD, {
    eval: true,
    workerData: { module, folder, setup, lookOutMs: LOOK_OUT_MS },
  })
  const waiting: Waiting[] = []
  let failure: unknown
  let end: unknown
  let closing = false
  const ended = new Promise<void>((resolve) => {
    worker.on('error', (error) => {
      failure = error
    })
    worker.on('exit', () => {
      end = unavailable('The embedded database ended. Please retry.', failure)
      for (const { reject } of waiting.splice(0)) reject(end)
      if (!closing) options.onDeath()
      resolve()
    })
  })
  worker.on('message', (answer: Uint8Array) => waiting.shift()?.resolve(answer))
  const answer = () => new Promise<Uint8Array>((resolve, reject) => waiting.push({ resolve, reject }))
  await answer().catch((error: unknown) => {
    throw failure ?? error
  })
  return {
    exchange: async (messages) => {
      if (end) throw end
      const answered = answer()
      worker.postMessage(messages, [messages.buffer as ArrayBuffer])
      return answered
    },
    async close() {
      closing = true
      worker.postMessage(null)
      await ended
    },
  }
}
