// @ts-check
// What runs in the embedded database's thread: PGlite, which takes one exchange of messages after the other.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm'
import { FLAGGED, FLAGGING, IDLE, SENT, STATE, wordOf } from './pglite-control.mjs'
import { DurableFiles } from './pglite-files.mjs'
import { makeDatabase } from './pglite-folder.mjs'
import { MAXIMUM_PAGES, withSharedMemory } from './pglite-program.mjs'

/**
 * How long the thread looks out for the next message before it sleeps, in milliseconds: requests often need some
 * statements in a row, and waking it takes 40 µs, as long as a small statement (measured on two virtual cores).
 */
const LOOK_OUT_MS = 0.1
/** How long answers wait for those of statements that came together with theirs, in milliseconds. */
const ANSWER_WITHIN_MS = 1
/** Node.js has it; its types leave the values to those of browsers. */
const { WebAssembly } = /** @type {any} */ (globalThis)
/** PGlite's own: 128 MiB at first. */
const INITIAL_PAGES = 2048

const { folder, template, isSynced, setup, control } =
  /** @type {import('./pglite-thread.ts').ThreadData} */ (workerData)
const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort)

/** All of it is memory of the process from the start on; a checkpoint writes as much at most. */
const SHARED_BUFFERS = '32MB'
/** PGlite's switch for no syncs at all. */
const NO_SYNC = '-F'
const startParams = [
  ...PGlite.defaultStartParams.filter((argument) => argument !== NO_SYNC),
  // PGlite's fdatasync does nothing.
  ...(isSynced ? ['-c', 'wal_sync_method=fsync'] : [NO_SYNC]),
  '-c',
  `shared_buffers=${SHARED_BUFFERS}`,
]

/**
 * PGlite's program with its memory declared as shared, so that the server's thread can set the
 * flags by which PostgreSQL cancels a statement; nothing else reaches a thread that computes.
 */
function loadProgram() {
  const program = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  return WebAssembly.compile(withSharedMemory(readFileSync(join(dirname(program), 'pglite.wasm'))))
}

/** PGlite asks for all types of arrays at its start; whoever reads the wire has no use for them. */
class Store extends PGlite {
  /** @override */
  async _initArrayTypes() {}
}

async function open() {
  if (!folder) return { store: new Store({ startParams }), files: undefined, memory: undefined }
  const made = makeDatabase(folder, template)
  const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES, shared: true })
  const files = new DurableFiles({ folder, made, control, memory })
  return {
    store: new Store({
      fs: files,
      pgliteWasmModule: await loadProgram(),
      startParams,
      // For an index of texts: see postgres-text-index.ts.
      extensions: { pg_trgm },
    }),
    files,
    memory,
  }
}

const { store, files, memory } = await open()
await store.waitReady
await store.exec(setup)

const symbols = /** @type {any} */ (store).Module
const flags = { interrupt: symbols._InterruptPending, cancel: symbols._QueryCancelPending }
let exchanges = 0
/** @type {import('./pglite-thread.ts').Answer[]} */
let answers = []

/**
 * An answer that does not end with ReadyForQuery (Z) is that of a PANIC, for instance when the disk is full: PGlite takes
 * nothing any more then, and would search for it for ever. The bytes of an answer lie in PGlite's memory and are
 * overwritten later; all of it happens before execProtocolRawStream returns.
 * @param {Uint8Array} messages
 */
function exchange(messages) {
  /** @type {Uint8Array[]} */
  const parts = []
  const word = wordOf(++exchanges)
  Atomics.store(control, STATE, word)
  store.execProtocolRawStream(messages, { syncToFs: false, onRawData: (bytes) => parts.push(bytes.slice()) })
  if (Atomics.compareExchange(control, STATE, word, IDLE) !== word) takeFlagsBack()
  const answer = joined(parts)
  answers.push({ answer, due: isSynced ? files?.walDue() : undefined })
  const isReady = answer.at(-6) === 'Z'.charCodeAt(0)
  if (isReady) return
  post()
  process.exit(1)
}

/** Sends what has been answered: a message costs as much as a small statement. */
function post() {
  if (answers.length === 0) return
  const together = answers
  answers = []
  port.postMessage(
    together,
    together.map(({ answer }) => answer.buffer),
  )
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let end = 0
  for (const part of parts) {
    whole.set(part, end)
    end += part.length
  }
  return whole
}

/** The exchange that was to be cancelled may have ended before it saw the flags: the next one must not see them. */
function takeFlagsBack() {
  while (Atomics.load(control, STATE) === FLAGGING);
  if (Atomics.load(control, STATE) !== FLAGGED || !memory) return
  const words = new Int32Array(memory.buffer)
  Atomics.store(words, flags.cancel >> 2, 0)
  Atomics.store(words, flags.interrupt >> 2, 0)
  Atomics.store(control, STATE, IDLE)
}

/**
 * Waits for the next message. The thread sleeps on a word of memory instead of in its event loop: who sends a message then makes
 * no call to the operating system while the thread looks out, which takes as long as a small statement.
 * @returns {import('./pglite-thread.ts').Batch | null}
 */
function next() {
  for (;;) {
    const sent = Atomics.load(control, SENT)
    const received = receiveMessageOnPort(port)
    if (received) return received.message
    const end = performance.now() + LOOK_OUT_MS
    while (Atomics.load(control, SENT) === sent && performance.now() < end);
    Atomics.wait(control, SENT, sent)
  }
}

/** @param {import('./pglite-thread.ts').Batch} batch */
function serve({ bytes, ends }) {
  const patience = performance.now() + ANSWER_WITHIN_MS
  for (const [i, end] of ends.entries()) {
    exchange(bytes.subarray(ends[i - 1] ?? 0, end))
    if (performance.now() > patience) post()
  }
  post()
}

port.postMessage({ memory, flags })
for (let batch = next(); batch; batch = next()) serve(batch)
await store.close()
