// `crateflow import` and `crateflow copy`: opens both sides of a move, and tells how it went.
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
import type { Names } from '../moving/names.ts'
import type { Report } from '../moving/report.ts'
import type { Source } from '../moving/source.ts'
import type { Engine } from '../platform/database/engine.ts'
import { migrate } from '../platform/database/migrate.ts'
import { type BackendTarget, describeTarget, parseBackendUri } from '../platform/database/uri.ts'
import { modelNames } from '../registry/model-registry/models.store.ts'
import { experimentNames } from '../tracking/experiments/store.ts'
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

export interface ImportMlflow extends MoveCommand {
  experiments: string[]
  newerSchema: boolean
  artifacts: 'copy' | 'keep'
  /** Where `mlflow-artifacts:` of the source lie. */
  artifactsFrom?: string | undefined
}

/** `import mlflow`: what a stock server has. @returns 1 when both sides differ afterwards */
export function importMlflow(command: ImportMlflow): Promise<number> {
  return withStore(command, async ({ engine, config, artifacts }) => {
    const { openMlflow } = await import('../moving/mlflow/open.ts')
    const source = await openMlflow(command.from, {
      experiments: command.experiments,
      takesNewer: command.newerSchema,
      nowMs: Date.now(),
      openDatabase: (uri) => openDatabase(uri, config),
    })
    try {
      if (command.artifacts === 'keep') return await moveAndTell(engine, source, command)
      const { moveWithArtifacts } = await import('./moving-artifacts.ts')
      return await moveWithArtifacts({
        source,
        config,
        artifacts,
        artifactsFrom: command.artifactsFrom ?? (/^https?:/.test(command.from) ? command.from : undefined),
        isDryRun: command.dryRun,
        move: (relocated) => moveAndTell(engine, relocated, command),
      })
    } finally {
      await source.close()
    }
  })
}

/** `copy`: all of one store of ours into another one. */
export function copyStore(command: MoveCommand): Promise<number> {
  return withStore(command, async ({ engine, config, target }) => {
    const from = asUsage(() => parseBackendUri(command.from))
    if (describeTarget(from) === describeTarget(target))
      throw new UsageError('--from and --to are the same store.')
    const { createOwnSource } = await import('../moving/own-store.ts')
    const { requireMigrated } = await import('../platform/database/migrate.ts')
    const { engine: other, name } = await openDatabase(command.from, config)
    try {
      await requireMigrated(other, layoutOf(config))
      return await moveAndTell(engine, createOwnSource(other, name), command)
    } finally {
      await other.close()
    }
  })
}

export interface Opened {
  engine: Engine
  config: MoveConfig
  artifacts: ArtifactConfig
  target: BackendTarget
}

/** Opens the store that is written to, and makes its tables. */
export async function withStore(
  { flags, env, to }: Pick<MoveCommand, 'flags' | 'env' | 'to'>,
  run: (opened: Opened) => Promise<number>,
): Promise<number> {
  const given = to === undefined ? flags : { ...flags, backendStoreUri: to }
  const config = asUsage(() => readConfig(MoveConfigSchema, given, env))
  const artifacts = asUsage(() => readConfig(ArtifactConfigSchema, {}, env))
  const target = asUsage(() => parseBackendUri(config.backendStoreUri))
  const engine = await openEngineAt(target, config)
  try {
    await ready(engine, target, config)
    await migrate(engine, layoutOf(config))
    return await run({ engine, config, artifacts, target })
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
export async function moveAndTell(
  engine: Engine,
  source: Source,
  { dryRun }: Pick<MoveCommand, 'dryRun'>,
): Promise<number> {
  const { moveInto } = await import('../moving/moving.ts')
  const startedAt = Date.now()
  const report = await moveInto({ engine, source, names: NAMES, isDryRun: dryRun, terminal: process.stderr })
  tell(report, source, (Date.now() - startedAt) / 1000)
  return report.isEqual() || dryRun ? EXIT.ok : EXIT.failure
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
