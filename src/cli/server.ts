// `crateflow server`: opens the database, builds the app, listens, and stops without losing anything.
import type { Logger } from 'pino'
import {
  type ArtifactConfig,
  ArtifactConfigSchema,
  type Environment,
  type Flags,
  readConfig,
  type ServerConfig,
  ServerConfigSchema,
  silenceAwsSdk,
} from '../config.ts'
import { reasonOf } from '../errors.ts'
import type { Tracing } from '../platform/active-span.ts'
import type { Engine } from '../platform/database/engine.ts'
import { describeTarget, parseBackendUri } from '../platform/database/uri.ts'
import { TracingConfigSchema, tracingTarget } from '../tracing-config.ts'
import { hasConsole, openConsole } from '../web/console/folder.ts'
import { type WebhookConfig, WebhookConfigSchema } from '../webhook-config.ts'
import { layoutOf, openEngineAt, untilAvailable } from './database.ts'
import { asUsage, EXIT, UsageError } from './errors.ts'
import { createLog } from './log.ts'
import { checkSurroundings, listenError } from './preflight.ts'
import { listenForStop, type StopSignal } from './signals.ts'
import { s3Options, storageDeps } from './storage.ts'
import { openServerTracing } from './tracing.ts'
import { linkToPrimary, type PrimaryLink } from './worker.ts'

/** The server's app, as far as this file needs it. */
type App = Awaited<ReturnType<typeof import('../app.ts')['buildApp']>>

/**
 * Runs the server until it is told to stop: in this process, in several workers, or as one of those workers.
 * @param warnings lines to log before anything else
 * @returns the exit code: 0 after a graceful stop, 1 when requests had to be cut off
 * @throws UsageError, or what kept the server from starting
 */
export async function runServer(
  flags: Flags,
  env: Environment,
  warnings: readonly string[],
): Promise<number> {
  const { config, artifacts, webhooks, traces } = readServerConfig(flags, env)
  silenceAwsSdk()
  const stop = listenForStop()
  const primary = linkToPrimary(stop)
  const log = createServerLog(config, primary)
  // After an error that nobody caught, nothing is certain: the log gets it whole, and the program ends.
  process.once('uncaughtException', (error) => {
    log.fatal({ err: error }, 'Unexpected error')
    process.exit(EXIT.failure)
  })
  endInTime(stop, { config, primary, log })
  const workers = workerCount(config)
  const setup: Setup = { config, artifacts, webhooks, traces, env, log, stop, primary, workers }
  try {
    if (primary) return await serve(setup)
    for (const warning of [
      ...warnings,
      ...securityWarnings(config),
      ...workerWarnings(setup),
      ...storeWarnings(config),
      ...(traces.warning === undefined ? [] : [traces.warning]),
    ])
      log.warn(warning)
    await checkSurroundings({
      host: config.host,
      port: config.port,
      destination: config.serveArtifacts ? config.artifactsDestination : undefined,
      s3: s3Options(artifacts),
      log,
    })
    return await (setup.workers > 1 ? serveByWorkers(setup) : serve(setup))
  } catch (error) {
    if (stop.signal.aborted) return EXIT.ok
    if (!primary) throw error
    primary.fail(reasonOf(error))
    return EXIT.failure
  } finally {
    stop.release()
    primary?.leave()
  }
}

/** What cut off requests and the closing of the database may take; a worker shall end before its primary process. */
const CLOSE_MS = 2_000
const WORKER_CLOSE_MS = 1_000

/** The process ends in the time that was promised, even if the database does not let go of it. */
function endInTime(
  stop: StopSignal,
  { config, primary, log }: Pick<Setup, 'config' | 'primary' | 'log'>,
): void {
  const seconds = config.shutdownTimeoutSeconds
  stop.endWithin(seconds * 1000 + (primary ? WORKER_CLOSE_MS : CLOSE_MS), () =>
    log.error(`Not everything ended within ${seconds} s; what is left is given up`),
  )
}

interface Setup {
  config: ServerConfig
  artifacts: ArtifactConfig
  webhooks: WebhookConfig
  traces: ReturnType<typeof tracingTarget>
  env: Environment
  log: Logger
  stop: StopSignal
  /** Of a worker, the line to the process that began it. */
  primary: PrimaryLink | undefined
  /** How many processes serve. */
  workers: number
}

function createServerLog(config: ServerConfig, primary: PrimaryLink | undefined): Logger {
  const log = createLog({
    level: config.logLevel,
    format: config.logFormat ?? (process.stderr.isTTY ? 'pretty' : 'json'),
  })
  return primary ? log.child({ worker: primary.id }) : log
}

const targetOf = (config: ServerConfig) => asUsage(() => parseBackendUri(config.backendStoreUri))

const isEmbedded = (config: ServerConfig) => !config.artifactsOnly && targetOf(config).engine === 'pglite'

/** One for the embedded database, which has one owner; never more than there are connections to share out. */
function workerCount(config: ServerConfig): number {
  if (isEmbedded(config)) return 1
  return config.artifactsOnly ? config.workers : Math.min(config.workers, config.dbPoolSize)
}

