// Declares cases as tests: each is driven against stock MLflow and against this server, on each engine.
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { AppDeps } from '../../src/app.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { describeEachEngine } from '../support/engines.ts'
import { missing } from '../support/services.ts'
import { type StockServer, useStock } from '../support/stock-server.ts'
import { type Case, expectSameAnswers } from './cases.ts'

/** PostgreSQL runs the statements of PGlite, so it has nothing to add here. */
export function describeDifferential(
  title: string,
  cases: readonly Case[],
  overrides: Partial<AppDeps> = {},
): void {
  const reason = missing('stock')
  const label = `${title} as stock MLflow${reason && ` (${reason})`}`
  describe.skipIf(reason)('differential', () => {
    describeEachEngine(label, (target) => declareCases(target, cases, overrides), ['PGlite', 'CrateDB'])
  })
}

function declareCases(
  target: Parameters<typeof startApp>[0],
  cases: readonly Case[],
  overrides: Partial<AppDeps>,
): void {
  let stock: StockServer
  let ours: TestApp
  beforeAll(async () => {
    stock = await useStock()
    ours = await startApp(target, overrides)
  })
  afterAll(() => ours?.close())
  for (const one of cases) it(one.title, () => expectSameAnswers(one, stock, ours))
}
