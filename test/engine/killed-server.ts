// Kills the server between any two statements of a request: what remains is valid, and the retry completes.
import { beforeAll, expect, it } from 'vitest'
import type { Engine } from '../../src/platform/database/engine.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { tries } from '../support/chance.ts'
import { describeEachEngine, type EngineTarget } from '../support/engines.ts'
import { type Life, openMortalEngine } from '../support/mortal.ts'

export const API = '/api/2.0/mlflow'

export type Answer = { status: number; body: unknown }
export type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>

export interface Scenario {
  /** Tests that share out the statements of a long request; one unless told otherwise. */
  parts?: number
  /** So many of the parts are run with every change, all of them by `npm run test:chance`. */
  partsByDay?: number
  /** What is there before; its result is handed on. */
  prepare: (ask: Ask, mark: string) => Promise<Record<string, string>>
  /** The request that the server dies in. */
  act: (ask: Ask, state: Record<string, string>, mark: string) => Promise<Answer>
  /** Holds after the death, before any retry. */
  remains: (ask: Ask, state: Record<string, string>, mark: string) => Promise<void>
  /** Holds after the client's retry; the engine is for what no request shows. */
  completed: (
    ask: Ask,
    state: Record<string, string>,
    mark: string,
    retry: Answer,
    engine: Engine,
  ) => Promise<void>
}

/** Declares the scenarios as tests on each engine. */
export function describeKilledServer(title: string, scenarios: Record<string, Scenario>): void {
  describeEachEngine(title, (target) => declareScenarios(target, scenarios))
}

function declareScenarios(target: EngineTarget, scenarios: Record<string, Scenario>): void {
  let life: Life
  let engine: Engine
  let app: TestApp

  beforeAll(async () => {
    ;({ engine, life } = await openMortalEngine(target))
    app = await startApp(target, { engine })
    return async () => {
      await app.close()
      await engine.close()
    }
  })

  // CrateDB takes seconds for each: by day every third statement, from another one on in each scenario.
  const stride = target.name === 'CrateDB' ? tries(3, 1) : 1
  for (const [index, [title, scenario]] of Object.entries(scenarios).entries()) {
    const { parts = 1, partsByDay = parts } = scenario
    for (let part = 1; part <= tries(partsByDay, parts); part++) {
      const label = parts === 1 ? title : `${title}, part ${part} of ${parts}`
      it(`leaves something valid and lets the retry complete: ${label}`, () =>
        killEverywhere(label, scenario, part, { stride, offset: index % stride }))
    }
  }

  /** Each part has every so many statements. */
  async function killEverywhere(
    title: string,
    scenario: Scenario,
    part: number,
    { stride, offset }: { stride: number; offset: number },
  ): Promise<void> {
    const mark = title.replace(' ', '-')
    const first = await scenario.prepare(app.request, mark)
    life.dieAfter(Number.POSITIVE_INFINITY)
    expect((await scenario.act(app.request, first, mark)).status).toBe(200)
    const statements = life.used()
    expect(statements).toBeGreaterThan(1)
    const { parts = 1 } = scenario
    for (let survived = part - 1 + offset * parts; survived <= statements; survived += stride * parts) {
      const here = `${mark}-${survived}`
      const state = await scenario.prepare(app.request, here)
      life.dieAfter(survived)
      const answer = await scenario.act(app.request, state, here)
      life.revive()
      // A new server: nothing that the dead one kept in memory helps.
      const after = await startApp(target, { engine })
      // What servers do by themselves may have been counted, too: then it lived through all of the request.
      if (survived < statements) expect(answer.status).toBe(life.hasRefused() ? 500 : 200)
      await scenario.remains(after.request, state, here)
      const retry = await scenario.act(after.request, state, here)
      await scenario.completed(after.request, state, here, retry, engine)
      await after.close()
    }
  }
}
