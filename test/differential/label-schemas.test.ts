// Label schemas: the same requests to stock MLflow and to this server.
import { labelSchemaCases } from './label-schemas.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('answers about label schemas', labelSchemaCases)
