// Rows of reading runs: one, and searches with conditions, sort keys and pages.
import { get, pick, post, readRuns, told, VARIANTS, walk } from './ask.mjs'

const PAGE = 100
const FIRST = (plan) => [...Array(Math.min(1, plan.experiments)).keys()]
const ALL = (plan) => [...Array(plan.experiments).keys()]

/** Name → the condition's text and what it holds for, both by variant. */
const IF = {
  loss: [(v) => `metrics.loss < ${0.5 + v / 100}`, ({ metrics }, v) => metrics.loss < 0.5 + v / 100],
  rareLoss: [(v) => `metrics.loss < ${(v + 1) / 1000}`, ({ metrics }, v) => metrics.loss < (v + 1) / 1000],
  recall: [(v) => `metrics.recall > 0.${v + 1}`, ({ metrics }, v) => metrics.recall > (v + 1) / 10],
  f1: [(v) => `metrics.f1 >= 0.${v + 3}`, ({ metrics }, v) => metrics.f1 >= (v + 3) / 10],
  absentMetric: [(v) => `metrics.nobody_${v} > 0`, () => false],
  param: [() => "params.optimizer = 'adam'", ({ params }) => params.optimizer === 'adam'],
  layers: [(v) => `params.layers = '${v}'`, ({ params }, v) => params.layers === String(v)],
  paramNot: [(v) => `params.layers != '${v}'`, ({ params }, v) => params.layers !== String(v)],
  paramLike: [
    (v) => `params.note LIKE '%about 7${v}%'`,
    ({ params }, v) => params.note.includes(`about 7${v}`),
  ],
  paramIlike: [
    (v) => `params.note ILIKE '%ABOUT 7${v}%'`,
    ({ params }, v) => params.note.includes(`about 7${v}`),
  ],
  seed: [(v, plan) => `params.seed = '${seedOf(plan, v)}'`, (run, v, plan) => run.number === seedOf(plan, v)],
  tag: [(v) => `tags.team = 'team-${v}'`, ({ tags }, v) => tags.team === `team-${v}`],
  tagNot: [(v) => `tags.team != 'team-${v}'`, ({ tags }, v) => tags.team !== `team-${v}`],
  tagLike: [(v) => `tags.team LIKE '%-${v}'`, ({ tags }, v) => tags.team === `team-${v}`],
  tagNull: [() => 'tags.stage IS NULL', ({ tags }) => tags.stage === undefined],
  tagNotNull: [() => 'tags.stage IS NOT NULL', ({ tags }) => tags.stage !== undefined],
  status: [() => "attributes.status = 'FAILED'", ({ status }) => status === 'FAILED'],
  statusNot: [() => "attributes.status != 'FINISHED'", ({ status }) => status !== 'FINISHED'],
  name: [(v) => `attributes.run_name LIKE '%0${v}0'`, ({ name }, v) => name.endsWith(`0${v}0`)],
  user: [(v) => `attributes.user_id = 'user-${v * 2}'`, ({ user }, v) => user === `user-${v * 2}`],
  time: [
    (v, plan) => `attributes.start_time > ${timeOf(plan, v)}`,
    ({ startTime }, v, plan) => startTime > timeOf(plan, v),
  ],
  data: [(v) => `datasets.name = 'data-${v * 2}'`, ({ dataset }, v) => dataset?.name === `data-${v * 2}`],
  dataIn: [
    (v) => `datasets.digest IN ('digest${v}', 'digest${v + 9}')`,
    ({ dataset }, v) => [`digest${v}`, `digest${v + 9}`].includes(dataset?.digest),
  ],
  dataLike: [
    (v) => `datasets.name LIKE 'data-${v}%'`,
    ({ dataset }, v) => dataset?.name.startsWith(`data-${v}`),
  ],
  context: [() => "datasets.context = 'training'", ({ dataset }) => dataset?.context === 'training'],
}

const seedOf = (plan, v) => 20 + 4 * pick({ length: Math.floor(plan.runs.length / 5) }, v)
const timeOf = (plan, v) => plan.runs[pick(plan.runs, v)].startTime

