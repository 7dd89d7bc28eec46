// Every setting of the program: its flag, environment variable, type and default. The only reader of process.env.
import { z } from 'zod'
import { invalidParameter } from './errors.ts'
import {
  age,
  environmentText,
  flag,
  list,
  longFlag,
  pattern,
  settingOf,
  settings,
  staticPrefix,
  text,
  textByName,
  whole,
} from './settings.ts'

/** Flag values by field, as the command line gives them: text, or a boolean for flags without a value. */
export type Flags = Readonly<Record<string, string | boolean | undefined>>
export type Environment = Readonly<Record<string, string | undefined>>

const DATA = './crateflow-data'

/** Where the data are and how the database is used. Shared by `server` and `db`. */
export const DatabaseConfigSchema = z.object({
  backendStoreUri: text().default(`pglite:${DATA}/store`).register(settings, {
    group: 'Storage',
    flags: '--backend-store-uri <uri>',
    env: 'MLFLOW_BACKEND_STORE_URI',
    help: 'Where experiments, runs and models are stored: pglite:<folder>, cratedb://user@host:5432/?schema=mlflow or postgresql://user@host:5432/database.',
  }),
  dbPoolSize: whole(1, 1000).default(10).register(settings, {
    group: 'Storage',
    flags: '--db-pool-size <n>',
    env: 'CRATEFLOW_DB_POOL_SIZE',
    help: 'Connections to CrateDB or PostgreSQL at most, shared out evenly among the workers.',
  }),
  dbWaitSeconds: whole(0, 86_400).default(60).register(settings, {
    group: 'Storage',
    flags: '--db-wait <seconds>',
    env: 'CRATEFLOW_DB_WAIT',
    help: 'How long to wait at start for a database that does not answer yet.',
  }),
  embeddedSync: z.enum(['on', 'off']).default('on').register(settings, {
    group: 'Storage',
    flags: '--embedded-sync <mode>',
    env: 'CRATEFLOW_EMBEDDED_SYNC',
    help: 'on or off: whether the embedded database has each write on the disk before it is acknowledged. Off is faster, and a power cut may then destroy the store.',
  }),
  cratedbShards: whole(1, 1000).default(4).register(settings, {
    group: 'Storage',
    flags: '--cratedb-shards <n>',
    env: 'CRATEFLOW_CRATEDB_SHARDS',
    help: 'Shards of the big tables when they are created on CrateDB.',
  }),
  cratedbReplicas: text()
    .regex(/^\d{1,2}(-(\d{1,2}|all))?$/, 'must read like 1 or 0-1')
    .default('0-1')
    .register(settings, {
      group: 'Storage',
      flags: '--cratedb-replicas <n>',
      env: 'CRATEFLOW_CRATEDB_REPLICAS',
      help: 'Replicas of tables when they are created on CrateDB, a number or a range.',
    }),
  sqlViews: z.enum(['on', 'off']).default('on').register(settings, {
    group: 'Storage',
    flags: '--sql-views <mode>',
    env: 'CRATEFLOW_SQL_VIEWS',
    help: 'on or off: whether tables are made with the views for SQL. Off where several servers share a CrateDB cluster: it reads the views of all schemas with each write.',
  }),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info').register(settings, {
    group: 'Operation',
    flags: '--log-level <level>',
    env: 'CRATEFLOW_LOG_LEVEL',
    help: 'Least level of log lines: trace, debug, info, warn, error or fatal.',
  }),
})

export type DatabaseConfig = z.output<typeof DatabaseConfigSchema>

const python = () =>
  text().optional().register(settings, {
    group: 'Web UI',
    env: 'CRATEFLOW_PYTHON',
    help: 'Python with the pip that fetches the web UI (default: the first of python3, python, pip3 and pip that works).',
  })

