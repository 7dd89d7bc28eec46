// Runs: the same requests to stock MLflow and to this server.
import { runCases } from './runs.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('answers about runs', runCases)
