// The web wing: the pages of MLflow's UI, the GraphQL that they ask besides REST, the console, and SQL for people.
import type { FastifyInstance } from 'fastify'
import type { Engine } from '../platform/database/engine.ts'
import type { ConsoleFolder } from './console/folder.ts'
import type { DocumentLimits } from './graphql/documents.ts'
import type { Sources } from './graphql/resolvers.ts'
import { graphqlEndpoints } from './graphql/routes.ts'
import { createGraphqlService } from './graphql/service.ts'
import { sqlEndpoints } from './sql/routes.ts'
import { createSqlService, type SqlLimits } from './sql/service.ts'
import type { UiSource } from './ui/source.ts'
import { registerUiTelemetry } from './ui/telemetry.routes.ts'

const DEFAULT_LIMITS: DocumentLimits = { maxRootFields: 10, maxAliases: 10 }

const DEFAULT_SQL: SqlLimits = { access: 'loopback', timeoutMs: 5_000 }

export interface WebDeps {
  /** What SQL of people is asked of. */
  engine: Engine
  /** What GraphQL asks of the other wings. */
  sources: Sources
  /** Absent: the defaults of its settings. */
  graphql?: DocumentLimits | undefined
  /** Absent: the defaults of its settings. */
  sql?: SqlLimits | undefined
  /** Absent: no web UI, the API alone. */
  ui?: UiSource | undefined
  /** Absent: no console. */
  console?: ConsoleFolder | undefined
  /** Path in front of every path; empty for none. */
  staticPrefix: string
}

export function createWeb(deps: WebDeps) {
  const { engine, sources, graphql = DEFAULT_LIMITS, sql = DEFAULT_SQL, ui, staticPrefix } = deps
  const queries = createGraphqlService(sources, graphql)
  return {
    endpoints: [...graphqlEndpoints(queries), ...sqlEndpoints(createSqlService(engine, sql))],
    register: async (app: FastifyInstance) => {
      // Loaded when wanted, as the documentation is.
      if (ui) await (await import('./ui/routes.ts')).registerUi(app, { ui, staticPrefix })
      if (deps.console) {
        const { registerConsole } = await import('./console/routes.ts')
        await registerConsole(app, { folder: deps.console, hasUi: ui !== undefined })
      }
      registerUiTelemetry(app)
      app.addHook('onListen', async () => {
        await queries.load()
        app.log.debug('GraphQL is loaded')
      })
    },
  }
}