export const ServerConfigSchema = DatabaseConfigSchema.extend({
  registryStoreUri: text().optional().register(settings, {
    group: 'Storage',
    flags: '--registry-store-uri <uri>',
    env: 'MLFLOW_REGISTRY_STORE_URI',
    help: 'Registered models live in the backend store; anything else is refused.',
  }),
  defaultArtifactRoot: text().optional().register(settings, {
    group: 'Storage',
    flags: '--default-artifact-root <uri>',
    env: 'MLFLOW_DEFAULT_ARTIFACT_ROOT',
    help: 'Root of the artifacts of new experiments (default: mlflow-artifacts:/, which is this server; required with --no-serve-artifacts).',
  }),
  serveArtifacts: flag(true).register(settings, {
    group: 'Storage',
    flags: '--no-serve-artifacts',
    env: 'MLFLOW_SERVE_ARTIFACTS',
    help: 'Leave artifact up- and downloads to the clients.',
  }),
  artifactsDestination: text().default(`${DATA}/artifacts`).register(settings, {
    group: 'Storage',
    flags: '--artifacts-destination <uri>',
    env: 'MLFLOW_ARTIFACTS_DESTINATION',
    help: 'Where served artifacts are stored: a folder or s3://bucket/prefix.',
  }),
  artifactsOnly: flag(false).register(settings, {
    group: 'Storage',
    flags: '--artifacts-only',
    env: 'MLFLOW_ARTIFACTS_ONLY',
    help: 'Serve artifacts and nothing else; opens no database.',
  }),
  migrate: flag(true).register(settings, {
    group: 'Storage',
    flags: '--no-migrate',
    env: 'CRATEFLOW_MIGRATE',
    help: 'Do not create or alter tables at start; end when migrations are pending.',
  }),
  statementTimeoutSeconds: whole(1, 86_400).default(60).register(settings, {
    group: 'Storage',
    flags: '--statement-timeout <seconds>',
    env: 'CRATEFLOW_STATEMENT_TIMEOUT',
    help: 'How long the database may work on one statement of a request that may read a lot, such as a search or a history; then it is ended and answered with 504.',
  }),
  sqlAccess: z.enum(['loopback', 'all', 'off']).default('loopback').register(settings, {
    group: 'Security',
    flags: '--sql <who>',
    env: 'CRATEFLOW_SQL',
    help: 'Who may ask in SQL by HTTP (crateflow sql): clients on this machine (loopback), all, or none (off).',
  }),
  retentionTables: z.enum(['loopback', 'all', 'off']).default('loopback').register(settings, {
    group: 'Security',
    flags: '--retention-tables <who>',
    env: 'CRATEFLOW_RETENTION_TABLES',
    help: 'Who may make and change retention policies about tables, and materialized views: clients on this machine (loopback), all, or none (off).',
  }),
  sqlTimeoutSeconds: whole(1, 86_400).optional().register(settings, {
    group: 'Storage',
    flags: '--sql-timeout <seconds>',
    env: 'CRATEFLOW_SQL_TIMEOUT',
    help: 'How long the database may work on a statement that somebody wrote in SQL, never longer than --statement-timeout (default: 5 on the embedded database, where all else waits meanwhile; else --statement-timeout).',
  }),
  sqlPort: whole(0, 65_535).optional().register(settings, {
    group: 'Network',
    flags: '--sql-port <n>',
    env: 'CRATEFLOW_SQL_PORT',
    help: "Port at which the embedded database answers SQL that reads, in PostgreSQL's wire protocol; 0 for any that is free (default: none).",
  }),
  sqlHost: text().min(1).default('127.0.0.1').register(settings, {
    group: 'Network',
    flags: '--sql-host <host>',
    env: 'CRATEFLOW_SQL_HOST',
    help: 'Interface of --sql-port; any but this machine itself wants CRATEFLOW_SQL_PASSWORD.',
  }),
  sqlPassword: text().optional().register(settings, {
    group: 'Security',
    env: 'CRATEFLOW_SQL_PASSWORD',
    help: 'Password that clients of --sql-port have to know (default: none is asked for).',
  }),
  host: text().min(1).default('127.0.0.1').register(settings, {
    group: 'Network',
    flags: '-h, --host <host>',
    env: 'MLFLOW_HOST',
    help: 'Interface to listen on; 0.0.0.0 for all.',
  }),
  port: whole(0, 65_535).default(5000).register(settings, {
    group: 'Network',
    flags: '-p, --port <n>',
    env: 'MLFLOW_PORT',
    help: 'Port to listen on; 0 for any that is free.',
  }),
  workers: whole(1, 1024).default(1).register(settings, {
    group: 'Network',
    flags: '-w, --workers <n>',
    env: 'MLFLOW_WORKERS',
    help: 'Processes that serve clients on one port; always 1 with the embedded database.',
  }),
  staticPrefix: staticPrefix().optional().register(settings, {
    group: 'Network',
    flags: '--static-prefix <path>',
    env: 'MLFLOW_STATIC_PREFIX',
    help: 'Path in front of every path of the server, such as /mlflow.',
  }),
  shutdownTimeoutSeconds: whole(0, 86_400).default(30).register(settings, {
    group: 'Network',
    flags: '--shutdown-timeout <seconds>',
    env: 'CRATEFLOW_SHUTDOWN_TIMEOUT',
    help: 'How long running requests may take to end after SIGTERM or SIGINT; two seconds later the process ends, whatever it waits for.',
  }),
  ui: flag(true).register(settings, {
    group: 'Web UI',
    flags: '--no-ui',
    env: 'CRATEFLOW_UI',
    help: 'Serve the API without the web UI, and fetch none.',
  }),
  uiDir: text().optional().register(settings, {
    group: 'Web UI',
    flags: '--ui-dir <folder>',
    env: 'CRATEFLOW_UI_DIR',
    help: 'Folder of a built web UI to serve, such as mlflow/server/js/build of a stock installation (default: one that pip fetches at the first start, kept in the cache folder of the user).',
  }),
  python: python(),
  uiExternalContent: flag(false).register(settings, {
    group: 'Web UI',
    flags: '--ui-external-content',
    env: 'CRATEFLOW_UI_EXTERNAL_CONTENT',
    help: 'Let notes and HTML artifacts in the web UI load pictures, scripts and styles from other sites by https.',
  }),
  allowedHosts: list().optional().register(settings, {
    group: 'Security',
    flags: '--allowed-hosts <list>',
    env: 'MLFLOW_SERVER_ALLOWED_HOSTS',
    help: "Host names that are taken, on any port unless one is named, separated by commas, with * as wildcard (default: localhost and private IPs). '*' takes all.",
  }),
  corsAllowedOrigins: list().optional().register(settings, {
    group: 'Security',
    flags: '--cors-allowed-origins <list>',
    env: 'MLFLOW_SERVER_CORS_ALLOWED_ORIGINS',
    help: "Web origins that may call the API, separated by commas (default: localhost on any port). '*' allows all.",
  }),
  xFrameOptions: text().default('SAMEORIGIN').register(settings, {
    group: 'Security',
    flags: '--x-frame-options <value>',
    env: 'MLFLOW_SERVER_X_FRAME_OPTIONS',
    help: 'X-Frame-Options header: SAMEORIGIN, DENY, or NONE for no header.',
  }),
  disableSecurityMiddleware: flag(false).register(settings, {
    group: 'Security',
    flags: '--disable-security-middleware',
    env: 'MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE',
    help: 'Check neither hosts nor origins. Dangerous: for tests only.',
  }),
  graphqlMaxRootFields: whole(1, 1000).default(10).register(settings, {
    group: 'Security',
    env: 'MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS',
    help: 'Fields that one GraphQL query may ask for side by side at its root.',
  }),
  graphqlMaxAliases: whole(0, 1000).default(10).register(settings, {
    group: 'Security',
    env: 'MLFLOW_SERVER_GRAPHQL_MAX_ALIASES',
    help: 'Aliases that one GraphQL query may have side by side.',
  }),
  logFormat: z.enum(['pretty', 'json']).optional().register(settings, {
    group: 'Operation',
    flags: '--log-format <format>',
    env: 'CRATEFLOW_LOG_FORMAT',
    help: 'pretty or json (default: pretty on a terminal, else json).',
  }),
  exposePrometheus: text().optional().register(settings, {
    group: 'Operation',
    flags: '--expose-prometheus <folder>',
    env: 'MLFLOW_EXPOSE_PROMETHEUS',
    help: 'Serve metrics for Prometheus at /metrics. Nothing is written to the folder.',
  }),
  gcOlderThan: age().optional().register(settings, {
    group: 'Operation',
    flags: '--gc-older-than <age>',
    env: 'CRATEFLOW_GC_OLDER_THAN',
    help: 'Delete for good, every hour, what was marked as deleted so long ago, such as 30d (default: nothing). One of several servers does it.',
  }),
  retentionSchedule: flag(true).register(settings, {
    group: 'Operation',
    flags: '--no-retention-schedule',
    env: 'CRATEFLOW_RETENTION_SCHEDULE',
    help: 'Do not run retention policies and refresh materialized views when they are due: leave that to other servers, or to crateflow retention run.',
  }),
})

