// Rows of what the web UI asks when its pages are opened.

import { ajaxGet, ajaxPost, pick, readPoints, readRuns, told } from './ask.mjs'
import { encodeRequest } from './client.mjs'
import { CHARTED } from './plan.mjs'

const graphql = (operationName, query, variables) =>
  encodeRequest('POST', '/graphql', JSON.stringify({ operationName, variables, query }))

const PAGE = 100
const names = (list) => told(list.map(({ name }) => name))

const RUN = `
  info { runName status runUuid experimentId artifactUri endTime lifecycleStage startTime userId }
  experiment { experimentId name tags { key value } artifactLocation lifecycleStage lastUpdateTime }
  modelVersions { status version name source }
  data { metrics { key value step timestamp } params { key value } tags { key value } }
  inputs {
    datasetInputs { dataset { digest name profile schema source sourceType } tags { key value } }
    modelInputs { modelId }
  }
  outputs { modelOutputs { modelId step } }`
const GET_RUN = `query GetRun($data: MlflowGetRunInput!) {
  mlflowGetRun(input: $data) { apiError { code message } run { ${RUN} } } }`
const SEARCH_RUNS = `query SearchRuns($data: MlflowSearchRunsInput!) {
  mlflowSearchRuns(input: $data) { apiError { code message } runs { ${RUN} } } }`
const GET_EXPERIMENT = `query MlflowGetExperimentQuery($input: MlflowGetExperimentInput!) {
  mlflowGetExperiment(input: $input) { apiError { code message }
    experiment { artifactLocation creationTime experimentId lastUpdateTime lifecycleStage name tags { key value } } } }`
const GET_HISTORY = `query GetMetricHistoryBulkInterval($data: MlflowGetMetricHistoryBulkIntervalInput!) {
  mlflowGetMetricHistoryBulkInterval(input: $data) {
    metrics { timestamp step runId key value } apiError { code message } } }`

const newest = (plan, keep = () => true) =>
  plan.runs
    .filter((run) => run.experiment === 0 && keep(run))
    .sort((a, b) => b.startTime - a.startTime)
    .slice(0, PAGE)
const numbers = (runs) => told(runs.map(({ number }) => number))
const firstRuns = ({ runIds }) => runIds.slice(0, CHARTED)
const quoted = (list) => list.map((one) => `'${one}'`).join(',')

const table = (title, body, keep) => ({
  title: `UI, table of runs: ${title}`,
  ask: (_, v) =>
    ajaxPost('runs/search', {
      ...{ experiment_ids: ['0'], run_view_type: 'ACTIVE_ONLY', max_results: PAGE },
      ...body(v),
    }),
  read: readRuns,
  expected: (plan, v) => numbers(newest(plan, (run) => keep(run, v))),
})

const NEWEST_FIRST = { order_by: ['attributes.start_time DESC'] }
const CREATED_LAST = { order_by: [{ field_name: 'creation_time', ascending: false }] }
const INTERVAL = { max_results: 320 }

const TABLE_ROWS = [
  table(
    'runs',
    () => NEWEST_FIRST,
    () => true,
  ),
  table(
    'runs by a filter',
    (v) => ({ ...NEWEST_FIRST, filter: `metrics.loss < 0.5 and params.layers = '${v}'` }),
    ({ metrics, params }, v) => metrics.loss < 0.5 && params.layers === String(v),
  ),
  {
    title: 'UI, table of runs: experiment (GraphQL)',
    variants: 1,
    ask: () =>
      graphql('MlflowGetExperimentQuery', GET_EXPERIMENT, {
        input: { experimentId: '0' },
      }),
    read: ({ data }) => data.mlflowGetExperiment.experiment.name,
    expected: () => 'Default',
  },
  {
    title: 'UI, table of runs: datasets',
    needs: 'datasets',
    variants: 1,
    ask: () => ajaxPost('experiments/search-datasets', { experiment_ids: ['0'] }),
    read: ({ dataset_summaries: all = [] }) => `${all.length} datasets`,
  },
  {
    title: 'UI, table of runs: logged models',
    needs: 'models',
    variants: 1,
    ask: () => ajaxPost('logged-models/search', { experiment_ids: ['0'], ...CREATED_LAST }),
    read: ({ models = [] }) => `${models.length} models`,
  },
  {
    title: 'UI, list of experiments',
    variants: 1,
    ask: () =>
      ajaxGet('experiments/search', {
        max_results: 25,
        order_by: 'last_update_time DESC',
        filter: 'tags.`mlflow.experiment.isGateway` IS NULL',
      }),
    read: ({ experiments = [] }) => `${experiments.length} experiments`,
    expected: (plan) => `${Math.min(25, plan.experiments)} experiments`,
  },
]

