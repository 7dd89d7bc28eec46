// The stock web UI in a real browser over the seeded data, on each engine; with RECORD_UI=1, on stock itself.
import { describe } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { missing } from '../support/services.ts'
import { startSeeded, startSeededStock } from './server.ts'
import { allPagesTests } from './suites/all-pages.ts'
import { artifactTests } from './suites/artifacts.ts'
import { chartTests } from './suites/charts.ts'
import { experimentTests } from './suites/experiments.ts'
import { loggedModelTests, registryTests } from './suites/models.ts'
import { promptTests } from './suites/prompts.ts'
import { recordedRequestTests, recordTests } from './suites/recorded-requests.ts'
import { runTests } from './suites/run.ts'
import { runsTableTests } from './suites/runs-table.ts'
import { type Ui, useUi } from './ui.ts'

/** What reads and writes the database; on every engine. */
const SUITES = [
  experimentTests,
  runsTableTests,
  chartTests,
  runTests,
  loggedModelTests,
  registryTests,
  promptTests,
]
/** What is the same on all engines. */
const MORE_SUITES = [artifactTests, allPagesTests]
const reason = missing('chromium') || missing('python') || missing('ui')

function everyPage(ui: Ui): void {
  for (const suite of [...SUITES, ...MORE_SUITES]) suite(ui)
}

describe.skipIf(reason)(`the web UI in a browser${reason && ` (${reason})`}`, () => {
  if (process.env.RECORD_UI) {
    describe('of stock MLflow', () => {
      const ui = useUi('stock', startSeededStock)
      everyPage(ui)
      recordTests(ui)
    })
    return
  }
  describeEachEngine(
    'of this server',
    (target) => {
      const ui = useUi(target.name.toLowerCase(), () => startSeeded(target))
      const complete = target.name === 'PGlite'
      if (complete) everyPage(ui)
      else for (const suite of SUITES) suite(ui)
      recordedRequestTests(ui, complete)
    },
    ['PGlite', 'CrateDB'],
  )
})
