// `crateflow import`, `export` and `copy`: opens both sides of a move, and tells how it went.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClientConfigSchema } from '../client-config.ts'
import {
  type ArtifactConfig,
  ArtifactConfigSchema,
  type Environment,
  type Flags,
  type MoveConfig,
  MoveConfigSchema,
  readConfig,
} from '../config.ts'
import { labelSchemaNames } from '../genai/label-schemas/store.ts'
import { nameKeyOf, queueNames } from '../genai/review-queues/store.ts'
import type { MoveDeps } from '../moving/moving.ts'
import type { Names } from '../moving/names.ts'
import type { Report } from '../moving/report.ts'
import type { Source } from '../moving/source.ts'
import type { Engine } from '../platform/database/engine.ts'
import { migrate, requireMigrated } from '../platform/database/migrate.ts'
import { holdsDatabase } from '../platform/database/pglite-folder.mjs'
import { type BackendTarget, describeTarget, parseBackendUri } from '../platform/database/uri.ts'
import { modelNames } from '../registry/model-registry/models.store.ts'
import { experimentNames } from '../tracking/experiments/store.ts'
import { createLatestMetricsWriter } from '../tracking/runs/latest-metrics.store.ts'
import { explained, layoutOf, openEngineAt, untilAvailable } from './database.ts'
import { asUsage, EXIT, UsageError } from './errors.ts'
import { createLog } from './log.ts'
import { print, printTable } from './print.ts'

export interface MoveCommand {
  flags: Flags
  env: Environment
  from: string
  /** Instead of the backend store URI. */
  to?: string | undefined
  dryRun: boolean
}

type Mode = 'copy' | 'keep'

export interface WithArtifacts extends MoveCommand {
  artifacts: Mode
  /** Where `mlflow-artifacts:` of the source lie. */
  artifactsFrom?: string | undefined
}

export interface ImportMlflow extends WithArtifacts {
  experiments: string[]
  newerSchema: boolean
}

/** `import mlflow`: what a stock server has. @returns 1 when both sides differ afterwards */
export async function importMlflow(command: ImportMlflow): Promise<number> {
  const settings = readSettings(command)
  const { NoSourceError, openMlflow } = await import('../moving/mlflow/open.ts')
  const source = await openMlflow(command.from, {
    experiments: command.experiments,
    takesNewer: command.newerSchema,
    credentials: asUsage(() => readConfig(ClientConfigSchema.omit({ trackingUri: true }), {}, command.env)),
    openDatabase: (uri) => openDatabase(uri, settings.config),
  }).catch((error: unknown) => {
    throw error instanceof NoSourceError ? new UsageError(error.message) : error
  })
  const isServer = /^https?:/.test(command.from)
  const isDatabase = !isServer && /^[a-z][\w+]*:\/\//i.test(command.from) && !command.from.startsWith('file:')
  return moveAll(settings, source, {
    ...command,
    artifactsFrom: command.artifactsFrom ?? (isServer ? command.from : undefined),
    isAmongFiles: !isServer && !isDatabase,
  })
}

/** `copy`: all of one store of ours into another one. */
export async function copyStore(command: WithArtifacts): Promise<number> {
  const settings = readSettings(command)
  const from = asUsage(() => parseBackendUri(command.from))
  if (describeTarget(from) === describeTarget(settings.target))
    throw new UsageError('--from and --to are the same store.')
  return moveAll(settings, await openOwn(command.from, settings.config), command)
}

/** `import archive`: what `export` has written, with its files unless they are to be left out. */
export async function importArchive(command: MoveCommand & { artifacts: Mode | undefined }): Promise<number> {
  const settings = readSettings(command)
  const { openArchive } = await import('../moving/archive/reader.ts')
  const { isPacked, unpack } = await import('../moving/archive/packed.ts')
  const unpacked = isPacked(command.from) ? await mkdtemp(join(tmpdir(), 'crateflow-archive-')) : undefined
  try {
    if (unpacked !== undefined) await unpack(command.from, unpacked)
    const folder = unpacked ?? command.from
    const source = await openArchive(folder, command.from)
    const hasFiles = source.manifest.artifacts
    if (command.artifacts === 'copy' && !hasFiles)
      throw new UsageError('The archive holds no artifacts: leave --artifacts copy out.')
    const artifacts = command.artifacts ?? (hasFiles ? 'copy' : 'keep')
    const left = hasFiles && artifacts === 'keep' ? ['the files of the archive were left out.'] : []
    return await moveAll(
      settings,
      { ...source, notes: () => [...source.notes(), ...left] },
      { ...command, artifacts, archive: folder },
    )
  } finally {
    if (unpacked !== undefined) await rm(unpacked, { recursive: true, force: true })
  }
}

