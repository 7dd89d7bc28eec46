// GraphQL and telemetry of the web UI: the same requests to stock MLflow and to this server.
import { readingCases } from './graphql-reading.cases.ts'
import { refusalCases } from './graphql-refusals.cases.ts'
import { introspectionCase, telemetryCase } from './graphql-types.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('answers to GraphQL', [
  ...readingCases,
  ...refusalCases,
  introspectionCase,
  telemetryCase,
])