export type ServerConfig = z.output<typeof ServerConfigSchema>

/** Settings of `import`, `export` and `copy`: the store, and where artifacts go. */
export const MoveConfigSchema = DatabaseConfigSchema.extend({
  artifactsDestination: ServerConfigSchema.shape.artifactsDestination,
  defaultArtifactRoot: ServerConfigSchema.shape.defaultArtifactRoot,
})

export type MoveConfig = z.output<typeof MoveConfigSchema>

/** Settings of artifact storage that MLflow and the AWS tools read from the environment. */
export const ArtifactConfigSchema = z.object({
  s3Endpoint: environmentText('S3_ENDPOINT', 'Object store that is not Amazon S3, such as MinIO.'),
  mlflowS3Endpoint: environmentText('MLFLOW_S3_ENDPOINT_URL', 'The same, by its name in MLflow.'),
  awsRegion: environmentText('AWS_REGION', 'Region of the buckets.'),
  awsDefaultRegion: environmentText('AWS_DEFAULT_REGION', 'Region of the buckets.'),
  ignoreTls: flag(false).register(settings, {
    group: 'Storage',
    env: 'MLFLOW_S3_IGNORE_TLS',
    help: 'Take any TLS certificate of the object store.',
  }),
  expectedBucketOwner: environmentText(
    'MLFLOW_S3_EXPECTED_BUCKET_OWNER',
    'Account that must own the bucket.',
  ),
  uploadExtraArgs: textByName().optional().register(settings, {
    group: 'Storage',
    env: 'MLFLOW_S3_UPLOAD_EXTRA_ARGS',
    help: 'More fields of PutObject, as a JSON object.',
  }),
  allowedSchemes: list().default([]).register(settings, {
    group: 'Storage',
    env: 'MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES',
    help: 'Schemes of artifact locations that may name any host.',
  }),
  allowedFolders: list().default([]).register(settings, {
    group: 'Storage',
    env: 'CRATEFLOW_ALLOWED_ARTIFACT_FOLDERS',
    help: 'Folders besides the artifact destination that the server may read and write, separated by commas.',
  }),
  locationMaxLength: whole(1, 1_000_000).default(2048).register(settings, {
    group: 'Storage',
    env: 'MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH',
    help: 'Characters of an artifact location at most.',
  }),
  modelSources: pattern().optional().register(settings, {
    group: 'Storage',
    env: 'MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX',
    help: 'Regular expression that the source of a new model version has to match somewhere.',
  }),
  presignedDownloadSeconds: whole(1, 604_800).default(300).register(settings, {
    group: 'Storage',
    env: 'MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS',
    help: 'Life of signed download links in seconds.',
  }),
})

