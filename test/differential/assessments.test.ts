// Assessments of traces: the same requests to stock MLflow and to this server.
import { assessmentCases } from './assessments.cases.ts'
import { searchAssessmentCases } from './search-assessments.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('assesses traces', assessmentCases)
describeDifferential('searches by assessments', searchAssessmentCases)
