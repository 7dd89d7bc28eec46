// Artifacts: the same requests to stock MLflow and to this server.
import { artifactCases } from './artifacts.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('answers about artifacts', artifactCases)
