// Logged models: the same requests to stock MLflow and to this server.
import { loggedModelMetricCases } from './logged-model-metrics.cases.ts'
import { loggedModelCases } from './logged-models.cases.ts'
import { searchLoggedModelCases } from './search-logged-models.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('answers about logged models', loggedModelCases)
describeDifferential('answers about metrics of logged models', loggedModelMetricCases)
describeDifferential('answers searches of logged models', searchLoggedModelCases)
