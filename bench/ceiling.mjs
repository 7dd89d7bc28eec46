// What the load generator itself can do: against a server that answers at once.
import { Worker } from 'node:worker_threads'
import { createClient, encodePost } from './client.mjs'
import { measure, median } from './measure.mjs'
import { freshKeys } from './payloads.mjs'

/** It reads the request to its end, as any server would. */
const TRIVIAL_SERVER = `
const { createServer } = require('node:http')
const { parentPort } = require('node:worker_threads')
const server = createServer((request, response) => request.resume().on('end', () => response.end('{}')))
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`

/** Requests per second against a trivial \`node:http\` server in another thread. */
export async function measureCeiling({ rounds, seconds }) {
  const worker = new Worker(TRIVIAL_SERVER, { eval: true })
  const port = await new Promise((resolve) => worker.once('message', resolve))
  const client = createClient(port)
  const fill = freshKeys('0'.repeat(32))
  const works = {
    'small request': () => client.send(encodePost('runs/log-metric', '{"value":1}')),
    'batch of 1000 metrics': (i) => client.send(encodePost('runs/log-batch', fill(i))),
  }
  const results = {}
  for (const [title, work] of Object.entries(works)) {
    for (const clients of [1, 8, 64]) {
      const taken = []
      for (let round = 0; round < rounds; round++) taken.push(await measure({ clients, seconds, work }))
      const of = (what) => median(taken.map((one) => one[what]))
      results[`${title}, c${clients}`] = { perSecond: of('perSecond'), p50: of('p50'), p99: of('p99') }
    }
  }
  console.table(results)
  await worker.terminate()
  return results
}
