// The stock web UI in a real browser over the seeded data, on CrateDB.
import { describeUi } from './suites/every-suite.ts'

describeUi(['CrateDB'])
