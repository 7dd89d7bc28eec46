// Joins the wings of the server, in the order in which requests pass through them.
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { type ArtifactsOptions, createArtifacts } from './artifacts/artifacts.ts'
import type { LocationPolicy } from './artifacts/stores/locations.ts'
import { createGenai } from './genai/genai.ts'
import { createLifecycle, type LifecycleOptions } from './lifecycle/lifecycle.ts'
import type { Engine } from './platform/database/engine.ts'
import { healthEndpoints, MLFLOW_VERSION } from './platform/http/health.ts'
import { createHttp } from './platform/http/http.ts'
import { mount } from './platform/http/route.ts'
import type { ShellOptions } from './platform/http/shell.ts'
import { type Clock, systemClock } from './platform/wire/ids.ts'
import { createRegistry } from './registry/registry.ts'
import { createTracking } from './tracking/tracking.ts'
import { createWeb, type WebDeps } from './web/web.ts'
import type { WebhookConfig } from './webhook-config.ts'

export interface AppDeps
  extends Partial<Pick<WebDeps, 'ui' | 'console' | 'graphql' | 'sql'>>,
    LifecycleOptions {
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

const BARE: ShellOptions = { staticPrefix: '', security: undefined, metrics: false, documentation: false }

/** Builds the server without listening. Makes the default experiment when it is missing. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const { engine, locations, clock = systemClock, shell = BARE } = deps
  const { only: artifactsOnly } = deps.artifacts
  const app = await createHttp({
    shell,
    artifactsOnly,
    logger: deps.logger,
    searchesAtOnce: engine.searchesAtOnce,
  })

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
  const lifecycle = createLifecycle({
    ...deps,
    clock,
    log: app.log,
    events: registry.events,
    tracking: tracking.removal,
    genai: genai.removal,
    aging: { ...tracking.aging, ...genai.aging, getExperiment: experiments.requireRow },
    locateFiles: artifacts.locateDoomed,
    parseExperimentId: experiments.parseId,
  })
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

  mount(app, [
    ...tracking.endpoints,
    ...registry.endpoints,
    ...genai.endpoints,
    ...lifecycle.endpoints,
    ...web.endpoints,
  ])
  if (!artifactsOnly) registry.deliverWhileListening(app)
  if (!artifactsOnly) lifecycle.workWhileListening(app)
  artifacts.register(app)
  const ping = artifactsOnly ? async () => {} : engine.ping
  mount(app, [...tracking.promptlabEndpoints, ...healthEndpoints({ ping, multipart: artifacts.multipart })])
  await web.register(app)
  await deps.prepared
  if (!artifactsOnly) await experiments.ensureDefault()
  return app
}