/** `export`: all of a store into an archive. @returns 1 when an artifact could not be copied */
export async function exportArchive(
  command: Omit<WithArtifacts, 'from' | 'to'> & { to: string },
): Promise<number> {
  const config = asUsage(() => readConfig(MoveConfigSchema, command.flags, command.env))
  const artifacts = asUsage(() => readConfig(ArtifactConfigSchema, {}, command.env))
  const { isOtherPacked, isPacked, pack } = await import('../moving/archive/packed.ts')
  if (isOtherPacked(command.to))
    throw new UsageError(
      `${command.to} is neither of the forms of an archive: a folder, or a file whose name ends in .tar.gz or .tgz.`,
    )
  const source = await openOwn(config.backendStoreUri, config)
  const { writeArchive } = await import('../moving/archive/writer.ts')
  const unpacked = isPacked(command.to) ? await mkdtemp(join(tmpdir(), 'crateflow-archive-')) : undefined
  const folder = unpacked ?? command.to
  try {
    const hasArtifacts = command.artifacts === 'copy'
    const { exportArtifacts } = await import('./moving-artifacts.ts')
    const artifactsFrom = command.artifactsFrom ?? config.artifactsDestination
    const isWhole =
      !hasArtifacts || (await exportArtifacts({ config, artifacts, artifactsFrom, source, folder }))
    const { tables } = await writeArchive({ source, folder, hasArtifacts, nowMs: Date.now() })
    if (unpacked !== undefined) await pack(folder, command.to)
    const filled = tables.filter(({ rows }) => rows > 0)
    printTable([
      ['TABLE', 'ROWS', 'HASH'],
      ...filled.map(({ name, rows, digest }) => [name, String(rows), digest.slice(0, 16)]),
    ])
    print(`${source.name} is in ${command.to}`)
    return isWhole ? EXIT.ok : EXIT.failure
  } finally {
    await source.close()
    if (unpacked !== undefined) await rm(unpacked, { recursive: true, force: true })
  }
}

interface Moving extends WithArtifacts {
  archive?: string
  isAmongFiles?: boolean
}

/** Opens the store, moves rows, and files if they are wanted; closes the source. */
async function moveAll(settings: Settings, source: Source, command: Moving): Promise<number> {
  try {
    return await withStore(settings, ({ engine }) => moveFrom(source, engine, settings, command))
  } finally {
    await source.close()
  }
}

async function moveFrom(
  source: Source,
  engine: Engine,
  { config, artifacts }: Settings,
  command: Moving,
): Promise<number> {
  const { dryRun: isDryRun, artifactsFrom, archive, isAmongFiles = false } = command
  if (command.artifacts === 'keep') return moveAndTell({ engine, source, isDryRun })
  const { moveWithArtifacts } = await import('./moving-artifacts.ts')
  return moveWithArtifacts({
    source,
    config,
    artifacts,
    artifactsFrom,
    archive,
    isAmongFiles,
    isDryRun,
    move: (relocated, prepare) => moveAndTell({ engine, source: relocated, isDryRun, prepare }),
  })
}

/** A store of ours for reading. @throws Error when there is none */
async function openOwn(uri: string, config: MoveConfig): Promise<Source> {
  const target = asUsage(() => parseBackendUri(uri))
  if (target.engine === 'pglite' && target.folder && !holdsDatabase(target.folder))
    throw new Error(`There is no store in ${target.folder}.`)
  const { createOwnSource } = await import('../moving/own-store.ts')
  const { engine, name } = await openDatabase(uri, config)
  try {
    await requireMigrated(engine, layoutOf(config))
    // What a server that was killed still owed is written before it is read.
    createLatestMetricsWriter(engine)
  } catch (error) {
    await engine.close()
    throw error
  }
  return { ...createOwnSource(engine, name), close: () => engine.close() }
}

