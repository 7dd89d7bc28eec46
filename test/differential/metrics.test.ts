// Metrics: the same requests to stock MLflow and to this server.
import { metricCases } from './metrics.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('answers about metrics', metricCases)
