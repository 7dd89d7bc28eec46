// `crateflow import table`: opens the table and the store, and tells which rows were taken.
import { readFile } from 'node:fs/promises'
import type { MoveConfig } from '../config.ts'
import { reasonOf } from '../errors.ts'
import { openSql } from '../moving/mlflow/open.ts'
import { createProgress } from '../moving/progress.ts'
import { type Mapping, MappingError, readMapping } from '../moving/table/mapping.ts'
import { refuseOwn } from '../moving/table/own-table.ts'
import type { NamedExperiment, NamedModel } from '../moving/table/rows.ts'
import { importTable as importRows } from '../moving/table/table-import.service.ts'
import { openTable, type TableReader } from '../moving/table/table-reader.ts'
import { createTableReport, type TableReport } from '../moving/table/table-report.ts'
import { RefusedRow, type Rules } from '../moving/table/trained-model.ts'
import type { Engine } from '../platform/database/engine.ts'
import { systemClock } from '../platform/wire/ids.ts'
import { MAX_EXPERIMENT_NAME_LENGTH } from '../platform/wire/limits.ts'
import { checkLength } from '../platform/wire/names.ts'
import { resolveUriIfLocal } from '../platform/wire/uri.ts'
import { createModelNames } from '../registry/model-registry/model-names.service.ts'
import { findModelByName } from '../registry/model-registry/models.store.ts'
import { checkNewAlias, checkNewModelName } from '../registry/model-registry/names.ts'
import { createExperimentNames } from '../tracking/experiments/names.service.ts'
import { findExperiments } from '../tracking/experiments/store.ts'
import { layoutOf } from './database.ts'
import { EXIT, UsageError } from './errors.ts'
import { type MoveCommand, openDatabase, readSettings, withStore } from './moving.ts'
import { print, printTable } from './print.ts'
import { visible } from './visible.ts'

export interface ImportTable extends MoveCommand {
  /** The file of the mapping. */
  mapping: string
  /** Reads all rows, also those that an import has read before. */
  all: boolean
}

const RULES: Rules = {
  checkExperimentName: (name) =>
    void checkLength('The name of the experiment', MAX_EXPERIMENT_NAME_LENGTH, name),
  checkModelName: (name) => void checkNewModelName(name),
  checkAlias: (alias) => void checkNewAlias(alias),
}

/** `import table`: rows of a user's own table. @returns 1 when a row was not taken */
export async function importTable(command: ImportTable): Promise<number> {
  const mapping = await openMapping(command.mapping)
  const settings = readSettings(command)
  const opened = await openSql(command.from, {
    openDatabase: (uri) => openDatabase(uri, settings.config),
    cratedbSchema: 'doc',
  })
  if (!opened)
    throw new UsageError(
      '--from names a database: postgresql://…, cratedb://…, mysql://… or sqlite:///file.db.',
    )
  try {
    // What is wrong with the table or the mapping is told before the store is made.
    const reader = await openTable(opened.reader, opened.name, mapping)
    return await withStore(settings, async ({ engine, config }) => {
      await refuseOwn({ engine, layout: layoutOf(config), source: opened.reader, mapping })
      return importOpened(command, { engine, config, mapping, reader })
    })
  } catch (error) {
    throw asMistakes(error)
  } finally {
    await opened.reader.close()
  }
}

/** All mistakes of a mapping, each in its line. */
function asMistakes(error: unknown): unknown {
  if (!(error instanceof MappingError)) return error
  const [first = '', ...further] = error.message.split('\n')
  return new UsageError(first, further)
}

async function openMapping(file: string): Promise<Mapping> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageError(`The mapping cannot be read: ${reasonOf(error)}`)
  })
  try {
    return readMapping(text, file)
  } catch (error) {
    throw asMistakes(error)
  }
}

interface Sides {
  engine: Engine
  config: MoveConfig
  mapping: Mapping
  reader: TableReader
}

