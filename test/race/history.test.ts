// Random clients against servers on one database: the history of what they saw has no contradiction.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { checkHistory } from '../../chaos/history/check.ts'
import { startClients } from '../../chaos/history/clients.ts'
import { describeEachEngine } from '../support/engines.ts'
import { startServer } from '../support/server.ts'

const OPERATIONS = 1500
/** Slow machines end with fewer operations. */
const LONGEST_MS = 20_000
const CLIENTS = 12

describeEachEngine('the history of random clients', (engine) => {
  const count = engine.name === 'PGlite' ? 1 : 2

  it(`has no violation, ${CLIENTS} clients at ${count} ${count === 1 ? 'server' : 'servers'}`, async () => {
    const options = { backendStoreUri: engine.uri }
    const first = await startServer(options)
    const servers = count === 1 ? [first] : [first, await startServer(options)]
    try {
      const seed = Number(process.env.HISTORY_SEED ?? Math.floor(Math.random() * 1e6))
      const clients = await startClients({ servers: servers.map(({ url }) => url), clients: CLIENTS, seed })
      const deadline = Date.now() + LONGEST_MS
      while (clients.history.length < OPERATIONS && Date.now() < deadline) await sleep(50)
      await clients.finish()
      const { violations, withdrawn, ...counts } = checkHistory(clients.history)
      console.log(
        `${engine.name}, seed ${seed}: ${clients.history.length} operations,`,
        counts,
        clients.statuses,
      )
      expect(violations.slice(0, 20)).toEqual([])
      expect(withdrawn).toEqual([])
      expect(counts).toMatchObject({ lost: 0, duplicated: 0 })
      // A history in which little happened, or nothing was refused, would prove little.
      expect(counts.acknowledged).toBeGreaterThan(100)
      expect(clients.statuses.get(400)).toBeGreaterThan(0)
      expect([...clients.statuses.keys()].filter((status) => ![200, 400, 404, 409].includes(status))).toEqual(
        [],
      )
    } finally {
      await Promise.all(servers.map((server) => server.stop()))
    }
  })
})
