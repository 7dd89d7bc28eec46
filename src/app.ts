// Joins the parts of the server: every room's endpoints, by name, in one list.
import fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { registerArtifactRoutes } from './artifacts/routes.ts'
import { createArtifactService } from './artifacts/service.ts'
import type { LocationPolicy } from './artifacts/stores/locations.ts'
import { createStoreOpener } from './artifacts/stores/open-store.ts'
import type { S3Options } from './artifacts/stores/s3-access.ts'
import { type WebhookConfig, WebhookConfigSchema } from './config.ts'
import type { Engine } from './database/engine.ts'
import { datasetEndpoints } from './datasets/routes.ts'
import { createDatasetService } from './datasets/service.ts'
import { experimentEndpoints } from './experiments/routes.ts'
import { createExperimentService } from './experiments/service.ts'
import { graphqlEndpoints } from './graphql/routes.ts'
import { createGraphqlService } from './graphql/service.ts'
import { registerAbandonedRequests } from './http/abandoned-requests.ts'
import { refuseTracking } from './http/artifacts-only.ts'
import { registerErrorHandler } from './http/error-handler.ts'
import { healthEndpoints, MLFLOW_VERSION } from './http/health.ts'
import { registerJsonBody } from './http/json-body.ts'
import { mount } from './http/route.ts'
import { registerShell, type ShellOptions, shellServerOptions } from './http/shell.ts'
import { registerUiTelemetry } from './http/ui-telemetry.ts'
import { loggedModelEndpoints } from './logged-models/routes.ts'
import { createLoggedModelService } from './logged-models/service.ts'
import { metricEndpoints } from './metrics/routes.ts'
import { createMetricService } from './metrics/service.ts'
import { createModelRegistry } from './model-registry/registry.service.ts'
import { rollbackEndpoints } from './model-registry/rollback.routes.ts'
import { registeredModelEndpoints } from './model-registry/routes.ts'
import { modelVersionEndpoints } from './model-registry/versions.routes.ts'
import { createRunWriter } from './runs/ingest.store.ts'
import { createLoggingService } from './runs/logging.service.ts'
import { promptlabEndpoints } from './runs/promptlab.routes.ts'
import { createPromptlabService } from './runs/promptlab.service.ts'
import { runEndpoints } from './runs/routes.ts'
import { createRunService } from './runs/service.ts'
import type { UiSource } from './ui/source.ts'
import { webhookEndpoints } from './webhooks/routes.ts'
import { createWebhooks } from './webhooks/webhooks.service.ts'
import { type Clock, systemClock } from './wire/ids.ts'

export interface AppDeps {
  /** Whoever opened it closes it. */
  engine: Engine
  /** Resolves when the engine's schema is migrated. Absent: it is. */
  prepared?: Promise<void>
  /** Root URI for artifacts of experiments without a location of their own. */
  defaultArtifactRoot: string
  locations: LocationPolicy
  artifacts: {
    /** Location behind the mlflow-artifacts endpoints; undefined when the server does not serve artifacts. */
    destination: string | undefined
    /** Serve artifacts only, no tracking. */
    only: boolean
    s3: S3Options
    /** Life of signed download links, in seconds. */
    presignedDownloadSeconds: number
  }
  /** Absent: the defaults of its settings. */
  webhooks?: WebhookConfig
  /** Absent: the defaults of its settings. */
  graphql?: { maxRootFields: number; maxAliases: number }
  /** Hosts, origins, prefix, metrics, documentation. Absent: none of them. */
  shell?: ShellOptions
  /** Absent: no web UI, the API alone. */
  ui?: UiSource
  logger?: FastifyBaseLogger
  clock?: Clock
}

/** Bytes of a JSON body at most; the largest message is a dataset with a profile of 16 MiB. */
const BODY_LIMIT = 64 * 1024 * 1024

const BARE: ShellOptions = { staticPrefix: '', security: undefined, metrics: false, documentation: false }

