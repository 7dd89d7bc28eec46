// All suites of browser tests, on one server after the other.
import { describe } from 'vitest'
import { describeEachEngine, type EngineName } from '../../support/engines.ts'
import { missing } from '../../support/services.ts'
import { startSeeded, startSeededStock } from '../server.ts'
import { useUi } from '../ui.ts'
import { allPagesTests } from './all-pages.ts'
import { artifactTests } from './artifacts.ts'
import { chartTests } from './charts.ts'
import { experimentTests } from './experiments.ts'
import { loggedModelTests, registryTests } from './models.ts'
import { promptTests } from './prompts.ts'
import { recordedRequestTests, recordTests } from './recorded-requests.ts'
import { runTests } from './run.ts'
import { runsTableTests } from './runs-table.ts'

const SUITES = [
  experimentTests,
  runsTableTests,
  chartTests,
  runTests,
  loggedModelTests,
  registryTests,
  promptTests,
  artifactTests,
  allPagesTests,
]
const reason = missing('chromium') || missing('python') || missing('ui')

/** The UI on this server with the engines of every run and those of the night. */
export function describeUi(engines: readonly EngineName[], atNight: readonly EngineName[] = []): void {
  describeBrowser(() => {
    describeEachEngine(
      'of this server',
      (target) => {
        const ui = useUi(target.name.toLowerCase(), () => startSeeded(target))
        for (const suite of SUITES) suite(ui)
        recordedRequestTests(ui)
      },
      engines,
      atNight,
    )
  })
}

/** The UI on stock MLflow; records what it asks for. */
export function describeStockUi(): void {
  describeBrowser(() => {
    describe('of stock MLflow', () => {
      const ui = useUi('stock', startSeededStock)
      for (const suite of SUITES) suite(ui)
      recordTests(ui)
    })
  })
}

function describeBrowser(suites: () => void): void {
  describe.skipIf(reason)(`the web UI in a browser${reason && ` (${reason})`}`, suites)
}
