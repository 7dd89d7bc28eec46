// Fills a store with what a plan holds, through REST, as clients do it. A filled store may grow by a larger plan.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { encodeRequest } from './client.mjs'
import { assertEqual } from './measure.mjs'
import { ARTIFACTS, experimentName, experimentTeam, valueAt } from './plan.mjs'

const CLIENTS = 8
const POINTS_PER_BATCH = 1000
const TOLD_EVERY_MS = 20_000
const PAGE = 1000
const TRIES = 5
const PAUSE_MS = 500

/** What a server may lack; the filler then leaves it out. */
const FEATURES = ['datasets', 'models', 'registry', 'artifacts']

/** A store that holds nothing yet. Ids are the server's: plan and store tell the same thing by the same number. */
export const emptyStore = (server) => ({
  server,
  writer: persistent(server),
  name: server.name,
  title: server.title,
  experimentIds: ['0'],
  runIds: [],
  loggedModelIds: [],
  registeredModels: 0,
  numbers: new Map(),
  features: new Set(FEATURES),
})

/** Like MLflow's clients, asks again when the server is busy. */
function persistent(server) {
  const insist = async (work) => {
    for (let tries = 1; ; tries++) {
      try {
        return await work()
      } catch (error) {
        if (tries === TRIES || ![429, 503].includes(error.status)) throw error
        await sleep(tries * PAUSE_MS)
      }
    }
  }
  const { post, patch, send } = server
  return {
    post: (path, body) => insist(() => post(path, body)),
    patch: (path, body) => insist(() => patch(path, body)),
    send: (request) => insist(() => send(request)),
  }
}

const list = (object) => Object.entries(object).map(([key, value]) => ({ key, value }))

/**
 * Brings a store to what the plan holds and counts it.
 * @throws Error that tells how far it got when `seconds` do not suffice
 */
export async function fillStore(store, plan, { seconds, log = () => {} }) {
  const deadline = performance.now() + seconds * 1000
  const { writer: server } = store
  for (let index = store.experimentIds.length; index < plan.experiments; index++) {
    const tags = list({ team: experimentTeam(index) })
    const made = await server.post('experiments/create', { name: experimentName(index), tags })
    store.experimentIds.push(made.experiment_id)
  }
  const steps = [
    ['runs', store.runIds.length, plan.runs, writeRun],
    ['logged models', store.loggedModelIds.length, plan.loggedModels, writeLoggedModel],
    ['registered models', store.registeredModels, plan.registeredModels, writeRegisteredModel],
  ]
  for (const [what, from, all, write] of steps) {
    const tell = (done) => log(`${store.name}: ${done} of ${all.length} ${what}`)
    await writeAll({ what, from, all, deadline, tell, write: (one) => write(store, one) })
  }
  await checkRuns(store, plan)
}

/** Several clients, each of which takes the next one when it is done. */
async function writeAll({ what, from, all, deadline, tell, write }) {
  const began = performance.now()
  let next = from
  let done = from
  let told = began
  let failed = false
  const runClient = async () => {
    while (!failed && next < all.length && performance.now() < deadline) {
      await write(all[next++]).catch((error) => {
        failed = true
        throw error
      })
      done++
      if (performance.now() - told < TOLD_EVERY_MS) continue
      told = performance.now()
      tell(done)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, runClient))
  if (done === all.length) return
  const seconds = Math.round((performance.now() - began) / 1000)
  throw new Error(`not reached: ${done} of ${all.length} ${what} after ${seconds} s`)
}

async function writeRun(store, run) {
  const { writer: server } = store
  const created = await server.post('runs/create', {
    experiment_id: store.experimentIds[run.experiment],
    run_name: run.name,
    user_id: run.user,
    start_time: run.startTime,
    tags: list({
      'mlflow.user': run.user,
      'mlflow.source.name': 'train.py',
      'mlflow.source.type': 'LOCAL',
      'mlflow.runName': run.name,
    }),
  })
  const { run_id: runId, artifact_uri: artifactUri } = created.run.info
  store.runIds[run.number] = runId
  store.numbers.set(runId, run.number)
  const { params, tags } = run
  const metrics = run.points > POINTS_PER_BATCH ? { ...run.metrics, loss: undefined } : run.metrics
  const points = historiesOf(metrics, run, Math.min(run.points, POINTS_PER_BATCH / 10))
  await server.post('runs/log-batch', {
    run_id: runId,
    metrics: points,
    params: list(params),
    tags: list(tags),
  })
  if (run.points > POINTS_PER_BATCH) await writeHistory(store, run, 'loss', run.points)
  if (run.curve) await writeHistory(store, run, 'curve', run.curve)
  if (run.dataset)
    await optional(store, 'datasets', () => server.post('runs/log-inputs', datasetInput(run, runId)))
  if (run.number === 0) await optional(store, 'artifacts', () => writeArtifacts(server, artifactUri))
  const ended = run.status === 'RUNNING' ? {} : { end_time: run.endTime }
  await server.post('runs/update', { run_id: runId, status: run.status, ...ended })
}

