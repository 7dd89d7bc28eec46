// Rows of reading experiments, histories of metrics, datasets and artifacts.
import { ajaxGet, ajaxPost, get, pick, post, readPoints, told, walk } from './ask.mjs'
import { ARTIFACTS, CHARTED, CURVE_POINTS, experimentName, experimentTeam, STEPS, valueAt } from './plan.mjs'

const indexes = (plan, keep = () => true) => [...Array(plan.experiments).keys()].filter(keep)
const nameOf = (index) => (index === 0 ? 'Default' : experimentName(index))
const readExperiments = ({ experiments = [] }) => told(experiments.map(({ name }) => name))

const oneExperiment = {
  read: ({ experiment }) => experiment.name,
  expected: (plan, v) => nameOf(1 + pick({ length: plan.experiments - 1 }, v)),
}

const searchExperiments = (title, body, keep) => ({
  title: `experiments/search: ${title}`,
  ask: (_, v) => post('experiments/search', { max_results: 1000, order_by: ['name ASC'], ...body(v) }),
  read: readExperiments,
  expected: (plan, v) => told(indexes(plan, (index) => keep(index, v)).map(nameOf)),
})

export const EXPERIMENT_ROWS = [
  {
    title: 'experiments/get',
    ask: ({ experimentIds }, v) =>
      get('experiments/get', { experiment_id: experimentIds[1 + pick(experimentIds.slice(1), v)] }),
    ...oneExperiment,
  },
  {
    title: 'experiments/get-by-name',
    ask: ({ experimentIds }, v) =>
      get('experiments/get-by-name', {
        experiment_name: experimentName(1 + pick(experimentIds.slice(1), v)),
      }),
    ...oneExperiment,
  },
  searchExperiments(
    'all',
    () => ({}),
    () => true,
  ),
  searchExperiments(
    'name LIKE',
    (v) => ({ filter: `name LIKE '%-0${v}%'` }),
    (index, v) => nameOf(index).includes(`-0${v}`),
  ),
  searchExperiments(
    'tag =',
    (v) => ({ filter: `tags.team = 'team-${v}'` }),
    (index, v) => index > 0 && experimentTeam(index) === `team-${v}`,
  ),
  {
    title: 'experiments/search: the newest changed, 25 to the page',
    ask: () => post('experiments/search', { max_results: 25, order_by: ['last_update_time DESC'] }),
    read: ({ experiments }) => String(experiments.length),
    expected: (plan) => String(Math.min(25, plan.experiments)),
  },
  {
    title: 'experiments/search-datasets',
    needs: 'datasets',
    ask: () => ajaxPost('experiments/search-datasets', { experiment_ids: ['0'] }),
    variants: 1,
    read: ({ dataset_summaries: all = [] }) =>
      told(all.map(({ name, digest, context }) => `${name}/${digest}/${context}`).sort()),
    expected: (plan) => {
      const all = plan.runs.filter(({ experiment, dataset }) => experiment === 0 && dataset)
      const names = all.map(({ dataset }) => `${dataset.name}/${dataset.digest}/${dataset.context}`)
      return told([...new Set(names)].sort())
    },
  },
]

/** Steps of a history that are answered, with their values. */
const points = (run, { final = run.metrics.loss, count = run.points, from = 0, to = count }) =>
  Array.from({ length: to - from }, (_, i) => ({ value: valueAt(final, from + i, count), step: from + i }))

const history = (title, { key = 'loss', run, query = {}, ...more }) => ({
  title: `metrics/get-history: ${title}`,
  ask: (store, v, page_token) => {
    const token = page_token ? { page_token } : {}
    const run_id = store.runIds[run(store.runIds, v)]
    return get('metrics/get-history', { run_id, metric_key: key, ...query, ...token })
  },
  read: readPoints,
  ...more,
})

const PAGE = 1000
const charted = (_, v) => v % CHARTED
const curved = () => CHARTED
const pageOf = (plan, page) => ({ from: page * PAGE, to: Math.min((page + 1) * PAGE, plan.points) })
const lastOf = (plan, most) => Math.min(most, Math.ceil(plan.points / PAGE) - 1)

const bulk = (path, title, { key, query, runs, ask = get, read = readPoints }) => ({
  title: `metrics/${path}: ${title}`,
  ask: (store, v) => {
    const ids = runs(store.runIds, v).map((number) => store.runIds[number])
    return ask(`metrics/${path}`, { ...query(ids), metric_key: key })
  },
  read,
})

const TEN = () => [...Array(CHARTED).keys()]
const HUNDRED = (all, v) =>
  Array.from({ length: 100 }, (_, i) => CHARTED + ((v * 100 + i) % (all.length - CHARTED)))
const ids = (name) => (list) => ({ [name]: list, max_results: name === 'run_id' ? 25_000 : 320 })

export const METRIC_ROWS = [
  history(`${STEPS} points`, {
    key: 'accuracy',
    run: (all, v) => CHARTED + pick(all.slice(CHARTED), v),
    expected: (plan, v) => {
      const run = plan.runs[CHARTED + pick(plan.runs.slice(CHARTED), v)]
      return readPoints({ metrics: points(run, { final: run.metrics.accuracy }) })
    },
  }),
  history('all of 10,000 points', {
    key: 'curve',
    run: curved,
    variants: 1,
    expected: (plan) => readPoints({ metrics: points(plan.runs[CHARTED], { count: CURVE_POINTS }) }),
  }),
  history('1000 of a long one', {
    run: charted,
    query: { max_results: PAGE },
    expected: (plan, v) => readPoints({ metrics: points(plan.runs[charted(0, v)], pageOf(plan, 0)) }),
  }),
  ...[5, Number.POSITIVE_INFINITY].map((skip) =>
    history(`1000 of a long one, ${skip === 5 ? 'page 6' : 'the last page'}`, {
      run: () => 0,
      variants: 1,
      query: { max_results: PAGE },
      prepare: ({ server, runIds }) =>
        walk(
          (page_token) =>
            server.get(
              `metrics/get-history?run_id=${runIds[0]}&metric_key=loss&max_results=${PAGE}` +
                (page_token ? `&page_token=${encodeURIComponent(page_token)}` : ''),
            ),
          { pages: skip, key: 'metrics' },
        ),
      expected: (plan) => readPoints({ metrics: points(plan.runs[0], pageOf(plan, lastOf(plan, skip))) }),
    }),
  ),
  bulk('get-history-bulk', '10 long ones', {
    ...{ key: 'loss', query: ids('run_id'), runs: TEN, ask: ajaxGet },
    // Whose points fill the answer depends on the order of the ids.
    read: ({ metrics }) => `${metrics.length} points`,
  }),
  bulk('get-history-bulk', '100 short ones', {
    ...{ key: 'accuracy', query: ids('run_id'), runs: HUNDRED, ask: ajaxGet },
  }),
  bulk('get-history-bulk-interval', '10 long ones', { key: 'loss', query: ids('run_ids'), runs: TEN }),
  bulk('get-history-bulk-interval', '100 short ones', {
    ...{ key: 'accuracy', query: ids('run_ids'), runs: HUNDRED },
  }),
]

export const ARTIFACT_ROWS = [
  {
    title: 'artifacts/list',
    needs: 'artifacts',
    variants: 1,
    ask: ({ runIds }) => get('artifacts/list', { run_id: runIds[0] }),
    read: ({ files = [] }) => `${files.length} files`,
    expected: () => `${ARTIFACTS} files`,
  },
]
