// The stock web UI in a real browser over the seeded data, on PGlite, at night; with RECORD_UI=1, on stock itself.
import { describeStockUi, describeUi } from './suites/every-suite.ts'

if (process.env.RECORD_UI) describeStockUi()
else describeUi([], ['PGlite'])