/** Sort key → its text and its value. */
const BY = {
  lossUp: ['metrics.loss ASC', ({ metrics }) => metrics.loss],
  lossDown: ['metrics.loss DESC', ({ metrics }) => metrics.loss, true],
  recall: ['metrics.recall DESC', ({ metrics }) => metrics.recall, true],
  layers: ['params.layers ASC', ({ params }) => params.layers],
  seed: ['params.seed DESC', ({ params }) => params.seed, true],
  stage: ['tags.stage ASC', ({ tags }) => tags.stage],
  end: ['attributes.end_time ASC', ({ status, endTime }) => (status === 'RUNNING' ? undefined : endTime)],
  status: ['attributes.status ASC', ({ status }) => status],
  name: ['attributes.run_name ASC', ({ name }) => name],
}

/** Absent values come last in both directions, then the newest run first. */
function compareRuns(keys) {
  return (a, b) => {
    for (const [, of, isDown] of keys) {
      const [x, y] = [of(a), of(b)]
      if (x === y) continue
      if (x === undefined || y === undefined) return x === undefined ? 1 : -1
      return x < y === Boolean(isDown) ? 1 : -1
    }
    return b.startTime - a.startTime
  }
}

function found(plan, v, { conditions, keys, scope }) {
  const experiments = new Set(scope(plan))
  const meets = (run) => conditions.every(([, holds]) => holds(run, v, plan))
  return plan.runs.filter((run) => experiments.has(run.experiment) && meets(run)).sort(compareRuns(keys))
}

/**
 * A row of `runs/search`.
 * @param how `{ where, by, scope, page, skip, needs }`: names of conditions and of sort keys, experiments, size of a
 *   page, and how many pages are before the one that is asked for
 */
function search(title, { where = [], by = [], scope = FIRST, page = PAGE, skip = 0, needs } = {}) {
  const conditions = where.map((name) => IF[name])
  const keys = by.map((name) => BY[name])
  const body = (store, v, plan) => ({
    experiment_ids: scope(plan).map((index) => store.experimentIds[index]),
    filter: conditions.map(([text]) => text(v, plan)).join(' and ') || undefined,
    order_by: keys.map(([text]) => text),
    max_results: page,
  })
  const variants = where.length > 0 ? VARIANTS : 1
  return {
    title: `runs/search: ${title}`,
    needs,
    variants,
    prepare: async (store, plan) => ({
      plan,
      page_token: await walk(
        (page_token) => store.server.post('runs/search', { ...body(store, 0, plan), page_token }),
        { pages: skip, key: 'runs' },
      ),
    }),
    ask: (store, v, { plan, page_token }) => post('runs/search', { ...body(store, v, plan), page_token }),
    read: readRuns,
    expected: (plan, v) => {
      const runs = found(plan, v, { conditions, keys, scope })
      const before = Math.min(skip, Math.max(0, Math.ceil(runs.length / page) - 1))
      return told(runs.slice(before * page, (before + 1) * page).map(({ number }) => number))
    },
  }
}

const one = (title, name, more) => search(title, { where: [name], ...more })
const onData = { needs: 'datasets' }

const byIds = {
  title: 'runs/search: run_id IN 20 ids',
  ask: (store, v) => {
    const ids = store.runIds.slice(v * 20, v * 20 + 20).map((id) => `'${id}'`)
    return post('runs/search', {
      experiment_ids: store.experimentIds,
      filter: `attributes.run_id IN (${ids.join(', ')})`,
      max_results: PAGE,
    })
  },
  read: readRuns,
  expected: (plan, v) => {
    const runs = plan.runs.slice(v * 20, v * 20 + 20).sort(compareRuns([]))
    return told(runs.map(({ number }) => number))
  },
}

