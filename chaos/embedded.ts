// The embedded store under kill -9: what was acknowledged is there when the server is started again.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Result, runFault } from './run-fault.ts'
import { planServer } from './servers.ts'

const KILLS = 3

/** Kills the server several times under load; each start reads the same folder. */
export async function runEmbedded(folder: string, seed: number): Promise<Result> {
  const uri = `pglite:${join(folder, 'embedded-store')}`
  const server = await planServer({ name: 'embedded', backendStoreUri: uri, folder })
  await server.start()
  try {
    return await runFault({
      fault: 'embedded-killed',
      servers: [server],
      seed,
      async run() {
        for (let kill = 0; kill < KILLS; kill++) {
          await server.kill()
          await server.start()
          await sleep(2_000)
        }
      },
    })
  } finally {
    await server.stop()
  }
}
