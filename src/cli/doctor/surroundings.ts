// What a server needs beside its database: settings that can be read, a port, artifacts that can be stored, the web UI.
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import { createStoreOpener } from '../../artifacts/stores/open-store.ts'
import type { ArtifactStore } from '../../artifacts/stores/store.ts'
import {
  ArtifactConfigSchema,
  type Environment,
  type Flags,
  type ServerConfig,
  ServerConfigSchema,
} from '../../config.ts'
import { reasonOf } from '../../errors.ts'
import { COMMAND, PACKAGE } from '../../package.ts'
import { MLFLOW_VERSION } from '../../platform/http/health.ts'
import { redactPasswords } from '../../platform/wire/redact.ts'
import { parseUri, unquote } from '../../platform/wire/uri.ts'
import { longFlag, settingOf } from '../../settings.ts'
import { TracingConfigSchema } from '../../tracing-config.ts'
import { cacheFolder, openUiFolder } from '../../web/ui/folder.ts'
import { WebhookConfigSchema } from '../../webhook-config.ts'
import { checkAddress } from '../preflight.ts'
import { type readServerConfig, securityWarnings } from '../server.ts'
import { s3Options } from '../storage.ts'
import { type Finding, failure, ok, warning } from './finding.ts'

export function checkNode(): Finding {
  const { engines } = JSON.parse(readFileSync(new URL('package.json', PACKAGE), 'utf8')) as {
    engines: { node: string }
  }
  const least = /\d+/.exec(engines.node)?.[0] ?? '0'
  const { node } = process.versions
  if (Number(node.split('.')[0]) >= Number(least)) return ok('Node.js', node)
  return failure('Node.js', `${node} is too old.`, `Install Node.js ${least} or newer.`)
}

const SCHEMAS = [ServerConfigSchema, ArtifactConfigSchema, WebhookConfigSchema, TracingConfigSchema]

export interface Given {
  flags: Flags
  env: Environment
  /** About flags of stock MLflow. */
  warnings: readonly string[]
}

/** Which settings were given, by name alone, and what a server would warn of. */
export function checkSettings(config: ServerConfig, { flags, env, warnings }: Given): Finding[] {
  const declared = SCHEMAS.flatMap(({ shape }) => Object.entries(shape))
  const given = declared.flatMap(([field, type]) => {
    const setting = settingOf(type)
    if (flags[field] !== undefined) return longFlag(setting)
    return env[setting.env] === undefined ? [] : setting.env
  })
  const known = new Set(declared.map(([, type]) => settingOf(type).env))
  const unknown = Object.keys(env).filter((name) => name.startsWith('CRATEFLOW_') && !known.has(name))
  const told = given.length > 0 ? `${[...new Set(given)].join(', ')}; all else by default` : 'all by default'
  return [
    ok('Settings', told),
    ...[...warnings, ...securityWarnings(config)].map((text) => warning('Settings', text)),
    ...unknown.map((name) =>
      warning('Settings', `${name} is no setting.`, 'Correct its name, or remove it from the environment.'),
    ),
    ...passwordAmongOptions(flags),
  ]
}

function passwordAmongOptions({ backendStoreUri: uri }: Flags): Finding[] {
  if (typeof uri !== 'string' || redactPasswords(uri) === uri) return []
  return [
    warning(
      'Settings',
      '--backend-store-uri holds a password, which every user of the machine can read.',
      'Give it by MLFLOW_BACKEND_STORE_URI.',
    ),
  ]
}

/** How long another server may take to answer, in milliseconds. */
const ANSWER_MS = 2_000

/** @returns a warning when a tracking server has the port already: it may be the one that is asked about */
export async function checkPort({ host, port, staticPrefix = '' }: ServerConfig): Promise<Finding> {
  const subject = 'Port'
  try {
    await checkAddress(host, port)
    return ok(subject, port === 0 ? `any free one of ${host}` : `${port} of ${host} is free`)
  } catch (error) {
    const local = ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host
    const url = `http://${local.includes(':') ? `[${local}]` : local}:${port}${staticPrefix}`
    const version = await versionAt(url)
    if (version === undefined) return failure(subject, reasonOf(error))
    return warning(
      subject,
      `${port} of ${host} is taken by a server that speaks MLflow ${version}.`,
      `If that is the one: ${COMMAND} doctor --tracking-uri ${url}. Else choose another with --port.`,
    )
  }
}