const CHART_ROWS = ['loss', 'accuracy', 'model_accuracy'].map((key) => ({
  title: `UI, charts of ${CHARTED} runs: ${key}`,
  variants: 1,
  ask: (store) =>
    ajaxGet('metrics/get-history-bulk-interval', {
      ...{ run_ids: firstRuns(store), metric_key: key },
      ...INTERVAL,
    }),
  read: readPoints,
}))

const runRow = (title, ask, read, more = {}) => ({
  title: `UI, page of a run: ${title}`,
  ask: (store, v) => ask(store.runIds[pick(store.runIds, v)], store, v),
  read,
  ...more,
})
const pickedRun = (plan, v) => plan.runs[pick(plan.runs, v)]

const RUN_PAGE_ROWS = [
  runRow(
    'run (GraphQL)',
    (runId) => graphql('GetRun', GET_RUN, { data: { runId } }),
    ({ data }) => `${data.mlflowGetRun.run.info.runName} ${data.mlflowGetRun.run.data.params.length}`,
    { expected: (plan, v) => `${pickedRun(plan, v).name} 5` },
  ),
  runRow(
    'model versions',
    (runId) => ajaxGet('model-versions/search', { filter: `run_id='${runId}'` }),
    ({ model_versions: versions = [] }) => names(versions),
    { needs: 'registry' },
  ),
  runRow(
    'child runs',
    (runId) =>
      ajaxPost('runs/search', {
        experiment_ids: ['0'],
        filter: `tags.\`mlflow.parentRunId\` = '${runId}'`,
        order_by: ['attributes.start_time DESC'],
        max_results: 10,
      }),
    readRuns,
    { expected: () => told([]) },
  ),
  runRow(
    'prompts',
    (runId) =>
      ajaxGet('model-versions/search', {
        filter: `tags.\`mlflow.prompt.is_prompt\` = 'true' AND tags.\`mlflow.prompt.run_ids\` ILIKE "%${runId}%"`,
      }),
    ({ model_versions: versions = [] }) => names(versions),
    { needs: 'registry', expected: () => told([]) },
  ),
  runRow(
    'its logged model',
    (_, { loggedModelIds }, v) =>
      ajaxPost('logged-models/search', {
        experiment_ids: ['0'],
        ...CREATED_LAST,
        filter: `attributes.model_id IN ('${loggedModelIds[pick(loggedModelIds, v)]}')`,
      }),
    ({ models = [] }) => names(models.map(({ info }) => info)),
    { needs: 'models' },
  ),
  runRow(
    'a chart',
    (run_ids) =>
      ajaxGet('metrics/get-history-bulk-interval', { run_ids, metric_key: 'accuracy', ...INTERVAL }),
    readPoints,
  ),
]

const OTHER_ROWS = [
  {
    title: 'UI, comparison of 10 runs',
    variants: 1,
    ask: (store) =>
      ajaxPost('runs/search', {
        experiment_ids: ['0'],
        filter: `run_id IN (${quoted(firstRuns(store))})`,
        run_view_type: 'ALL',
        max_results: CHARTED,
      }),
    read: readRuns,
    expected: (plan) => numbers(newest(plan, ({ number }) => number < CHARTED)),
  },
  {
    title: 'UI: 100 runs (GraphQL)',
    variants: 1,
    ask: () => graphql('SearchRuns', SEARCH_RUNS, { data: { experimentIds: ['0'], maxResults: PAGE } }),
    read: ({ data }, store) =>
      told(data.mlflowSearchRuns.runs.map(({ info }) => store.numbers.get(info.runUuid))),
    expected: (plan) => numbers(newest(plan)),
  },
  {
    title: 'UI: histories of 10 runs (GraphQL)',
    variants: 1,
    ask: (store) =>
      graphql('GetMetricHistoryBulkInterval', GET_HISTORY, {
        // Stock does not see the number of points that is asked for here.
        data: { runIds: firstRuns(store), metricKey: 'loss' },
      }),
    read: ({ data }) => readPoints(data.mlflowGetMetricHistoryBulkInterval),
  },
  {
    title: 'UI, list of registered models',
    needs: 'registry',
    variants: 1,
    ask: () => ajaxGet('registered-models/search', { filter: '', max_results: 25, order_by: 'name ASC' }),
    read: ({ registered_models: models = [] }) => names(models),
    expected: (plan) => names(plan.registeredModels.slice(0, 25)),
  },
  {
    title: 'UI, registered model: versions',
    needs: 'registry',
    prepare: async (_, plan) => plan.registeredModels,
    ask: (_, v, models) =>
      ajaxGet('model-versions/search', {
        filter: `name='${models[pick(models, v)].name}'`,
        max_results: 25,
        order_by: 'creation_timestamp DESC',
      }),
    read: ({ model_versions: versions = [] }) => `${versions.length} versions`,
    expected: () => '5 versions',
  },
]

export const UI_ROWS = [...TABLE_ROWS, ...CHART_ROWS, ...RUN_PAGE_ROWS, ...OTHER_ROWS]