async function importOpened(
  command: ImportTable,
  { engine, config, mapping, reader }: Sides,
): Promise<number> {
  const startedAt = Date.now()
  const report = createTableReport({ isDryRun: command.dryRun })
  const isShown = process.stderr.isTTY
  const progress = createProgress(
    process.stderr,
    new Map(isShown ? [['rows', await reader.count(undefined)]] : []),
  )
  try {
    await importRows({
      ...{ engine, reader, mapping, report, progress, rules: RULES, readsAll: command.all },
      now: systemClock.now,
      ...createPlaces(engine, config, command.dryRun),
    })
  } finally {
    progress.end()
  }
  tell(report, reader.name, (Date.now() - startedAt) / 1000)
  return report.refused() > 0 ? EXIT.failure : EXIT.ok
}

/** Names that are remembered. */
const REMEMBERED = 20_000

/** Experiments and registered models by name, made where there are none. */
function createPlaces(engine: Engine, config: MoveConfig, isDryRun: boolean) {
  const root = resolveUriIfLocal(config.defaultArtifactRoot ?? 'mlflow-artifacts:/', process.cwd())
  const experiments = createExperimentNames({
    ...{ engine, clock: systemClock, defaultArtifactRoot: root },
    validateNewLocation: (location) => location,
  })
  // Whoever listens to webhooks wants to hear of today, not of what a table tells of years.
  const models = createModelNames({ engine, clock: systemClock, events: { raise: async () => {} } })

  async function findExperiment(name: string): Promise<NamedExperiment | undefined> {
    const row = await experiments.requireByName(name).catch(notThere)
    if (row && row.lifecycleStage !== 'active') throw new RefusedRow(`The experiment ${name} is deleted.`)
    return row && { experimentId: row.experimentId, artifactLocation: row.artifactLocation ?? '' }
  }

  async function findModel(name: string): Promise<NamedModel | undefined> {
    const row = await findModelByName(engine, name)
    if (row?.isPrompt) throw new RefusedRow(`${name} is a prompt in the store.`)
    return row && { modelUid: row.modelUid, lastVersion: row.lastVersion }
  }

  /** Somebody else may be faster to make it, so it is looked for again. */
  const made = async <T>(find: () => Promise<T | undefined>, make: () => Promise<unknown>) => {
    const found = await find()
    if (found || isDryRun) return found
    await make().catch(alreadyThere)
    return find()
  }
  async function requireStanding(names: ReadonlyMap<string, string>): Promise<void> {
    const found = await findExperiments(engine, [...names.keys()])
    const standing = new Set(
      found.flatMap((row) => (row.lifecycleStage === 'active' ? [row.experimentId] : [])),
    )
    for (const [id, name] of names)
      if (!standing.has(id))
        throw new Error(
          `The experiment ${name} was deleted while rows were written into it. Restore it and begin anew; if it was deleted for good, begin anew with --all.`,
        )
  }
  return {
    requireStanding,
    experimentOf: remembered((name) =>
      made(
        () => findExperiment(name),
        () => experiments.create({ name, tags: [] }),
      ),
    ),
    modelOf: remembered((name) =>
      made(
        () => findModel(name),
        () => models.create({ name, tags: [] }),
      ),
    ),
  }
}

const codeOf = (error: unknown) => (error as { code?: string }).code

function notThere(error: unknown): undefined {
  if (codeOf(error) !== 'RESOURCE_DOES_NOT_EXIST') throw error
}

function alreadyThere(error: unknown): undefined {
  if (codeOf(error) !== 'RESOURCE_ALREADY_EXISTS') throw error
}

function remembered<T>(find: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const known = new Map<string, Promise<T>>()
  return (name) => {
    const found = known.get(name) ?? find(name)
    if (known.size >= REMEMBERED) known.clear()
    known.set(name, found)
    return found
  }
}

function tell(report: TableReport, name: string, seconds: number): void {
  print(`From ${visible(name)}`)
  if (report.written() > 0) printTable(report.lines())
  for (const remark of report.remarks()) print(`  ${visible(remark)}`)
  const rows = `${report.created} new, ${report.changed} changed, ${report.unchanged} as before, ${report.refused()} not taken`
  const did = report.isDryRun ? 'would be written' : 'written'
  print(`${report.read} rows read: ${rows}; ${report.written()} rows ${did}, ${seconds.toFixed(1)} s`)
}
