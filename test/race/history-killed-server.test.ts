// kill -9 of a server under load: what was acknowledged is there when it is started again on the same store.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { checkHistory } from '../../chaos/history/check.ts'
import { startClients } from '../../chaos/history/clients.ts'
import { describeEachEngine } from '../support/engines.ts'
import { startServer } from '../support/server.ts'
import { freePort } from '../support/services/child.ts'

const KILLS = 2
const CLIENTS = 8

describeEachEngine(
  'a server that is killed under load',
  (engine) => {
    it(`has lost nothing of what it acknowledged, ${KILLS} times`, async () => {
      const options = { backendStoreUri: engine.uri, port: await freePort() }
      let server = await startServer(options)
      try {
        const clients = await startClients({ servers: [server.url], clients: CLIENTS, seed: 7 })
        for (let kill = 0; kill < KILLS; kill++) {
          const before = clients.history.length
          while (clients.history.length < before + 300) await sleep(20)
          await server.kill()
          server = await startServer(options)
        }
        await clients.finish()
        const { violations, lost, duplicated } = checkHistory(clients.history)
        expect(violations.slice(0, 20)).toEqual([])
        expect({ lost, duplicated }).toEqual({ lost: 0, duplicated: 0 })
        // Some requests were on their way when the server died, or the kills proved nothing.
        expect(clients.statuses.get(0)).toBeGreaterThan(0)
      } finally {
        await server.stop()
      }
    })
  },
  ['PGlite'],
  ['PostgreSQL'],
)
