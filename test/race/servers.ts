// The servers of a race: two on one database, one where the engine knows one server alone.
import { afterAll, beforeAll } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import type { EngineTarget } from '../support/engines.ts'

export interface RacingServers {
  /** From beforeAll on. */
  readonly apps: TestApp[]
  /** The server of a racer: all take turns. */
  appOf: (index: number) => TestApp
}

/** Starts them for the surrounding suite. */
export function useServers(target: EngineTarget): RacingServers {
  const apps: TestApp[] = []
  beforeAll(async () => {
    const count = target.name === 'PGlite' ? 1 : 2
    for (let index = 0; index < count; index++) apps.push(await startApp(target))
  })
  afterAll(async () => {
    for (const app of apps) await app.close()
  })
  return { apps, appOf: (index) => apps[index % apps.length] as TestApp }
}
