// Datasets: the same requests to stock MLflow and to this server.
import { datasetCases } from './datasets.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('answers about datasets', datasetCases)
