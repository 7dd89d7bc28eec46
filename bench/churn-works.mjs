// What months of use do to a store, and what is asked of it meanwhile.
import { ajaxGet, get, post } from './ask.mjs'
import { assertEqual } from './measure.mjs'
import { METRICS_PER_BATCH } from './payloads.mjs'

const LOGGED_RUNS = 5
const KEYS = 50
const STEPS_PER_BATCH = METRICS_PER_BATCH / KEYS
const CLIENTS = 8
/** As many for each client, so that nobody else changes the tags of its runs. */
const TAGGED_RUNS = CLIENTS * 38
const TAG_KEYS = 3
const PAGE = 100
const POINTS_PER_PAGE = 10_000
const RUNS_PER_PAGE = 1000
const BEGAN = 1_700_000_000_000

/** Works and probes on a new experiment; works go on until so much was done in all. */
export async function createChurn(server) {
  const { experiment_id } = await server.post('experiments/create', { name: `churn-${Date.now()}` })
  const state = { server, experiment_id, points: 0, tags: 0, runs: 0, probed: 0, values: new Map() }
  state.logged = await newRuns(state, LOGGED_RUNS, 'logged')
  state.tagged = await newRuns(state, TAGGED_RUNS, 'tagged')
  return {
    logPoints: (total) => logPoints(state, total),
    changeTags: (total) => changeTags(state, total),
    comeAndGo: (total) => comeAndGo(state, total),
    probes: probesOf(state),
    done: () => ({ points: state.points, tags: state.tags, runs: state.runs }),
    moveTo: (restarted) => {
      state.server = restarted
    },
    check: () => check(state),
  }
}

/** Some clients; `work(number)` for every number of the client from `from` on to `to`. */
const inTurns = (clients, from, to, work) =>
  Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let n = from; n < to; n++) if (n % clients === client) await work(n)
    }),
  )

async function newRuns({ server, experiment_id }, count, kind) {
  const ids = []
  await inTurns(CLIENTS, 0, count, async (n) => {
    const { run } = await server.post('runs/create', { experiment_id, start_time: BEGAN + n })
    ids[n] = run.info.run_id
    const params = [{ key: 'kind', value: kind }]
    const metrics = [{ key: 'loss', value: n / count, timestamp: BEGAN + n, step: 1 }]
    await server.post('runs/log-batch', { run_id: ids[n], params, metrics })
  })
  return ids
}

/** Each batch holds the next steps of all keys of a run. */
async function logPoints(state, total) {
  const batches = Math.floor(total / METRICS_PER_BATCH)
  await inTurns(LOGGED_RUNS, state.points / METRICS_PER_BATCH, batches, async (n) => {
    const first = Math.floor(n / LOGGED_RUNS) * STEPS_PER_BATCH
    const metrics = Array.from({ length: METRICS_PER_BATCH }, (_, i) => {
      const step = first + Math.floor(i / KEYS)
      return { key: `key-${i % KEYS}`, value: Math.sin(step / 1000) + i, timestamp: BEGAN + step, step }
    })
    await state.server.post('runs/log-batch', { run_id: state.logged[n % LOGGED_RUNS], metrics })
  })
  state.points = batches * METRICS_PER_BATCH
}

async function changeTags(state, total) {
  await inTurns(CLIENTS, state.tags, total, async (n) => {
    const run = n % TAGGED_RUNS
    const key = `tag-${Math.floor(n / TAGGED_RUNS) % TAG_KEYS}`
    const value = `value ${n}`
    await state.server.post('runs/set-tag', { run_id: state.tagged[run], key, value })
    state.values.set(`${run} ${key}`, value)
  })
  state.tags = total
}

async function comeAndGo(state, total) {
  const { server, experiment_id } = state
  await inTurns(CLIENTS, state.runs, total, async (n) => {
    const { run } = await server.post('runs/create', { experiment_id, start_time: BEGAN + n })
    const { run_id } = run.info
    const params = [{ key: 'seed', value: String(n) }]
    const metrics = [{ key: 'loss', value: n / total, timestamp: BEGAN + n, step: 1 }]
    await server.post('runs/log-batch', { run_id, params, metrics })
    await server.post('runs/delete', { run_id })
  })
  state.runs = total
}

/** Title → one request. */
function probesOf(state) {
  const ask = async (request) => JSON.parse(await state.server.send(request))
  const anyTagged = () => state.tagged[state.probed++ % TAGGED_RUNS]
  return {
    'runs/log-metric': () => {
      const timestamp = BEGAN + state.probed
      return ask(
        post('runs/log-metric', {
          run_id: anyTagged(),
          key: 'probe',
          value: 1,
          timestamp,
          step: state.probed,
        }),
      )
    },
    'runs/get': async () => {
      const { run } = await ask(get('runs/get', { run_id: anyTagged() }))
      assertEqual('params', run.data.params.length, 1)
    },
    'runs/search': async () => {
      const filter = "params.kind = 'tagged' and metrics.loss < 0.5"
      const { experiment_id } = state
      const { runs } = await ask(
        post('runs/search', { experiment_ids: [experiment_id], filter, max_results: PAGE }),
      )
      assertEqual('runs', runs.length, PAGE)
    },
    'get-history-bulk-interval': () =>
      ask(
        ajaxGet('metrics/get-history-bulk-interval', {
          ...{ run_ids: state.logged, metric_key: 'key-7', max_results: 320 },
        }),
      ),
  }
}

/** All that was acknowledged is there. */
async function check(state) {
  const { server, experiment_id } = state
  for (const [run, run_id] of state.logged.entries()) {
    const batches = Math.ceil((state.points / METRICS_PER_BATCH - run) / LOGGED_RUNS)
    if (batches > 0) await checkHistory(server, { run_id, points: batches * STEPS_PER_BATCH })
  }
  for (const [run, run_id] of state.tagged.entries()) {
    const { data } = (await server.get(`runs/get?run_id=${run_id}`)).run
    for (let k = 0; k < TAG_KEYS; k++) {
      const key = `tag-${k}`
      const found = (data.tags ?? []).find((tag) => tag.key === key)?.value
      assertEqual(`${key} of run ${run}`, found, state.values.get(`${run} ${key}`))
    }
  }
  const search = {
    experiment_ids: [experiment_id],
    run_view_type: 'DELETED_ONLY',
    max_results: RUNS_PER_PAGE,
  }
  const deleted = await countPages((page) => server.post('runs/search', { ...search, ...page }), 'runs')
  assertEqual('deleted runs', deleted, state.runs)
}

async function checkHistory(server, { run_id, points }) {
  const { data } = (await server.get(`runs/get?run_id=${run_id}`)).run
  const latest = data.metrics.filter(({ key, step }) => key.startsWith('key-') && Number(step) === points - 1)
  assertEqual('keys with the last step', latest.length, KEYS)
  const query = { run_id, metric_key: 'key-7', max_results: POINTS_PER_PAGE }
  const ask = async (page) => JSON.parse(await server.send(get('metrics/get-history', { ...query, ...page })))
  assertEqual('points of a history', await countPages(ask, 'metrics'), points)
}

async function countPages(ask, key) {
  let count = 0
  let page = {}
  while (page) {
    const answer = await ask(page)
    count += answer[key]?.length ?? 0
    page = answer.next_page_token && { page_token: answer.next_page_token }
  }
  return count
}
