// @ts-check
// The words of memory that the embedded database's thread shares with the server's.

/** The last put-off sync of the write-ahead log that is done, by its number. */
export const SYNCED = 0
/** What the thread does: IDLE, the word of the exchange that runs, FLAGGING or FLAGGED. */
export const STATE = 1
/** How many messages were sent to the thread. */
export const SENT = 2
export const CONTROL_WORDS = 3

export const IDLE = 0
/** The server's thread is about to ask the running exchange to end. */
export const FLAGGING = -1
/** It has asked; whoever ends the exchange takes the question back. */
export const FLAGGED = -2

/**
 * The word that stands for the exchange of a number, from one on, however many there were.
 * @param {number} exchange
 */
export const wordOf = (exchange) => (exchange % 2 ** 30) + 1

/**
 * Notes that the put-off syncs up to a number are done. Numbers are compared by their distance, as they begin again
 * after 2^31.
 * @param {Int32Array} control
 * @param {number} asked
 */
export function noteSynced(control, asked) {
  for (
    let known = Atomics.load(control, SYNCED);
    ((asked - known) | 0) > 0;
    known = Atomics.load(control, SYNCED)
  ) {
    if (Atomics.compareExchange(control, SYNCED, known, asked) === known) return
  }
}

/**
 * Whether the log is safe up to a put-off sync.
 * @param {Int32Array} control
 * @param {number} asked
 */
export const isSynced = (control, asked) => ((asked - Atomics.load(control, SYNCED)) | 0) <= 0
