// Experiments: the same requests to stock MLflow and to this server.
import { experimentCases } from './experiments.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('answers about experiments', experimentCases)
