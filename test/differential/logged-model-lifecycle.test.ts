// Lives of logged models: the same requests to stock MLflow and to this server.
import { loggedModelLifecycleCases } from './logged-model-lifecycle.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('answers about the lives of logged models', loggedModelLifecycleCases)
