// Joins the wings of the server, in the order in which requests pass through them.
import fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { type ArtifactsOptions, createArtifacts } from './artifacts/artifacts.ts'
import type { LocationPolicy } from './artifacts/stores/locations.ts'
import type { WebhookConfig } from './config.ts'
import { createGenai } from './genai/genai.ts'
import type { Engine } from './platform/database/engine.ts'
import { registerAbandonedRequests } from './platform/http/abandoned-requests.ts'
import { refuseTracking } from './platform/http/artifacts-only.ts'
import { registerErrorHandler } from './platform/http/error-handler.ts'
import { healthEndpoints, MLFLOW_VERSION } from './platform/http/health.ts'
import { registerJsonBody } from './platform/http/json-body.ts'
import { parseQuery } from './platform/http/query.ts'
import { mount } from './platform/http/route.ts'
import { registerShell, type ShellOptions, shellServerOptions } from './platform/http/shell.ts'
import { type Clock, systemClock } from './platform/wire/ids.ts'
import { createRegistry } from './registry/registry.ts'
import { createTracking } from './tracking/tracking.ts'
import { createWeb, type WebDeps } from './web/web.ts'

export interface AppDeps extends Partial<Pick<WebDeps, 'ui' | 'graphql' | 'sql'>> {
  /** Whoever opened it closes it. */
  engine: Engine
  /** Resolves when the engine's schema is migrated. Absent: it is. */
  prepared?: Promise<void>
  /** Root URI for artifacts of experiments without a location of their own. */
  defaultArtifactRoot: string
  locations: LocationPolicy
  artifacts: ArtifactsOptions
  /** Absent: the defaults of its settings. */
  webhooks?: WebhookConfig
  /** Hosts, origins, prefix, metrics, documentation. Absent: none of them. */
  shell?: ShellOptions
  logger?: FastifyBaseLogger
  clock?: Clock
}

/** Bytes of a JSON body at most; the largest message is a dataset with a profile of 16 MiB. */
const BODY_LIMIT = 64 * 1024 * 1024
const BARE: ShellOptions = { staticPrefix: '', security: undefined, metrics: false, documentation: false }

/** Builds the server without listening. Makes the default experiment when it is missing. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const { engine, locations, clock = systemClock, shell = BARE } = deps
  const app = await createHttp(deps, shell)

  const tracking = createTracking({
    engine,
    clock,
    defaultArtifactRoot: deps.defaultArtifactRoot,
    validateNewLocation: locations.validateNew,
    writeArtifact: (...file) => artifacts.writeText(...file),
    mlflowVersion: MLFLOW_VERSION,
  })
  const { experiments, runs, datasets, loggedModels, metrics, locateRun: getRun } = tracking
  const registry = createRegistry({
    engine,
    clock,
    log: app.log,
    webhooks: deps.webhooks,
    getRun,
    getLoggedModel: loggedModels.requireActive,
    linkVersion: loggedModels.linkVersion,
    validateModelSource: locations.validateModelSource,
  })
  const artifacts = createArtifacts({
    ...deps.artifacts,
    locations,
    getRun,
    getLoggedModelLocation: loggedModels.artifactLocation,
    getModelVersionLocation: registry.artifactLocation,
  })
  const genai = createGenai({ engine, clock, experiments, getRun, files: artifacts.files })
  const web = createWeb({
    ...deps,
    staticPrefix: shell.staticPrefix,
    sources: {
      getExperiment: experiments.get,
      findExperiments: experiments.find,
      getRun: runs.get,
      searchRuns: runs.search,
      searchModelVersions: registry.searchVersions,
      searchDatasets: datasets.search,
      getHistories: metrics.getHistoryBulkInterval,
      listArtifacts: artifacts.listInRun,
    },
  })

  mount(app, [...tracking.endpoints, ...registry.endpoints, ...genai.endpoints, ...web.endpoints])
  if (!deps.artifacts.only) registry.deliverWhileListening(app)
  artifacts.register(app)
  const ping = deps.artifacts.only ? async () => {} : engine.ping
  mount(app, [...tracking.promptlabEndpoints, ...healthEndpoints({ ping, multipart: artifacts.multipart })])
  await web.register(app)
  await deps.prepared
  if (!deps.artifacts.only) await experiments.ensureDefault()
  return app
}

/** What surrounds every endpoint. */
async function createHttp(deps: AppDeps, shell: ShellOptions): Promise<FastifyInstance> {
  const app = fastify({
    ...shellServerOptions(shell),
    loggerInstance: deps.logger,
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 4096, querystringParser: parseQuery },
    ajv: { customOptions: { strict: false } },
  })
  // Messages are read by wire/message.ts with MLflow's texts; the schemas of routes are documentation.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)
  registerAbandonedRequests(app, deps.engine.searchesAtOnce)
  registerErrorHandler(app)
  registerJsonBody(app)
  await registerShell(app, shell)
  if (deps.artifacts.only) refuseTracking(app)
  return app
}
