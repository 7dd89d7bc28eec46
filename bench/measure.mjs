// Clocks and statistics.

/**
 * Runs `work(i, client)` from a number of clients for some seconds, i counting over all clients.
 * @returns requests, requests per second, and latencies at p50 and p99 in milliseconds
 */
export async function measure({ clients, seconds, work }) {
  const latencies = []
  const began = performance.now()
  const end = began + seconds * 1000
  let next = 0
  const runClient = async (client) => {
    do {
      const at = performance.now()
      await work(next++, client)
      latencies.push(performance.now() - at)
    } while (performance.now() < end)
  }
  await Promise.all(Array.from({ length: clients }, (_, client) => runClient(client)))
  const elapsedSeconds = (performance.now() - began) / 1000
  return {
    count: latencies.length,
    perSecond: latencies.length / elapsedSeconds,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  }
}

export function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

export const median = (numbers) => quantile(numbers, 0.5)

/** @throws Error when what was read back is not what was written */
export function assertEqual(what, found, expected) {
  if (found !== expected) throw new Error(`${what}: found ${found}, expected ${expected}`)
}
