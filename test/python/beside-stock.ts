// Suites of scripts whose last line of output is the same on stock MLflow and on this server.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { describeEachEngine } from '../support/engines.ts'
import { pythonOutput } from '../support/python.ts'
import { missing } from '../support/services.ts'
import { useStock } from '../support/stock-server.ts'

const lastLine = (output: string) => JSON.parse(output.trim().split('\n').at(-1) ?? '')

/** Declares a suite of titled scripts, which print JSON. */
export function describeBesideStock(title: string, scripts: [title: string, script: string][]): void {
  describe.skipIf(missing('stock'))('stock client', () => {
    describeEachEngine(
      title,
      (target) => {
        let app: TestApp
        let urls: { stock: string; ours: string }
        beforeAll(async () => {
          app = await startApp(target)
          const ours = await app.app.listen({ host: '127.0.0.1', port: 0 })
          urls = { stock: (await useStock()).url, ours }
        })
        afterAll(() => app?.close())

        it.each(scripts)('%s', async (_title, script) => {
          const [stock, ours] = [
            await pythonOutput(script, { MLFLOW_TRACKING_URI: urls.stock }),
            await pythonOutput(script, { MLFLOW_TRACKING_URI: urls.ours }),
          ]
          expect(lastLine(ours)).toEqual(lastLine(stock))
        })
      },
      ['PGlite', 'CrateDB'],
    )
  })
}
