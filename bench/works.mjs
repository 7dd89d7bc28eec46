// The works of the benchmark: each writes or reads for some seconds and proves by reading back that it was done.
import { randomUUID } from 'node:crypto'
import { encodeGet, encodePost } from './client.mjs'
import { emptyStore, fillStore } from './fill.mjs'
import { assertEqual, measure } from './measure.mjs'
import * as payloads from './payloads.mjs'
import { planOf } from './plan.mjs'

/** More than any work makes; one page then tells how many there are. */
const ALL = 50_000
/** Timestamps count from here: FastTrackML takes a zero for one that is absent. */
const FIRST = 1

const newExperiment = async (server) =>
  (await server.post('experiments/create', { name: `bench-${randomUUID()}` })).experiment_id

async function newRun(server, experimentId) {
  const id = experimentId ?? (await newExperiment(server))
  return (await server.post('runs/create', { experiment_id: id, start_time: Date.now() })).run.info.run_id
}

/** A run for each client, all in one experiment. */
async function newRuns(server, clients) {
  const experimentId = await newExperiment(server)
  return Promise.all(Array.from({ length: clients }, () => newRun(server, experimentId)))
}

const getRun = async (server, runId) => (await server.get(`runs/get?run_id=${runId}`)).run

/** The result, with what reading back found wrong, if anything: a rate of writes that got lost is still told. */
async function checked(result, readBack) {
  try {
    await readBack()
    return result
  } catch (error) {
    return { ...result, wrong: error.message }
  }
}

const createExperiments = (clients) => async (server, seconds) => {
  const prefix = `bench-${randomUUID()}`
  const result = await measure({
    clients,
    seconds,
    work: (i) => server.send(encodePost('experiments/create', `{"name":"${prefix}-${i}"}`)),
  })
  return checked(result, async () => {
    const filter = `name LIKE '${prefix}-%'`
    const { experiments } = await server.post('experiments/search', { filter, max_results: ALL })
    assertEqual('experiments', experiments.length, result.count)
  })
}

const createRuns = (clients) => async (server, seconds) => {
  const experimentId = await newExperiment(server)
  const body = JSON.stringify({ experiment_id: experimentId, start_time: 1, run_name: 'bench' })
  const request = encodePost('runs/create', body)
  const result = await measure({ clients, seconds, work: () => server.send(request) })
  return checked(result, async () => {
    const { runs } = await server.post('runs/search', { experiment_ids: [experimentId], max_results: ALL })
    assertEqual('runs', new Set(runs.map((run) => run.info.run_id)).size, result.count)
  })
}

/** All clients log points of one metric of one run; the highest step must be the latest. */
const logMetric = (clients) => async (server, seconds) => {
  const [runId] = await newRuns(server, 1)
  const fill = payloads.logMetric(runId)
  const work = (i) => server.send(encodePost('runs/log-metric', fill(FIRST + i)))
  const result = await measure({ clients, seconds, work })
  return checked(result, async () => {
    const path = `metrics/get-history?run_id=${runId}&metric_key=loss&max_results=${ALL}`
    assertEqual('points', (await server.get(path)).metrics.length, result.count)
    assertEqual('latest step', (await getRun(server, runId)).data.metrics[0].step, FIRST + result.count - 1)
  })
}

/**
 * Each client logs batches to a run of its own.
 * @param payload makes a template for a run; `expected(batches)` tells how many of what the run then has
 */
const logBatches =
  ({ clients, payload, expected, warm = false }) =>
  async (server, seconds) => {
    const runIds = await newRuns(server, clients)
    const fills = runIds.map(payload)
    const batches = runIds.map(() => 0)
    const work = (i, client) => {
      batches[client]++
      return server.send(encodePost('runs/log-batch', fills[client](FIRST + 1 + i)))
    }
    // The known keys of known keys.
    if (warm) await Promise.all(fills.map((fill) => server.send(encodePost('runs/log-batch', fill(FIRST)))))
    const result = await measure({ clients, seconds, work })
    return checked(result, async () => {
      for (const [client, runId] of runIds.entries()) {
        const { data } = await getRun(server, runId)
        for (const [what, count] of Object.entries(expected(batches[client])))
          assertEqual(what, what === 'tags' ? ownTags(data) : data[what].length, count)
      }
    })
  }

/** Tags besides those that servers add. */
const ownTags = (data) => data.tags.filter((tag) => !tag.key.startsWith('mlflow.')).length

const freshKeys = (clients) =>
  logBatches({
    clients,
    payload: payloads.freshKeys,
    expected: (batches) => ({ metrics: batches * payloads.METRICS_PER_BATCH }),
  })

