// Writes a page of rows: what is new or changed, children before their run, the version behind it, the mark of the row last.
import type { Engine } from '../../platform/database/engine.ts'
import { hashOf, monthOf } from '../../platform/wire/ids.ts'
import type { ModelVersionRow } from '../../registry/model-registry/tables.ts'
import { toStoredTag } from '../../registry/model-registry/tag-values.store.ts'
import { FAMILIES, type MovedTable, type Row, tablesOf } from '../families.store.ts'
import { createWriter, readOwned } from '../tables.store.ts'
import { type NamedExperiment, type NamedModel, pointOf, runRow, versionRow } from './rows.ts'
import type { TableReport } from './table-report.ts'
import { RefusedRow, ROW_TAG, type TrainedModel, VERSION_TAG } from './trained-model.ts'
import {
  aliasId,
  findAliasesNamed,
  findTags,
  findVersions,
  insertAliases,
  insertVersions,
  noteVersions,
  updateSources,
} from './versions.store.ts'

export interface PageWriterDeps {
  engine: Engine
  report: TableReport
  now: () => number
  /**
   * The experiment of the name; made if there is none, unless nothing is to be written: then undefined.
   * @throws RefusedRow when it is deleted
   */
  experimentOf: (name: string) => Promise<NamedExperiment | undefined>
  /** The registered model of the name, likewise. @throws RefusedRow when it is a prompt */
  modelOf: (name: string) => Promise<NamedModel | undefined>
  /** Looks again at experiments, whose names are by their ids. @throws Error when one was deleted meanwhile */
  requireStanding: (experiments: ReadonlyMap<string, string>) => Promise<void>
}

/** A row on its way, with what it belongs to. */
interface Due {
  model: TrainedModel
  experiment: NamedExperiment | undefined
  /** Where the run is, which may be another one by now. */
  experimentId: string
  registered: NamedModel | undefined
  versionUid: string | undefined
  /** Something of it was written whole before. */
  isKnown: boolean
}

type Refuse = (model: TrainedModel, why: string) => void

const TABLES = new Map<string, MovedTable>(
  FAMILIES.flatMap((family) => tablesOf(family)).map((table) => [table.name, table]),
)
const tableOf = (name: string) => TABLES.get(name) as MovedTable
/** Rows of a statement. */
const BATCH_ROWS = 10_000

