// A run logged and found by JavaScript's own fetch: Node.js 20 or newer, no packages.
//   MLFLOW_TRACKING_URI=http://127.0.0.1:5000 node examples/rest.mjs
const server = process.env.MLFLOW_TRACKING_URI ?? 'http://127.0.0.1:5000'
const EXPERIMENT = 'rest by javascript'

/** Asks an endpoint of MLflow's REST API: by GET without a body, else by POST. Throws what the server says. */
async function call(endpoint, body) {
  const response = await fetch(`${server}/api/2.0/mlflow/${endpoint}`, {
    method: body ? 'POST' : 'GET',
    headers: { 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  })
  const answer = await response.json()
  if (!response.ok) throw Object.assign(new Error(answer.message), { code: answer.error_code })
  return answer
}

/** The id of the experiment of that name, which is made if there is none. */
async function experimentOf(name) {
  try {
    const query = new URLSearchParams({ experiment_name: name })
    return (await call(`experiments/get-by-name?${query}`)).experiment.experiment_id
  } catch (error) {
    if (error.code !== 'RESOURCE_DOES_NOT_EXIST') throw error
    return (await call('experiments/create', { name })).experiment_id
  }
}

const experimentId = await experimentOf(EXPERIMENT)
const { run } = await call('runs/create', {
  experiment_id: experimentId,
  run_name: 'by fetch',
  start_time: Date.now(),
})
const runId = run.info.run_id

// Up to 1000 metrics, 100 params and 100 tags go into one request.
const losses = [0.9, 0.6, 0.4]
await call('runs/log-batch', {
  run_id: runId,
  params: [{ key: 'learning_rate', value: '0.1' }],
  tags: [{ key: 'language', value: 'javascript' }],
  metrics: losses.map((value, step) => ({ key: 'loss', value, timestamp: Date.now(), step })),
})

// Files of a run go through the server, whether it keeps them in a folder or in S3: mlflow-artifacts:/<path of the run>.
const folder = run.info.artifact_uri.replace(/^mlflow-artifacts:\/*/, '')
const file = `${server}/api/2.0/mlflow-artifacts/artifacts/${folder}/losses.json`
const stored = await fetch(file, { method: 'PUT', body: JSON.stringify(losses) })
if (!stored.ok) throw new Error(await stored.text())

await call('runs/update', { run_id: runId, status: 'FINISHED', end_time: Date.now() })

const { runs } = await call('runs/search', {
  experiment_ids: [experimentId],
  filter: "metrics.loss < 0.5 and params.learning_rate = '0.1'",
  order_by: ['attributes.start_time DESC'],
  max_results: 1,
})
const { metrics } = await call(
  `metrics/get-history?${new URLSearchParams({ run_id: runId, metric_key: 'loss' })}`,
)
console.log(`${runs[0].info.run_name}: ${runs[0].info.status}, losses ${metrics.map(({ value }) => value)}`)
console.log(`losses.json: ${await (await fetch(file)).text()}`)
