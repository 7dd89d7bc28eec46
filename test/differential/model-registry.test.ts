// The model registry: the same requests to stock MLflow and to this server.
import { modelVersionSourceCases } from './model-version-sources.cases.ts'
import { modelVersionCases } from './model-versions.cases.ts'
import { registeredModelCases } from './registered-models.cases.ts'
import { registrySearchCases } from './search-model-registry.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('answers about registered models', registeredModelCases)
describeDifferential('answers about model versions', modelVersionCases)
describeDifferential('answers about sources of model versions', modelVersionSourceCases)
describeDifferential('searches of the model registry', registrySearchCases)