export function createPageWriter(deps: PageWriterDeps) {
  const { engine, report, now, experimentOf, modelOf, requireStanding } = deps
  const names = [
    'params',
    'tags',
    'metrics',
    'latest_metrics',
    'runs',
    'model_version_tags',
    'model_versions',
  ]
  const writers = new Map(names.map((name) => [name, createWriter(engine, tableOf(name))]))

  /** What is there now is seen from here on; what comes later is this import's own. */
  const begin = () =>
    engine.refresh(...[...names, 'registered_model_aliases'].map((name) => tableOf(name).table))

  async function put(name: string, rows: readonly Row[], isFresh: boolean): Promise<void> {
    report.wrote(name, rows.length)
    if (report.isDryRun) return
    for (let start = 0; start < rows.length; start += BATCH_ROWS)
      await writers.get(name)?.(rows.slice(start, start + BATCH_ROWS), { isFresh })
  }

  async function write(models: readonly TrainedModel[], refuse: Refuse): Promise<void> {
    const digests = await findTags(
      engine,
      models.map(({ runId }) => runId),
      ROW_TAG,
    )
    const changed = models.filter((model) => digests.get(model.runId) !== model.digest)
    report.unchanged += models.length - changed.length
    const placed = await place(changed, digests, refuse)
    const versions = await findVersions(
      engine,
      placed.flatMap(({ versionUid }) => versionUid ?? []),
    )
    const due = await withFreeAliases(placed, versions, refuse)
    const [known, fresh] = [due.filter(({ isKnown }) => isKnown), due.filter(({ isKnown }) => !isKnown)]
    await requireExperiments(due)
    await writeRuns(fresh, true)
    await writeRuns(known, false)
    await writeVersions(due, versions)
    // Rows in an experiment that goes are not marked, so that another import takes them.
    await requireExperiments(due)
    const marks = due.map(({ model, experimentId }) => ({
      ...{ runId: model.runId, experimentId },
      ...{ key: ROW_TAG, value: model.digest },
    }))
    await put('tags', marks, false)
    report.created += fresh.length
    report.changed += known.length
  }

  async function requireExperiments(due: readonly Due[]): Promise<void> {
    const names = due.flatMap(({ model, experiment, experimentId }): [string, string][] =>
      experiment?.experimentId === experimentId ? [[experimentId, model.experiment]] : [],
    )
    await requireStanding(new Map(names))
  }

  /** Finds the experiments and models of rows, or makes them. */
  async function place(
    models: readonly TrainedModel[],
    digests: ReadonlyMap<string, string>,
    refuse: Refuse,
  ): Promise<Due[]> {
    const placed: Due[] = []
    for (const model of models) {
      try {
        const experiment = await experimentOf(model.experiment)
        const registered = model.model && (await modelOf(model.model.name))
        const versionUid = registered && hashOf(JSON.stringify(['table', model.runId, registered.modelUid]))
        placed.push({
          ...{ model, experiment, registered, versionUid },
          experimentId: experiment?.experimentId ?? '',
          isKnown: digests.has(model.runId),
        })
      } catch (error) {
        if (!(error instanceof RefusedRow)) throw error
        refuse(model, error.message)
      }
    }
    return placed
  }

  /** Rows whose alias is free, or theirs. */
  async function withFreeAliases(
    placed: readonly Due[],
    versions: ReadonlyMap<string, ModelVersionRow>,
    refuse: Refuse,
  ): Promise<Due[]> {
    const taken = await findAliasesNamed(
      engine,
      placed.flatMap((due) => aliasOf(due) ?? []),
    )
    const first = new Map<string, TrainedModel>()
    return placed.filter((due) => {
      const { model } = due
      if (model.model?.alias == null) return true
      const id = aliasId(aliasOf(due) ?? { modelUid: model.model.name, alias: model.model.alias })
      const version = taken.get(id)?.version ?? null
      const own = due.versionUid === undefined ? undefined : versions.get(due.versionUid)
      // Whoever has moved the alias of a version that is there has done so on purpose.
      if (version !== null && own === undefined)
        refuse(model, `The alias ${model.model.alias} of ${model.model.name} points to version ${version}.`)
      else if (first.has(id))
        refuse(
          model,
          `The alias ${model.model.alias} of ${model.model.name} is that of ${first.get(id)?.key}.`,
        )
      else {
        first.set(id, model)
        return true
      }
      return false
    })
  }

  async function writeRuns(due: readonly Due[], isFresh: boolean): Promise<void> {
    if (due.length === 0) return
    const ids = due.map(({ model }) => model.runId)
    const stored = isFresh ? [] : await readOwned(engine, tableOf('runs'), ids)
    const latest = isFresh ? [] : await readOwned(engine, tableOf('latest_metrics'), ids)
    const runs = new Map(stored.map((row) => [String(row.runId), row]))
    const points = new Map(latest.map((row) => [`${row.runId}\0${row.key}`, row]))
    const given = due.map((one) => {
      const { model, experiment } = one
      const run = runs.get(model.runId)
      if (run) one.experimentId = String(run.experimentId)
      return { model, run, experiment, owner: { runId: model.runId, experimentId: one.experimentId } }
    })
    const metrics = given.flatMap(({ model, owner }) =>
      model.metrics.flatMap((metric) =>
        pointOf(model, owner, metric, points.get(`${model.runId}\0${metric.key}`)),
      ),
    )
    const pairs = (list: 'params' | 'tags') =>
      given.flatMap(({ model, owner }) => model[list].map(([key, value]) => ({ ...owner, key, value })))
    await Promise.all([
      put('params', pairs('params'), isFresh),
      put('tags', pairs('tags'), isFresh),
      put(
        'metrics',
        metrics.map((point) => ({ ...point, month: monthOf(point.runId) })),
        isFresh,
      ),
      put('latest_metrics', metrics, isFresh),
    ])
    await put(
      'runs',
      given.map(({ model, run, experiment, owner }) => runRow(model, { run, experiment, owner })),
      isFresh,
    )
  }

  /** Tags come first, under uids that nobody else has: with its row, which takes the number, a version exists. */
  async function writeVersions(
    due: readonly Due[],
    versions: ReadonlyMap<string, ModelVersionRow>,
  ): Promise<void> {
    const nowMs = now()
    const rows = due.flatMap(({ model, experiment, registered, versionUid = '' }) =>
      model.model
        ? [versionRow(model, { experiment, modelUid: registered?.modelUid ?? '', versionUid, nowMs })]
        : [],
    )
    const texts = new Map(due.map(({ model, versionUid = '' }) => [versionUid, model.model?.text ?? null]))
    const tags = rows.flatMap(({ modelUid, versionUid }) => {
      const value = texts.get(versionUid) ?? null
      return value === null ? [] : [{ versionUid, modelUid, ...toStoredTag({ key: VERSION_TAG, value }) }]
    })
    await put('model_version_tags', tags, false)
    const known = rows.flatMap((row) => {
      const before = versions.get(row.versionUid)
      return before
        ? [{ ...before, source: row.source, storageLocation: row.source, lastUpdatedTimeMs: nowMs }]
        : []
    })
    const fresh = rows.filter(({ versionUid }) => !versions.has(versionUid))
    report.wrote('model_versions', rows.length)
    report.wrote('registered_model_aliases', due.filter(({ model }) => model.model?.alias != null).length)
    if (report.isDryRun || rows.length === 0) return
    const last = new Map(
      due.flatMap(({ registered }) => (registered ? [[registered.modelUid, registered.lastVersion]] : [])),
    )
    await updateSources(engine, known)
    const inserted = await insertVersions(engine, fresh, last)
    if (inserted.length > 0) await noteVersions(engine, last, nowMs)
    for (const { registered } of due)
      if (registered) registered.lastVersion = last.get(registered.modelUid) ?? registered.lastVersion
    const numbers = new Map([...known, ...inserted].map(({ versionUid, version }) => [versionUid, version]))
    await setAliases(due, numbers)
  }

  async function setAliases(due: readonly Due[], numbers: ReadonlyMap<string, number>): Promise<void> {
    const aliases = due.flatMap((one) => {
      const alias = aliasOf(one)
      const version = numbers.get(one.versionUid ?? '')
      return alias && version !== undefined ? [{ ...alias, version, eventId: '' }] : []
    })
    const pointing = await insertAliases(engine, aliases)
    for (const row of aliases) {
      const version = pointing.get(aliasId(row))
      if (version !== row.version && version != null)
        report.note(`The alias ${row.alias} points to version ${version}, and was left there.`)
    }
  }

  return { begin, write }
}

/** The alias that a row asks for, of a model that is there. */
const aliasOf = ({ model, registered }: Due) =>
  registered && model.model?.alias != null
    ? { modelUid: registered.modelUid, alias: model.model.alias }
    : undefined
