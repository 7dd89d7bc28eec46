// Scorers: the same requests to stock MLflow and to this server.
import { scorerCases } from './scorers.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('answers about scorers', scorerCases)