function workerWarnings({ config, workers }: Setup): string[] {
  if (config.workers === workers) return []
  const why = isEmbedded(config)
    ? 'the embedded database has one owner'
    : '--db-pool-size leaves each of them one connection'
  return [`${config.workers} workers were asked for, ${workers} will serve: ${why}.`]
}

function storeWarnings(config: ServerConfig): string[] {
  if (config.artifactsOnly) return []
  const target = targetOf(config)
  if (target.engine !== 'pglite' || target.folder !== '') return []
  return [
    'The store is in memory and ends with the server. To keep it, name a folder: pglite:./crateflow-data.',
  ]
}

/** Runs as the primary process: prepares the database and leaves all else to the workers. */
async function serveByWorkers(setup: Setup): Promise<number> {
  const { config, log, stop, workers } = setup
  const { runCluster } = await import('./cluster.ts')
  const ui = await openUi(setup)
  return runCluster({
    count: workers,
    log,
    stop,
    args: process.argv.slice(2),
    prepare: async () => {
      const engine = await openEngineOf({ config: { ...config, dbPoolSize: 1 }, log, stop })
      try {
        await prepareDatabase(engine, { config, log, stop })
      } finally {
        await engine.close()
      }
    },
    announce: (port) => announce(config, port),
    aside: async () => {
      const reason = await ui?.fetchMissing()
      return reason === undefined ? undefined : { type: 'uiFailed', reason }
    },
    shutdownTimeoutSeconds: config.shutdownTimeoutSeconds,
  })
}

/** @throws UsageError for values that contradict each other or ask for what the server does not do */
export function readServerConfig(flags: Flags, env: Environment) {
  const config = asUsage(() => readConfig(ServerConfigSchema, flags, env))
  const artifacts = asUsage(() => readConfig(ArtifactConfigSchema, {}, env))
  const webhooks = asUsage(() => readConfig(WebhookConfigSchema, {}, env))
  const traces = asUsage(() => tracingTarget(readConfig(TracingConfigSchema, {}, env)))
  if (config.registryStoreUri !== undefined && config.registryStoreUri !== config.backendStoreUri) {
    throw new UsageError('--registry-store-uri must be left out or equal --backend-store-uri.')
  }
  if (config.artifactsOnly && flags.backendStoreUri !== undefined) {
    throw new UsageError('--artifacts-only opens no database: leave --backend-store-uri out.')
  }
  if (config.artifactsOnly && !config.serveArtifacts) {
    throw new UsageError('--artifacts-only and --no-serve-artifacts leave nothing to serve.')
  }
  checkSqlPort(config)
  if (!config.serveArtifacts && config.defaultArtifactRoot === undefined) {
    throw new UsageError(
      '--no-serve-artifacts needs --default-artifact-root: a location that all clients reach themselves.',
    )
  }
  return { config, artifacts, webhooks, traces }
}

/** @throws UsageError for a port that has nothing to answer from, or that others reach without a password */
function checkSqlPort(config: ServerConfig): void {
  if (config.sqlPort === undefined) return
  if (!isEmbedded(config))
    throw new UsageError(
      '--sql-port is for the embedded database: CrateDB and PostgreSQL answer SQL at a port of their own, the one in --backend-store-uri.',
    )
  if (config.sqlPassword === undefined && !isLoopback(config.sqlHost))
    throw new UsageError('--sql-host lets other machines ask: set a password in CRATEFLOW_SQL_PASSWORD.')
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host)

export function securityWarnings(config: ServerConfig): string[] {
  if (config.disableSecurityMiddleware)
    return ['Security checks are disabled: any host and any web page is answered.']
  return [
    config.allowedHosts?.includes('*') ? 'All hosts are accepted: DNS rebinding attacks are possible.' : '',
    config.corsAllowedOrigins?.includes('*')
      ? 'All origins are allowed: any web page can read and write the data.'
      : '',
  ].filter(Boolean)
}

type Opening = Pick<Setup, 'config' | 'log' | 'stop'> & Partial<Pick<Setup, 'primary' | 'workers'>>

async function openEngineOf({ config, workers = 1 }: Opening): Promise<Engine> {
  if (config.artifactsOnly) return (await import('../platform/database/absent.ts')).absentEngine()
  return openEngineAt(targetOf(config), { ...config, dbPoolSize: Math.floor(config.dbPoolSize / workers) })
}

/** Waits for the database, and migrates it unless the primary process has. */
async function prepareDatabase(engine: Engine, { config, log, stop, primary }: Opening): Promise<void> {
  if (config.artifactsOnly) return
  const target = targetOf(config)
  const wait = { config, target, log, signal: stop.signal }
  if (primary) {
    await primary.mayOpen
    return untilAvailable(engine, wait)
  }
  log.info(`Opening ${describeTarget(target)}`)
  const { migrate, requireMigrated } = await import('../platform/database/migrate.ts')
  await untilAvailable(engine, wait, async () => {
    if (!config.migrate) return requireMigrated(engine, layoutOf(config))
    const applied = await migrate(engine, layoutOf(config))
    for (const { version, name } of applied) log.info(`Applied migration ${version} ${name}`)
    log.info(`Using ${describeTarget(target)}`)
  })
}