const knownKeys = (clients) =>
  logBatches({
    clients,
    payload: payloads.knownKeys,
    expected: () => ({ metrics: payloads.METRICS_PER_BATCH }),
    warm: true,
  })

const mixedBatches = (clients) =>
  logBatches({
    clients,
    payload: payloads.mixedBatch,
    expected: (batches) => ({
      metrics: batches * payloads.MIXED.metrics,
      params: batches * payloads.MIXED.params,
      tags: batches * payloads.MIXED.tags,
    }),
  })

/** Sends one request again and again; each answer must be as long as the first one, which `check` has seen. */
async function repeat({ server, clients, seconds, request, check }) {
  const first = await server.send(request)
  check(JSON.parse(first))
  const work = async () => assertEqual('bytes', (await server.send(request)).length, first.length)
  return measure({ clients, seconds, work })
}

const getRuns = (clients) => async (server, seconds) => {
  const [runId] = await newRuns(server, 1)
  await server.send(encodePost('runs/log-batch', payloads.fullRun(runId)))
  const check = ({ run }) => {
    assertEqual('params', run.data.params.length, 100)
    assertEqual('metrics', run.data.metrics.length, 100)
  }
  return repeat({ server, clients, seconds, request: encodeGet(`runs/get?run_id=${runId}`), check })
}

/** A server that has not taken the runs in this time does not take part in searching. */
const FILL_SECONDS = 240
const filled = new WeakMap()

/** MLflow's default experiment with runs to search, once per server. */
function fillOnce(server, runs) {
  const plan = planOf({ runs, experiments: 1 })
  const known = filled.get(server) ?? fillStore(emptyStore(server), plan, { seconds: FILL_SECONDS })
  filled.set(server, known)
  return known.then(() => plan)
}

/** Half of a third of the runs, best first. */
const SEARCH = {
  experiment_ids: ['0'],
  filter: "metrics.loss < 0.5 and params.optimizer = 'adam'",
  order_by: ['metrics.loss ASC'],
  max_results: 100,
}

const searchRuns = async (server, seconds, { runs: searchedRuns }) => {
  const plan = await fillOnce(server, searchedRuns)
  const best = plan.runs
    .filter(({ metrics, params }) => metrics.loss < 0.5 && params.optimizer === 'adam')
    .sort((a, b) => a.metrics.loss - b.metrics.loss)
  const expected = best.slice(0, SEARCH.max_results).map(({ name }) => name)
  const check = ({ runs }) =>
    assertEqual('runs', runs.map(({ info }) => info.run_name).join(), expected.join())
  return repeat({
    server,
    clients: 1,
    seconds,
    request: encodePost('runs/search', JSON.stringify(SEARCH)),
    check,
  })
}

/** One request of this work is a walk through all pages. */
const pageThrough = async (server, seconds, { runs: searchedRuns }) => {
  await fillOnce(server, searchedRuns)
  const work = async () => {
    const seen = new Set()
    let token
    do {
      const page = { experiment_ids: ['0'], max_results: 100, page_token: token }
      const { runs, next_page_token } = await server.post('runs/search', page)
      for (const run of runs) seen.add(run.info.run_id)
      token = next_page_token
    } while (token)
    assertEqual('runs', seen.size, searchedRuns)
  }
  return measure({ clients: 1, seconds, work })
}

const { METRICS_PER_BATCH } = payloads

/** Title → what it does, and how many rows a request counts for in its rate. */
export const WORKS = {
  'create experiment, c1': { run: createExperiments(1) },
  'create run, c1': { run: createRuns(1) },
  'create run, c8': { run: createRuns(8) },
  'log-metric, c1': { run: logMetric(1) },
  'log-metric, c8': { run: logMetric(8) },
  'log-metric, c64': { run: logMetric(64) },
  'log-batch 1000 fresh keys, c1 (metrics/s)': { run: freshKeys(1), rows: METRICS_PER_BATCH },
  'log-batch 1000 fresh keys, c4 (metrics/s)': { run: freshKeys(4), rows: METRICS_PER_BATCH },
  'log-batch 1000 known keys, c4 (metrics/s)': { run: knownKeys(4), rows: METRICS_PER_BATCH },
  'mixed batch, c1': { run: mixedBatches(1) },
  'mixed batch, c4': { run: mixedBatches(4) },
  'get run, c1': { run: getRuns(1) },
  'get run, c8': { run: getRuns(8) },
  'search runs, c1': { run: searchRuns },
  'page through runs, c1': { run: pageThrough },
}
