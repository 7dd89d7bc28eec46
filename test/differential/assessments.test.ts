// Assessments of traces: the same requests to stock MLflow and to this server.
import { assessmentCases } from './assessments.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('assesses traces', assessmentCases)
