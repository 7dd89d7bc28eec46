// The web wing: the pages of MLflow's UI, and the GraphQL that they ask besides REST.
import type { FastifyInstance } from 'fastify'
import type { DocumentLimits } from './graphql/documents.ts'
import type { Sources } from './graphql/resolvers.ts'
import { graphqlEndpoints } from './graphql/routes.ts'
import { createGraphqlService } from './graphql/service.ts'
import type { UiSource } from './ui/source.ts'
import { registerUiTelemetry } from './ui/telemetry.routes.ts'

const DEFAULT_LIMITS: DocumentLimits = { maxRootFields: 10, maxAliases: 10 }

export interface WebDeps {
  /** What GraphQL asks of the other wings. */
  sources: Sources
  /** Absent: the defaults of its settings. */
  graphql: DocumentLimits | undefined
  /** Absent: no web UI, the API alone. */
  ui: UiSource | undefined
  /** Path in front of every path; empty for none. */
  staticPrefix: string
}

export function createWeb({ sources, graphql = DEFAULT_LIMITS, ui, staticPrefix }: WebDeps) {
  return {
    endpoints: graphqlEndpoints(createGraphqlService(sources, graphql)),
    register: async (app: FastifyInstance) => {
      // Loaded when wanted, as the documentation is.
      if (ui) await (await import('./ui/routes.ts')).registerUi(app, { ui, staticPrefix })
      registerUiTelemetry(app)
    },
  }
}