/** Builds the server without listening. Makes the default experiment when it is missing. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const { engine, clock = systemClock, shell = BARE } = deps
  const app = fastify({
    ...shellServerOptions(shell),
    loggerInstance: deps.logger,
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 4096 },
    ajv: { customOptions: { strict: false } },
  })
  // Messages are read by wire/message.ts with MLflow's texts; the schemas of routes are documentation.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)
  registerAbandonedRequests(app)
  registerErrorHandler(app)
  registerJsonBody(app)
  await registerShell(app, shell)
  if (deps.artifacts.only) refuseTracking(app)
  // Loaded when wanted, as the documentation is.
  if (deps.ui) {
    const { registerUi } = await import('./ui/routes.ts')
    await registerUi(app, { ui: deps.ui, staticPrefix: shell.staticPrefix })
  }

  const write = createRunWriter(engine)
  const experiments = createExperimentService({
    engine,
    clock,
    defaultArtifactRoot: deps.defaultArtifactRoot,
    locations: deps.locations,
  })
  const runs = createRunService({
    engine,
    clock,
    write,
    requireActiveExperiment: experiments.requireActive,
  })
  const datasets = createDatasetService({ engine, clock, requireActiveRun: runs.requireActive })
  const loggedModels = createLoggedModelService({
    engine,
    clock,
    requireActiveExperiment: experiments.requireActive,
  })
  const logging = createLoggingService({ engine, write, runs, logModelMetrics: loggedModels.logMetrics })

  mount(app, experimentEndpoints(experiments))
  mount(app, runEndpoints(runs, logging, datasets))
  const metrics = createMetricService({ engine })
  mount(app, metricEndpoints(metrics))
  mount(app, datasetEndpoints(datasets))
  mount(app, loggedModelEndpoints(loggedModels))

  const getRun = async (runId: string) => {
    const { experimentId, artifactUri } = await runs.requireRun(runId)
    return { runId, experimentId, artifactUri: artifactUri ?? '' }
  }
  const { webhooks, events, deliveries } = createWebhooks({
    engine,
    clock,
    log: app.log,
    config: deps.webhooks ?? WebhookConfigSchema.parse({}),
  })
  mount(app, webhookEndpoints(webhooks))
  if (!deps.artifacts.only) deliverWhileListening(app, deliveries)

  const registry = createModelRegistry({
    engine,
    clock,
    events,
    getRun,
    getLoggedModel: loggedModels.requireActive,
    linkVersion: loggedModels.linkVersion,
    validateModelSource: deps.locations.validateModelSource,
  })
  mount(app, registeredModelEndpoints(registry.models, registry.aliases))
  mount(app, modelVersionEndpoints(registry.versions, registry.stages))
  mount(app, rollbackEndpoints(registry.rollbacks))

  const { destination } = deps.artifacts
  const openStore = createStoreOpener(deps.artifacts.s3)
  const served = destination === undefined ? undefined : openStore(destination)
  const artifacts = createArtifactService({
    openStore,
    destination,
    locations: deps.locations,
    getRun,
    getLoggedModelLocation: loggedModels.artifactLocation,
    getModelVersionLocation: registry.artifactLocation,
    presignedDownloadSeconds: deps.artifacts.presignedDownloadSeconds,
  })
  const graphql = createGraphqlService(
    {
      getExperiment: experiments.get,
      findExperiments: experiments.find,
      getRun: runs.get,
      searchRuns: runs.search,
      searchModelVersions: registry.versions.search,
      searchDatasets: datasets.search,
      getHistories: metrics.getHistoryBulkInterval,
      listArtifacts: artifacts.listInRun,
    },
    deps.graphql ?? { maxRootFields: 10, maxAliases: 10 },
  )
  mount(app, graphqlEndpoints(graphql))
  registerArtifactRoutes(app, artifacts, { artifactsOnly: deps.artifacts.only })
  const promptlab = createPromptlabService({
    clock,
    runs,
    logging,
    writeArtifact: artifacts.writeText,
    mlflowVersion: MLFLOW_VERSION,
  })
  mount(app, promptlabEndpoints(promptlab))

  mount(
    app,
    healthEndpoints({
      ping: deps.artifacts.only ? async () => {} : engine.ping,
      multipart: { uploads: served?.multipart !== undefined, downloads: served?.presigning !== undefined },
    }),
  )

  registerUiTelemetry(app)

  await deps.prepared
  if (!deps.artifacts.only) await experiments.ensureDefault()
  return app
}

/** What running requests raise while the server closes is left to others, or to the next start. */
function deliverWhileListening(
  app: FastifyInstance,
  deliveries: { start: () => void; stop: () => Promise<void> },
): void {
  let stopped: Promise<void> | undefined
  app.addHook('onListen', async () => deliveries.start())
  app.addHook('preClose', async () => {
    stopped = deliveries.stop()
  })
  app.addHook('onClose', () => stopped)
}
