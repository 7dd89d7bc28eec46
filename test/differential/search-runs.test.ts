// Searching runs: the same requests to stock MLflow and to this server.
import { searchRunCases } from './search-runs.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('answers searches of runs', searchRunCases)
