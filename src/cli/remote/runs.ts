// `crateflow runs`: list, show, delete and restore runs on a running server.
import type { LoggedModel } from '../../tracking/logged-models/schema.ts'
import type { Run } from '../../tracking/runs/schema.ts'
import { type Asked, mlflow, VIEWS } from './asked.ts'
import { type Detail, printDetails, type Section } from './details.ts'
import type { Field } from './fields.ts'
import { printListing } from './listing.ts'
import { type ExperimentNames, experimentsOf, findRun } from './names.ts'
import { changeAll } from './removal.ts'
import { byKey, keyedField, tagsSection } from './tags.ts'

/** What `search` looks into when it is given a word. */
export const SEARCHED = 'attributes.run_name'

export const userOf = ({ info, data }: Run): string | undefined =>
  data.tags?.find(({ key }) => key === 'mlflow.user')?.value ?? info.user_id

export const durationOf = ({ info: { start_time: start, end_time: end } }: Run): number | undefined =>
  start === undefined || end === undefined ? undefined : Number(end) - Number(start)

const fieldsOf = (experiments: ExperimentNames): Field<Run>[] => [
  { name: 'run_id', read: ({ info }) => info.run_id },
  { name: 'name', read: ({ info }) => info.run_name, least: 20 },
  {
    name: 'experiment',
    read: ({ info }) => experiments.get(info.experiment_id) ?? info.experiment_id,
    least: 14,
    // Of one experiment, all have the same.
    rank: experiments.size > 1 ? 4 : 40,
    hidden: experiments.size === 1,
  },
  { name: 'experiment_id', read: ({ info }) => info.experiment_id, hidden: true },
  { name: 'status', kind: 'state', read: ({ info }) => info.status, rank: 1 },
  { name: 'started', kind: 'time', read: ({ info }) => info.start_time, rank: 2 },
  { name: 'duration', kind: 'duration', read: durationOf, rank: 3 },
  { name: 'ended', kind: 'time', read: ({ info }) => info.end_time, hidden: true },
  { name: 'user', read: userOf, least: 8, rank: 15 },
  { name: 'lifecycle_stage', kind: 'state', read: ({ info }) => info.lifecycle_stage, hidden: true },
  { name: 'artifact_uri', read: ({ info }) => info.artifact_uri, hidden: true },
]

const fieldFor = (name: string): Field<Run> | undefined => {
  const metric = keyedField<Run>(name, 'metrics.', ({ data }) => data.metrics)
  if (metric) return { ...metric, kind: 'number', rank: 10 }
  return keyedField<Run>(name, 'params.', ({ data }) => data.params) ?? tagOf(name)
}

const tagOf = (name: string) => keyedField<Run>(name, 'tags.', ({ data }) => data.tags)

/** Metrics and params of the runs, by names of columns. */
function namesIn(runs: readonly Run[]): string[] {
  const names = (prefix: string, pairs: readonly { key: string }[]) =>
    [...new Set(pairs.map(({ key }) => prefix + key))].sort()
  return [
    ...names(
      'metrics.',
      runs.flatMap(({ data }) => data.metrics ?? []),
    ),
    ...names(
      'params.',
      runs.flatMap(({ data }) => data.params ?? []),
    ),
  ]
}

/** `runs list` and `search` */
export async function listRuns(asked: Asked): Promise<void> {
  const experiments = await experimentsOf(asked)
  const { filter, orderBy: order_by, view } = asked
  const body = { experiment_ids: [...experiments.keys()], filter, order_by, run_view_type: VIEWS[view] }
  return printListing<Run>(
    {
      things: 'runs',
      key: 'runs',
      fields: fieldsOf(experiments),
      fieldFor,
      namesIn,
      page: (page) => asked.ask({ method: 'POST', path: mlflow('runs/search'), body: { ...body, ...page } }),
    },
    asked,
  )
}

/** `runs show` */
export async function showRun(asked: Asked, name: string): Promise<void> {
  const run = await findRun(asked, name, 'all')
  await printDetails(asked, { run }, async () => {
    const experimentId = run.info.experiment_id
    const [{ experiment }, models, files] = await Promise.all([
      asked.ask<{ experiment: { name: string } }>({
        path: mlflow('experiments/get', { experiment_id: experimentId }),
      }),
      loggedModelsOf(asked, run),
      artifactsOf(asked, run),
    ])
    return [
      { details: mainDetails(run, `${experiment.name} (${experimentId})`) },
      { title: 'Metrics', prefix: 'metrics.', details: metricsOf(run) },
      { title: 'Params', prefix: 'params.', details: paramsOf(run) },
      tagsSection(run.data.tags),
      { title: 'Datasets', prefix: 'datasets.', details: datasetsOf(run) },
      models,
      files,
    ]
  })
}

