// The GenAI side of the stock web UI in a real browser, over seeded data and over its demo; with RECORD_UI=1, on stock itself.
import { describe, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { missing } from '../support/services.ts'
import { GENAI_PAGES, writeRecording } from './recording.ts'
import { nameOf } from './requests.ts'
import { type RecordedStock, startEmpty, startRecordedStock } from './server.ts'
import { absentTests } from './suites/genai/absent.ts'
import { assessmentTests } from './suites/genai/assessments.ts'
import { changeTests } from './suites/genai/changes.ts'
import { demoTests } from './suites/genai/demo.ts'
import { evaluationTests } from './suites/genai/evaluation.ts'
import { reviewTests } from './suites/genai/reviews.ts'
import { type GenaiUi, useGenaiUi } from './suites/genai/seed.ts'
import { sessionTests } from './suites/genai/sessions-overview.ts'
import { traceTests } from './suites/genai/trace.ts'
import { tracesTableTests } from './suites/genai/traces-table.ts'

const BY_DAY = [traceTests, tracesTableTests, sessionTests, absentTests]
const AT_NIGHT = [assessmentTests, evaluationTests, changeTests, reviewTests]
const { RECORD_UI, TEST_EVERY_ENGINE } = process.env
/** The demo, whose pages are opened with every change, has some of all. */
const SUITES = TEST_EVERY_ENGINE ? [...BY_DAY, ...AT_NIGHT] : BY_DAY
/** Stock refuses them as well: there are no users. */
const REFUSED = ['/ajax-api/2.0/mlflow/users/current GET', '/ajax-api/2.0/mlflow/users/list GET']
const reason = missing('chromium') || missing('python') || missing('ui')

describe.skipIf(reason)(`the GenAI side of the web UI${reason && ` (${reason})`}`, () => {
  if (RECORD_UI) {
    describe('of stock MLflow', recordTests)
    return
  }
  describeEachEngine(
    'in a browser',
    (target) => {
      const ui = useGenaiUi(`genai-${target.name.toLowerCase()}`, () => startEmpty(target))
      for (const suite of SUITES) suite(ui)
      describe('shows the demo and', () => demoTests(ui))
      requestTests(ui)
    },
    ['CrateDB'],
    ['PGlite'],
  )
})

/** Rewrites what the UI asks of stock. */
function recordTests(): void {
  let stock: RecordedStock
  const ui = useGenaiUi('genai-stock', async () => {
    stock = await startRecordedStock()
    return stock
  })
  for (const suite of [...BY_DAY, ...AT_NIGHT]) suite(ui)
  describe('shows the demo and', () => demoTests(ui))
  it('records the requests', async () => {
    const count = await writeRecording(GENAI_PAGES, stock.exchanges(), ui.genai)
    expect(count).toBeGreaterThan(100)
  })
}

/** To be declared last: it judges the requests of all tests before it. */
function requestTests(ui: GenaiUi): void {
  it('refuses no request of its pages that stock answers', () => {
    const requests = ui.log.requests()
    const refused = requests.filter(({ statuses }) => statuses.some((status) => status >= 400)).map(nameOf)
    console.log(`${requests.length - refused.length} of ${requests.length} requests of GenAI pages answered`)
    expect(refused.filter((name) => !REFUSED.includes(name))).toEqual([])
  })
}