/** Loaded when wanted: a server without the web UI needs none of it. */
async function openUi({ config, env, log, stop, primary }: Setup) {
  if (!config.ui || config.artifactsOnly) return undefined
  const { openServerUi } = await import('./server-ui.ts')
  return openServerUi({ config, env, log, signal: stop.signal, failure: primary?.uiFailure })
}

async function serve(setup: Setup): Promise<number> {
  const { config, log, stop, primary } = setup
  const ui = await openUi(setup)
  const tracing = await openServerTracing(setup.traces.endpoint, log)
  const engine = await openEngineOf(setup)
  // The database starts while the app is loaded and built, which waits for it at the end.
  const prepared = prepareDatabase(engine, setup)
  prepared.catch(() => {})
  try {
    const { buildApp } = await import('../app.ts')
    const pages = { ui: ui?.source, console: config.artifactsOnly ? undefined : openConsole() }
    const app = await buildApp({ ...(await appDeps(setup, tracing)), engine, prepared, ...pages })
    stop.signal.throwIfAborted()
    await app.listen({ host: config.host, port: config.port })
    const sqlPort = await listenForSql(engine, config)
    if (!primary) announce(config, portOf(app))
    if (sqlPort)
      process.stdout.write(`SQL: psql -h ${config.sqlHost} -p ${sqlPort.port} -U crateflow crateflow\n`)
    const fetching = ui?.fetchMissing()
    await stop.stopped
    await fetching
    const lifecycle = primary ? 'debug' : 'info'
    log[lifecycle]('Stopping: running requests may end')
    await sqlPort?.close()
    const code = await closeGracefully(app, config.shutdownTimeoutSeconds, log)
    log[lifecycle]('Stopped')
    return code
  } catch (error) {
    throw listenError(error, config)
  } finally {
    await Promise.all([engine.close(), tracing?.close()])
  }
}

async function listenForSql(engine: Engine, config: ServerConfig) {
  const { sqlPort: port, sqlHost: host, sqlPassword: password } = config
  if (port === undefined) return undefined
  try {
    return await engine.listenForSql({ host, port, password, timeoutMs: sqlTimeoutMs(config) })
  } catch (error) {
    throw new Error(`--sql-port ${port} cannot be opened: ${reasonOf(error)}`, { cause: error })
  }
}

async function appDeps({ config, artifacts, webhooks, log, primary }: Setup, tracing: Tracing | undefined) {
  return {
    ...(await storageDeps(config, artifacts)),
    gcOlderThan: config.gcOlderThan,
    retentionSchedule: config.retentionSchedule,
    retentionTables: config.retentionTables,
    webhooks,
    graphql: { maxRootFields: config.graphqlMaxRootFields, maxAliases: config.graphqlMaxAliases },
    sql: { access: config.sqlAccess, timeoutMs: sqlTimeoutMs(config) },
    shell: {
      staticPrefix: config.staticPrefix ?? '',
      security: config.disableSecurityMiddleware
        ? undefined
        : {
            allowedHosts: config.allowedHosts ?? [],
            allowedOrigins: config.corsAllowedOrigins ?? [],
            xFrameOptions: config.xFrameOptions,
            uiExternalContent: config.uiExternalContent,
          },
      metrics: config.exposePrometheus !== undefined,
      collectMetrics: primary?.metrics,
      tracing,
      documentation: true,
    },
    logger: log,
  }
}

/** What the embedded database does for one, all else waits for. */
const EMBEDDED_SQL_SECONDS = 5

function sqlTimeoutMs(config: ServerConfig): number {
  const { statementTimeoutSeconds: most } = config
  return Math.min(config.sqlTimeoutSeconds ?? (isEmbedded(config) ? EMBEDDED_SQL_SECONDS : most), most) * 1000
}

function portOf(app: App): number {
  const address = app.server.address()
  return typeof address === 'object' && address ? address.port : 0
}

/** Tells on stdout where the server is, ready to be pasted. */
function announce(config: ServerConfig, port: number): void {
  const { host, staticPrefix = '' } = config
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  const url = `http://${reached}:${port}${staticPrefix}`
  const pages = !config.artifactsOnly && hasConsole() ? `Console: ${url}/crateflow\n` : ''
  process.stdout.write(`Crateflow listens on ${url}\n${pages}export MLFLOW_TRACKING_URI=${url}\n`)
}

/** Takes no more connections and waits for running requests; what is left after the time is cut off. */
async function closeGracefully(app: App, timeoutSeconds: number, log: Logger): Promise<number> {
  let code: number = EXIT.ok
  const timer = setTimeout(() => {
    log.warn(`Requests did not end within ${timeoutSeconds} s and are cut off`)
    code = EXIT.failure
    app.server.closeAllConnections()
  }, timeoutSeconds * 1000)
  // A connection that becomes idle later would be kept for the next request, which is never answered.
  const sweep = setInterval(() => app.server.closeIdleConnections(), 100)
  await app.close()
  clearTimeout(timer)
  clearInterval(sweep)
  return code
}