/** What is answered there to those who ask for MLflow's version; undefined when it is none. */
async function versionAt(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/version`, { signal: AbortSignal.timeout(ANSWER_MS) })
    return /^\d+\.\d+\.\d+\w*$/.exec(await response.text())?.[0]
  } catch {
    return undefined
  }
}

/** How long an object store may take to take, give and delete a small file, in milliseconds. */
const STORE_MS = 20_000
const PROBE = 'crateflow doctor was here\n'

/** Writes, reads and deletes a file where artifacts are stored. */
export async function checkArtifacts({
  config,
  artifacts,
}: ReturnType<typeof readServerConfig>): Promise<Finding> {
  const subject = 'Artifacts'
  if (!config.serveArtifacts)
    return ok(subject, `not served: clients reach ${config.defaultArtifactRoot} themselves`)
  const uri = config.artifactsDestination
  let step = 'opened'
  try {
    const store = createStoreOpener(s3Options(artifacts))(uri)
    const folder = folderOf(uri)
    if (folder !== undefined && !existsSync(folder)) {
      step = 'made'
      await store.check()
      return ok(subject, `${uri} is not there yet; the first upload makes it`)
    }
    await withinTime(
      probe(store, (next) => {
        step = next
      }),
    )
    return ok(subject, `a file was written to ${uri}, read and deleted`)
  } catch (error) {
    const text = `${uri}: a file cannot be ${step}: ${reasonOf(error)}`
    return failure(subject, text, adviceFor(error, uri))
  }
}

async function probe(store: ArtifactStore, next: (step: string) => void): Promise<void> {
  const path = `.crateflow-doctor-${randomBytes(6).toString('hex')}`
  next('written')
  await store.check()
  try {
    await store.write(path, Readable.from([PROBE]), { sizeBytes: PROBE.length })
    next('read')
    const { stream } = await store.open(path)
    if ((await textOf(stream)) !== PROBE) throw new Error('It holds something else than was written.')
    next('deleted')
  } finally {
    await store.delete(path)
  }
}

/** The folder of this machine that the location names. */
function folderOf(uri: string): string | undefined {
  const { scheme, path } = parseUri(uri)
  if (scheme === 'file') return unquote(path)
  return scheme === '' ? uri : undefined
}

function adviceFor(error: unknown, uri: string): string {
  const { name } = error as Error
  if (name === 'CredentialsProviderError')
    return 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or whatever else the AWS SDK finds credentials by.'
  if (name === 'NoSuchBucket') return 'Make the bucket, or name another one with --artifacts-destination.'
  if (folderOf(uri) === undefined)
    return 'Are bucket, rights and network right? MLFLOW_S3_ENDPOINT_URL names an object store that is not Amazon S3.'
  return 'Name a folder that this user may write to with --artifacts-destination.'
}

async function withinTime(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${STORE_MS / 1000} s.`)), STORE_MS)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** Whether the files of the web UI are there, and whole. */
export async function checkUi(config: ServerConfig, env: Environment): Promise<Finding> {
  const subject = 'Web UI'
  if (!config.ui || config.artifactsOnly) return ok(subject, 'not served')
  const given = config.uiDir
  try {
    const path = given ?? cacheFolder(MLFLOW_VERSION, env)
    if (given === undefined && !existsSync(path))
      return warning(
        subject,
        'its files are not there yet: the first start fetches them with pip.',
        `Where that start has no network: ${COMMAND} ui install, or --no-ui.`,
      )
    const { files, version } = await openUiFolder(path, MLFLOW_VERSION)
    const whose = version === undefined ? '' : ` of MLflow ${version}`
    return ok(subject, `${files.size} files${whose} in ${path}`)
  } catch (error) {
    const text = reasonOf(error)
    if (given !== undefined)
      return failure(subject, text, 'Name another folder with --ui-dir, or leave it out.')
    return warning(subject, text, `Fetch it anew: ${COMMAND} ui install --force`)
  }
}