function mainDetails(run: Run, experiment: string): Detail[] {
  const { info } = run
  const deleted: Detail[] =
    info.lifecycle_stage === 'deleted'
      ? [{ label: 'Lifecycle stage', value: info.lifecycle_stage, kind: 'state' }]
      : []
  return [
    { label: 'Run ID', value: info.run_id },
    { label: 'Name', value: info.run_name },
    { label: 'Experiment', value: experiment },
    { label: 'Status', value: info.status, kind: 'state' },
    ...deleted,
    { label: 'Started', value: info.start_time, kind: 'time' },
    { label: 'Ended', value: info.end_time, kind: 'time' },
    { label: 'Duration', value: durationOf(run), kind: 'duration' },
    { label: 'User', value: userOf(run) },
    { label: 'Artifact URI', value: info.artifact_uri },
  ]
}

const metricsOf = ({ data }: Run): Detail[] =>
  [...(data.metrics ?? [])]
    .sort(byKey)
    .map(({ key, value, step }) => ({ label: key, value, kind: 'number', remark: `step ${step}` }))

const paramsOf = ({ data }: Run): Detail[] =>
  [...(data.params ?? [])].sort(byKey).map(({ key, value }) => ({ label: key, value }))

const datasetsOf = ({ inputs }: Run): Detail[] =>
  (inputs?.dataset_inputs ?? []).map(({ dataset, tags = [] }) => ({
    label: dataset.name,
    value: dataset.digest,
    remark: [tags.find(({ key }) => key === 'mlflow.data.context')?.value, dataset.source_type]
      .filter(Boolean)
      .join(', '),
  }))

/** Models that the run logged, by name where it is known, and those that it read. */
async function loggedModelsOf({ ask }: Asked, { info, inputs, outputs }: Run): Promise<Section> {
  const section = { title: 'Logged models', prefix: 'logged_models.' }
  const [read, logged] = [inputs?.model_inputs ?? [], outputs?.model_outputs ?? []]
  if (read.length + logged.length === 0) return { ...section, details: [] }
  const { models = [] } = await ask<{ models?: LoggedModel[] }>({
    method: 'POST',
    path: mlflow('logged-models/search'),
    body: { experiment_ids: [info.experiment_id], filter: `source_run_id = '${info.run_id}'` },
  })
  const names = new Map(models.map(({ info: { model_id, name } }) => [model_id, name]))
  const detail = (id: string, remark: string) => ({ label: names.get(id) ?? id, value: id, remark })
  return {
    ...section,
    details: [
      ...logged.map(({ model_id, step }) => detail(model_id, `step ${step}`)),
      ...read.map(({ model_id }) => detail(model_id, 'input')),
    ],
  }
}

interface FileInfo {
  path: string
  is_dir: boolean
  file_size?: number
}

/** What lies directly in the run's folder; nothing where the server serves no artifacts. */
async function artifactsOf({ ask }: Asked, { info }: Run): Promise<Section> {
  const path = mlflow('artifacts/list', { run_id: info.run_id })
  const { files = [] } = await ask<{ files?: FileInfo[] }>({ path }).catch(() => ({ files: [] }))
  return {
    title: 'Artifacts',
    prefix: 'artifacts.',
    details: files.map(({ path, is_dir, file_size }) =>
      is_dir
        ? { label: `${path}/`, value: 'folder' }
        : { label: path, value: Number(file_size ?? 0), kind: 'size' },
    ),
  }
}

const told = ({ info }: Run) => `run ${info.run_id} (${info.run_name ?? ''})`

/** `runs delete` @returns the exit code */
export const deleteRuns = (asked: Asked, names: readonly string[]): Promise<number> =>
  changeRuns(asked, names, 'delete')

/** `runs restore` @returns the exit code */
export const restoreRuns = (asked: Asked, names: readonly string[]): Promise<number> =>
  changeRuns(asked, names, 'restore')

async function changeRuns(asked: Asked, names: readonly string[], what: 'delete' | 'restore') {
  const view = what === 'delete' ? 'active' : 'deleted'
  const runs = await Promise.all(names.map((name) => findRun(asked, name, view)))
  return changeAll(asked, runs, {
    done: what === 'delete' ? 'Deleted' : 'Restored',
    describe: told,
    ...(what === 'delete' && { question: 'Runs can be restored.' }),
    change: ({ info }) =>
      asked.ask({ method: 'POST', path: mlflow(`runs/${what}`), body: { run_id: info.run_id } }),
  })
}
