// Fills an experiment with runs to search, once per server.
import { randomUUID } from 'node:crypto'
import { encodePost } from './client.mjs'
import { searchedRun } from './payloads.mjs'

const CLIENTS = 4
/** A server that has not taken the runs in this time does not take part in searching. */
const LIMIT_MS = 240_000

const filled = new WeakMap()

/**
 * An experiment with `runs` runs, made through REST.
 * @throws Error when the server is too slow to be filled in time
 */
export function fillExperiment(server, runs) {
  const known = filled.get(server) ?? makeRuns(server, runs)
  filled.set(server, known)
  return known
}

async function makeRuns(server, runs) {
  const { experiment_id } = await server.post('experiments/create', { name: `bench-${randomUUID()}` })
  const deadline = performance.now() + LIMIT_MS
  let next = 0
  const fill = async () => {
    while (next < runs && performance.now() < deadline) {
      const number = next++
      const { run } = await server.post('runs/create', { experiment_id, start_time: number })
      const batch = JSON.stringify(searchedRun(run.info.run_id, number))
      await server.send(encodePost('runs/log-batch', batch))
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, fill))
  if (next < runs) throw new Error(`not reached: ${next} of ${runs} runs after ${LIMIT_MS / 1000} s`)
  return experiment_id
}
