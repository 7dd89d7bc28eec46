// Preloaded into an embedded server: keeps what the server sends to its database's thread, and writes it down at the end.
import { writeFileSync } from 'node:fs'
import { isMainThread, Worker } from 'node:worker_threads'

const exchanges = []
let marked = 0
const { postMessage } = Worker.prototype

Worker.prototype.postMessage = function record(batch, transfer) {
  if (batch?.ends) {
    for (const [i, end] of batch.ends.entries())
      exchanges.push(Buffer.from(batch.bytes.slice(batch.ends[i - 1] ?? 0, end)).toString('base64'))
  }
  postMessage.call(this, batch, transfer)
}

/** What comes from now on is what the floor is about. */
process.on('SIGUSR2', () => {
  marked = exchanges.length
})
process.on('exit', () => {
  if (!isMainThread) return
  writeFileSync(process.env.BENCH_EXCHANGES, JSON.stringify({ exchanges, marked }))
})