/** Metrics that are undefined, and those that come with a logged model, are written elsewhere. */
const historiesOf = (metrics, run, points) =>
  Object.entries(metrics)
    .filter(([key, value]) => value !== undefined && !key.startsWith('model_'))
    .flatMap(([key, final]) =>
      Array.from({ length: points }, (_, step) => pointOf({ key, final, run, step, points })),
    )

const pointOf = ({ key, final, run, step, points }) => ({
  key,
  value: valueAt(final, step, points),
  timestamp: run.startTime + 1 + step * 10,
  step,
})

async function writeHistory(store, run, key, points) {
  const final = run.metrics.loss
  for (let from = 0; from < points; from += POINTS_PER_BATCH) {
    const length = Math.min(POINTS_PER_BATCH, points - from)
    const metrics = Array.from({ length }, (_, i) => pointOf({ key, final, run, step: from + i, points }))
    await store.writer.post('runs/log-batch', { run_id: store.runIds[run.number], metrics })
  }
}

const datasetInput = ({ dataset }, runId) => ({
  run_id: runId,
  datasets: [
    {
      dataset: {
        name: dataset.name,
        digest: dataset.digest,
        source_type: 'local',
        source: `{"uri":"/data/${dataset.name}.csv"}`,
        schema: '{"mlflow_colspec":[{"type":"double","name":"x"},{"type":"double","name":"y"}]}',
        profile: '{"num_rows":1000,"num_elements":2000}',
      },
      tags: list({ 'mlflow.data.context': dataset.context }),
    },
  ],
})

/** Through the server, or into the folder that it names, as the client of MLflow does it. */
async function writeArtifacts(server, uri) {
  for (let i = 0; i < ARTIFACTS; i++) {
    const name = `file-${i}.txt`
    if (uri.startsWith('mlflow-artifacts:')) {
      const path = `/api/2.0/mlflow-artifacts/artifacts${new URL(uri).pathname}/${name}`
      await server.send(encodeRequest('PUT', path, `text ${i}`))
    } else {
      const folder = fileURLToPath(uri)
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, name), `text ${i}`)
    }
  }
}

async function writeLoggedModel(store, model) {
  const { writer: server } = store
  const runId = store.runIds[model.source]
  await optional(store, 'models', async () => {
    const created = await server.post('logged-models', {
      experiment_id: store.experimentIds[model.experiment],
      name: model.name,
      model_type: model.type,
      source_run_id: runId,
      params: list(model.params),
      tags: list(model.tags),
    })
    const modelId = created.model.info.model_id
    store.loggedModelIds[model.number] = modelId
    const metrics = Object.entries(model.metrics).map(([key, value]) => ({ key, value, ...MODEL_POINT }))
    await server.post('runs/log-batch', {
      run_id: runId,
      metrics: metrics.map((metric) => ({ ...metric, model_id: modelId })),
    })
    await server.post('runs/outputs', { run_id: runId, models: [{ model_id: modelId, step: 1 }] })
    await server.patch(`logged-models/${modelId}`, { model_id: modelId, status: 'LOGGED_MODEL_READY' })
  })
}

const MODEL_POINT = { timestamp: 1_700_000_000_000, step: 1 }

async function writeRegisteredModel(store, { name, tags, versions, aliases, number }) {
  const { writer: server } = store
  await optional(store, 'registry', async () => {
    await server.post('registered-models/create', { name, tags: list(tags), description: `number ${number}` })
    for (const { run, source, tags } of versions) {
      const version = { name, source, run_id: store.runIds[run], tags: list(tags) }
      await server.post('model-versions/create', version)
    }
    for (const [alias, version] of Object.entries(aliases))
      await server.post('registered-models/alias', { name, alias, version: String(version) })
    store.registeredModels++
  })
}

/** A server that does not know an endpoint lacks the feature; all else that fails is a failure. */
async function optional(store, feature, write) {
  if (!store.features.has(feature)) return
  try {
    await write()
  } catch (error) {
    if (error.status !== 404 && error.status !== 405) throw error
    store.features.delete(feature)
  }
}

/** Every run is found once, under its id. */
async function checkRuns(store, plan) {
  const found = new Set()
  let token
  do {
    const page = { experiment_ids: store.experimentIds, max_results: PAGE, page_token: token }
    const { runs = [], next_page_token } = await store.server.post('runs/search', page)
    for (const { info } of runs) {
      assertEqual('number of a run', Number(info.run_name.slice(-6)), store.numbers.get(info.run_id))
      found.add(info.run_id)
    }
    token = next_page_token
  } while (token)
  assertEqual('runs', found.size, plan.runs.length)
}
