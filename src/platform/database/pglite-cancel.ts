// Ends what the embedded database's thread is at, by the flags in its memory that PostgreSQL's own signal handlers set.
import { FLAGGED, FLAGGING, STATE, wordOf } from './pglite-control.mjs'

/** WebAssembly's memory; its buffer is another one after it has grown. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer
}

/** Where the flags are; a store in memory shares none of it. */
export interface CancelFlags {
  memory: SharedMemory | undefined
  /** Addresses of `InterruptPending` and `QueryCancelPending`. */
  flags: { interrupt: number; cancel: number }
}

/** Milliseconds after which a statement that goes on all the same is ended with its thread. */
const PATIENCE_MS = 5_000
/** Milliseconds between two looks whether the exchange to cancel has begun. */
const LOOK_AGAIN_MS = 1

export interface Cancellable {
  /** The exchange's number, from one on. */
  number: number
  isAnswered(): boolean
}

/**
 * Returns `cancel(exchange)`, which ends the exchange with SQLSTATE 57014 once it runs. The thread never starts the next one
 * while flags are being set for this one.
 * @param terminate ends the thread
 */
export function createCanceller(
  control: Int32Array,
  { memory, flags }: CancelFlags,
  terminate: () => void,
): (exchange: Cancellable) => void {
  return function cancel(exchange) {
    if (!memory || exchange.isAnswered()) return
    const word = wordOf(exchange.number)
    if (Atomics.compareExchange(control, STATE, word, FLAGGING) !== word) {
      // The thread has not come to it yet, or has just left it.
      setTimeout(cancel, LOOK_AGAIN_MS, exchange)
      return
    }
    const words = new Int32Array(memory.buffer)
    Atomics.store(words, flags.cancel >> 2, 1)
    Atomics.store(words, flags.interrupt >> 2, 1)
    Atomics.store(control, STATE, FLAGGED)
    setTimeout(() => exchange.isAnswered() || terminate(), PATIENCE_MS).unref()
  }
}
