// Issues: the same requests to stock MLflow and to this server.
import { issueCases } from './issues.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('answers about issues', issueCases)