export interface Settings {
  config: MoveConfig
  artifacts: ArtifactConfig
  /** The store that is written to. */
  target: BackendTarget
}

/** What the command says of the store that is written to, which is not opened yet: a source that fails leaves nothing there. */
export function readSettings({ flags, env, to }: Pick<MoveCommand, 'flags' | 'env' | 'to'>): Settings {
  const given = to === undefined ? flags : { ...flags, backendStoreUri: to }
  const config = asUsage(() => readConfig(MoveConfigSchema, given, env))
  const artifacts = asUsage(() => readConfig(ArtifactConfigSchema, {}, env))
  return { config, artifacts, target: asUsage(() => parseBackendUri(config.backendStoreUri)) }
}

/** Opens the store that is written to, and makes its tables. */
export async function withStore(
  settings: Settings,
  run: (opened: Settings & { engine: Engine }) => Promise<number>,
): Promise<number> {
  const { config, target } = settings
  const engine = await openEngineAt(target, config)
  try {
    await ready(engine, target, config)
    await migrate(engine, layoutOf(config))
    return await run({ ...settings, engine })
  } catch (error) {
    throw explained(error, target)
  } finally {
    await engine.close()
  }
}

function ready(engine: Engine, target: BackendTarget, config: MoveConfig): Promise<void> {
  const log = createLog({ level: config.logLevel, format: process.stderr.isTTY ? 'pretty' : 'json' })
  return untilAvailable(engine, { config, target, log })
}

/** Opens another database for reading. */
export async function openDatabase(
  uri: string,
  config: MoveConfig,
): Promise<{ engine: Engine; name: string }> {
  const target = asUsage(() => parseBackendUri(uri))
  const engine = await openEngineAt(target, config)
  try {
    await engine.ping()
    return { engine, name: describeTarget(target) }
  } catch (error) {
    await engine.close()
    throw explained(error, target)
  }
}

/** How names of the rooms are claimed. */
const NAMES: Names = {
  experiments: {
    id: 'experimentId',
    fence: 'nameFence',
    keyOf: ({ name }) => String(name),
    owner: experimentNames,
  },
  registered_models: {
    id: 'modelUid',
    fence: 'nameFence',
    keyOf: ({ name }) => String(name),
    owner: modelNames,
  },
  label_schemas: {
    id: 'schemaId',
    fence: 'nameFence',
    keyOf: ({ name }) => String(name),
    owner: (engine, { experimentId }) => labelSchemaNames(engine, String(experimentId)),
  },
  review_queues: {
    id: 'queueId',
    fence: 'fence',
    keyOf: ({ experimentId, name }) => nameKeyOf(String(experimentId), String(name)),
    owner: queueNames,
  },
}

/** Moves, and prints what both sides have then. */
async function moveAndTell(deps: Omit<MoveDeps, 'names' | 'terminal'>): Promise<number> {
  const { moveInto } = await import('../moving/moving.ts')
  const startedAt = Date.now()
  const report = await moveInto({ ...deps, names: NAMES, terminal: process.stderr })
  tell(report, deps.source, (Date.now() - startedAt) / 1000)
  return report.isEqual() || deps.isDryRun ? EXIT.ok : EXIT.failure
}

function tell(report: Report, source: Source, seconds: number): void {
  print(`From ${source.name}`)
  printTable(report.lines())
  for (const note of source.notes()) print(`Note: ${note}`)
  const rows = report.written()
  const did = report.isDryRun ? `${rows} rows would be written` : `${rows} rows written`
  if (report.isEqual()) print(`Both sides are equal; ${did}, ${seconds.toFixed(1)} s`)
  else {
    print(`${report.isDryRun ? 'Both sides differ' : 'BOTH SIDES DIFFER'}; ${did}, ${seconds.toFixed(1)} s`)
    for (const line of report.differences()) print(`  ${line}`)
  }
}