export type ArtifactConfig = z.output<typeof ArtifactConfigSchema>

/** Settings of `ui install`. */
export const UiConfigSchema = z.object({
  uiDir: text().optional().register(settings, {
    group: 'Web UI',
    flags: '--ui-dir <folder>',
    env: 'CRATEFLOW_UI_DIR',
    help: 'Folder to install into (default: one for the version, in the cache folder of the user).',
  }),
  python: python(),
})

export type UiConfig = z.output<typeof UiConfigSchema>

/** The environment of this process. */
export const processEnvironment = (): Environment => process.env

/** The AWS SDK warns in nine lines of releases of Node.js that its coming versions will not run on. Call it before it is loaded. */
export function silenceAwsSdk(): void {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
}

/**
 * Reads a configuration: a flag goes before its environment variable, that before the default. An empty variable
 * counts as absent.
 * @throws INVALID_PARAMETER_VALUE naming the flag or variable; its value is not repeated, it may hold a password
 */
export function readConfig<S extends z.ZodObject>(
  schema: S,
  flags: Flags,
  env: Environment = processEnvironment(),
): z.output<S> {
  const given: Record<string, string | boolean> = {}
  for (const [field, type] of Object.entries(schema.shape)) {
    const value = flags[field] ?? (env[settingOf(type).env] || undefined)
    if (value !== undefined) given[field] = value
  }
  const result = schema.safeParse(given)
  if (result.success) return result.data
  const problems = result.error.issues.map((issue) => {
    const field = String(issue.path[0])
    const setting = settingOf(schema.shape[field])
    const name = flags[field] === undefined ? setting.env : longFlag(setting)
    return `${name} ${problemText(issue)}`
  })
  throw invalidParameter(`${problems.join('; ')}.`)
}

function problemText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union') return 'must be true or false'
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`
  return issue.message
}