const getOne = (title, choose) => ({
  title: `runs/get: ${title}`,
  ask: (store, v) => get('runs/get', { run_id: store.runIds[choose(store.runIds, v)] }),
  read: ({ run }, store) => {
    const { metrics = [], params = [] } = run.data
    const own = metrics.filter(({ key }) => !key.startsWith('model_')).length
    return `${store.numbers.get(run.info.run_id)}: ${own} metrics, ${params.length} params`
  },
  expected: (plan, v) => {
    const { number, metrics, params, curve } = plan.runs[choose(plan.runs, v)]
    const own = Object.keys(metrics).filter((key) => !key.startsWith('model_')).length
    return `${number}: ${own + (curve ? 1 : 0)} metrics, ${Object.keys(params).length} params`
  },
})

export const RUN_ROWS = [
  getOne('one of all', pick),
  getOne('one with a long history', (_, v) => v),
  search('newest 100'),
  search('newest 1000', { page: 1000 }),
  search('newest, page 10', { skip: 9 }),
  search('newest, last page of 1000s', { page: 1000, skip: Number.POSITIVE_INFINITY }),
  search('newest of 100 experiments', { scope: ALL }),
  search('by metric', { by: ['lossUp'] }),
  search('by metric, page 10', { by: ['lossDown'], skip: 9 }),
  search('by metric that a third has', { by: ['recall'] }),
  search('by param', { by: ['layers'] }),
  search('by param, distinct', { by: ['seed'] }),
  search('by tag', { by: ['stage'] }),
  search('by end_time', { by: ['end'] }),
  search('by run_name', { by: ['name'] }),
  search('by metric, of 100 experiments', { by: ['lossUp'], scope: ALL }),
  search('by param, metric', { by: ['layers', 'lossDown'] }),
  search('by status, metric', { by: ['status', 'lossUp'] }),
  search('by tag, param', { by: ['stage', 'seed'] }),
  one('metric, half meet it', 'loss'),
  one('metric, 0.1 % meet it', 'rareLoss'),
  one('metric that nobody has', 'absentMetric'),
  one('param =', 'param'),
  one('param =, one meets it', 'seed'),
  one('param !=', 'paramNot'),
  one('param LIKE', 'paramLike'),
  one('param ILIKE', 'paramIlike'),
  one('tag =', 'tag'),
  one('tag !=', 'tagNot'),
  one('tag LIKE', 'tagLike'),
  one('tag IS NULL', 'tagNull'),
  one('tag IS NOT NULL', 'tagNotNull'),
  one('status =', 'status'),
  one('status !=', 'statusNot'),
  one('run_name LIKE', 'name'),
  one('user_id =', 'user'),
  one('start_time >', 'time'),
  byIds,
  one('dataset name =', 'data', onData),
  one('dataset digest IN', 'dataIn', onData),
  one('dataset name LIKE', 'dataLike', onData),
  one('dataset context =', 'context', onData),
  search('metric, param; by metric', { where: ['loss', 'param'], by: ['lossUp'] }),
  search('metric, metric; by metric', { where: ['recall', 'f1'], by: ['lossDown'] }),
  search('param, tag; by metric', { where: ['layers', 'tag'], by: ['lossUp'] }),
  search('metric, tag, of 100 experiments; by metric', {
    ...{ where: ['loss', 'tag'], by: ['lossUp'], scope: ALL },
  }),
  search('metric, param, tag', { where: ['loss', 'param', 'tag'] }),
  search('metric, param, tag; by metric', { where: ['loss', 'param', 'tag'], by: ['lossUp'] }),
  search('param LIKE, tag !=, status', { where: ['paramLike', 'tagNot', 'statusNot'] }),
  search('metric, param, tag, status; by param', {
    ...{ where: ['f1', 'paramNot', 'tagNull', 'status'], by: ['layers'] },
  }),
  search('2 metrics, param, tag, start_time; by metric, param', {
    ...{ where: ['loss', 'f1', 'paramNot', 'tagLike', 'time'], by: ['lossDown', 'layers'] },
  }),
  search('dataset, metric, param; by metric', {
    ...{ where: ['context', 'loss', 'param'], by: ['lossUp'], ...onData },
  }),
  search('dataset, metric, param, tag, status; by metric', {
    ...{ where: ['dataLike', 'f1', 'paramNot', 'tagNotNull', 'statusNot'], by: ['lossUp'], ...onData },
  }),
]
