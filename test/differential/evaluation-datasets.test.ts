// Evaluation datasets: the same requests to stock MLflow and to this server.
import { evaluationDatasetRecordCases } from './evaluation-dataset-records.cases.ts'
import { evaluationDatasetCases } from './evaluation-datasets.cases.ts'
import { searchEvaluationDatasetCases } from './search-evaluation-datasets.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('evaluation datasets', evaluationDatasetCases)
describeDifferential('records of evaluation datasets', evaluationDatasetRecordCases)
describeDifferential('searches of evaluation datasets', searchEvaluationDatasetCases)
