// A folder of files, such as ./mlruns, in which MLflow keeps experiments, runs and models when it has no database.
// @see mlflow/store/tracking/file_store.py, mlflow/store/model_registry/file_store.py
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { parse } from 'yaml'
import { readInt64 } from '../../platform/wire/int64.ts'
import type { FamilyName, Row } from '../families.store.ts'
import type { Source } from '../source.ts'
import {
  datasetsOf,
  type Entity,
  experimentOf,
  historyPointOf,
  loggedModelOf,
  registeredModelOf,
  runOf,
} from './entities.ts'
import { createEntitySource } from './entity-source.ts'

type Json = Record<string, unknown>

const META = 'meta.yaml'
const TRASH = '.trash'
/** Folders of an experiment that are no runs. */
const NO_RUNS = new Set(['tags', 'datasets', 'traces', 'models'])
const STATUSES = ['', 'RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']

export interface FilesSourceOptions {
  folder: string
  /** Names or ids of experiments; empty for all, and the registered models. */
  experiments: readonly string[]
}

/** @throws Error for a folder that is none of MLflow's, and for an experiment that is not there */
export async function createFilesSource({
  folder,
  experiments: wanted,
}: FilesSourceOptions): Promise<Source> {
  const all = await findExperiments(folder)
  if (all.length === 0) throw new Error(`There are no experiments of MLflow in the folder ${folder}.`)
  const experiments = wanted.length === 0 ? all : wanted.map((one) => choose(all, one))
  const hasTraces = await Promise.all(experiments.map(({ place }) => isFolder(join(place, 'traces'))))
  const families: Partial<Record<FamilyName, () => AsyncIterable<Entity>>> = {
    experiments: () => each(experiments.map(({ json }) => experimentOf(json))),
    datasets: () => datasets(experiments),
    runs: () => runs(experiments),
    logged_models: () => loggedModels(experiments),
    ...(wanted.length === 0 && { registered_models: () => registeredModels(folder) }),
  }
  return createEntitySource({
    name: folder,
    of: (family) => families[family]?.(),
    without: ['registry_audit'],
    notes: hasTraces.includes(true)
      ? [
          'Traces in files are left out. To have them too, run "mlflow server" on the folder and name it with --from http://…',
        ]
      : [],
  })
}

interface ExperimentFolder {
  json: Json
  place: string
}

async function findExperiments(folder: string): Promise<ExperimentFolder[]> {
  const found: ExperimentFolder[] = []
  for (const parent of [folder, join(folder, TRASH)]) {
    for (const name of await foldersIn(parent)) {
      const place = join(parent, name)
      const json = await readMeta(place)
      if (json?.experiment_id !== undefined)
        found.push({ json: { ...json, tags: await pairsIn(join(place, 'tags')) }, place })
    }
  }
  return found
}

function choose(all: readonly ExperimentFolder[], one: string): ExperimentFolder {
  const found =
    all.find(({ json }) => json.name === one) ?? all.find(({ json }) => String(json.experiment_id) === one)
  if (!found) throw new Error(`There is no experiment ${JSON.stringify(one)} in the source.`)
  return found
}

async function* runFolders(
  experiments: readonly ExperimentFolder[],
): AsyncGenerator<{ place: string; json: Json }> {
  for (const { place, json } of experiments) {
    for (const name of await foldersIn(place)) {
      if (NO_RUNS.has(name)) continue
      const run = join(place, name)
      const info = await readMeta(run)
      if (info)
        yield { place: run, json: await readRun(run, place, { ...info, experiment_id: json.experiment_id }) }
    }
  }
}

async function readRun(place: string, experiment: string, info: Json): Promise<Json> {
  const status = typeof info.status === 'number' ? STATUSES[info.status] : info.status
  const [params, tags] = await Promise.all([pairsIn(join(place, 'params')), pairsIn(join(place, 'tags'))])
  const inputs = await metasIn(join(place, 'inputs'))
  const datasetInputs: Json[] = []
  for (const { source_type, source_id, tags: own } of inputs) {
    const dataset =
      source_type === 'DATASET' && (await readMeta(join(experiment, 'datasets', String(source_id))))
    if (!dataset) continue
    const tagPairs = Object.entries((own as Json | undefined) ?? {}).map(([key, value]) => ({ key, value }))
    datasetInputs.push({ dataset, tags: tagPairs })
  }
  const modelInputs = inputs.filter(({ source_type }) => source_type === 'RUN_INPUT')
  const outputs = await metasIn(join(place, 'outputs'))
  const edges = (metas: readonly Json[]) =>
    metas.map(({ destination_id, step }) => ({ model_id: destination_id, step: step ?? 0 }))
  return {
    info: { ...info, status },
    data: { params, tags, metrics: [] },
    inputs: { dataset_inputs: datasetInputs, model_inputs: edges(modelInputs) },
    outputs: { model_outputs: edges(outputs) },
  }
}

async function* datasets(experiments: readonly ExperimentFolder[]): AsyncGenerator<Entity> {
  const seen = new Set<unknown>()
  for await (const { json } of runFolders(experiments)) {
    for (const row of datasetsOf(json)) {
      if (seen.has(row.datasetId)) continue
      seen.add(row.datasetId)
      yield { row, children: {} }
    }
  }
}

async function* runs(experiments: readonly ExperimentFolder[]): AsyncGenerator<Entity> {
  for await (const { place, json } of runFolders(experiments)) {
    const folder = join(place, 'metrics')
    const files = await filesIn(folder)
    const points = (run: Row) =>
      async function* (): AsyncGenerator<Row[]> {
        for (const file of files) yield await readPoints(run, folder, file)
      }
    const entity = runOf(json, points)
    const latest: Row[] = []
    for (const file of files) {
      const [{ month: _month, ...newest } = {}] = (await readPoints(entity.row, folder, file)).sort(byNewest)
      if (newest.key !== undefined) latest.push(newest)
    }
    yield { ...entity, children: { ...entity.children, latest_metrics: latest } }
  }
}

/** One metric's points, each once: files may repeat them. */
async function readPoints(run: Row, folder: string, file: string): Promise<Row[]> {
  const lines = new Set((await readFile(join(folder, file), 'utf8')).split('\n'))
  const points = new Map<string, Row>()
  for (const line of lines) {
    if (line.trim() === '') continue
    const [timestamp = '0', value = '', step = '0'] = line.trim().split(' ')
    const number = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY }[value]
    const json = {
      key: keyOf(file),
      timestamp: readInt64(timestamp),
      step: readInt64(step),
      value: number ?? Number(value),
    }
    const point = historyPointOf(run, json)
    points.set(`${point.timestamp} ${point.step} ${point.value} ${point.isNan}`, point)
  }
  return [...points.values()]
}

const byNewest = (a: Row, b: Row): number =>
  compare(b.step, a.step) || compare(b.timestamp, a.timestamp) || compare(b.value, a.value)
const compare = (a: unknown, b: unknown) =>
  (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0

async function* loggedModels(experiments: readonly ExperimentFolder[]): AsyncGenerator<Entity> {
  for (const { place } of experiments) {
    for (const name of await foldersIn(join(place, 'models'))) {
      const model = join(place, 'models', name)
      const info = await readMeta(model)
      if (!info) continue
      const [tags, params] = await Promise.all([pairsIn(join(model, 'tags')), pairsIn(join(model, 'params'))])
      const metrics = await modelPoints(join(model, 'metrics'))
      const times = {
        creation_timestamp_ms: info.creation_timestamp,
        last_updated_timestamp_ms: info.last_updated_timestamp,
        artifact_uri: info.artifact_location,
      }
      yield loggedModelOf({ info: { ...info, ...times, tags }, data: { params, metrics } }, () => undefined)
    }
  }
}

async function modelPoints(folder: string): Promise<Json[]> {
  const points: Json[] = []
  for (const file of await filesIn(folder)) {
    for (const line of (await readFile(join(folder, file), 'utf8')).split('\n')) {
      if (line.trim() === '') continue
      const [timestamp = '0', value, step = '0', run_id, dataset_name, dataset_digest] = line
        .trim()
        .split(' ')
      const times = { timestamp: readInt64(timestamp), step: readInt64(step) }
      points.push({ key: keyOf(file), value, ...times, run_id, dataset_name, dataset_digest })
    }
  }
  return points
}

async function* registeredModels(folder: string): AsyncGenerator<Entity> {
  const root = join(folder, 'models')
  for (const name of await foldersIn(root)) {
    const place = join(root, name)
    const json = await readMeta(place)
    if (!json) continue
    const versions: Json[] = []
    for (const version of await foldersIn(place)) {
      const meta = version.startsWith('version-') && (await readMeta(join(place, version)))
      if (meta) versions.push({ ...meta, tags: await pairsIn(join(place, version, 'tags')) })
    }
    const aliases = (await pairsIn(join(place, 'aliases'))).map(({ key, value }) => ({
      alias: key,
      version: value,
    }))
    yield registeredModelOf({ ...json, tags: await pairsIn(join(place, 'tags')), aliases }, versions)
  }
}

/** What a file's path says of a metric, param or tag. */
const keyOf = (file: string) => file.split(sep).join('/')

async function readMeta(folder: string): Promise<Json | undefined> {
  const text = await readFile(join(folder, META), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  // Python writes integers of 64 bits.
  const json: unknown = parse(text, { intAsBigInt: true })
  if (typeof json !== 'object' || json === null) return undefined
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => [key, typeof value === 'bigint' ? readInt64(value) : value]),
  )
}

async function metasIn(folder: string): Promise<Json[]> {
  const metas: Json[] = []
  for (const name of await foldersIn(folder)) {
    const meta = await readMeta(join(folder, name))
    if (meta) metas.push(meta)
  }
  return metas
}

/** Keys are paths of files, values what is in them. */
async function pairsIn(folder: string): Promise<{ key: string; value: string }[]> {
  const pairs: { key: string; value: string }[] = []
  for (const file of await filesIn(folder))
    pairs.push({ key: keyOf(file), value: await readFile(join(folder, file), 'utf8') })
  return pairs
}

const isFolder = async (path: string) => (await stat(path).catch(() => undefined))?.isDirectory() === true

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isDirectory() && entry.name !== TRASH)
    .map(({ name }) => name)
    .sort()
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .sort()
}

async function* each<One>(items: readonly One[]): AsyncGenerator<One> {
  yield* items
}
