// What the tests of commands on a running server look at.

import { spansExport } from '../support/otlp.ts'
import type { TestServer } from '../support/server.ts'

const API = '/api/2.0/mlflow'

export interface Seeded {
  /** Experiment `first steps`, with one run `baseline`. */
  first: string
  run: string
  /** Logged by that run, `taster`. */
  model: string
  /** Experiment `wine, "dry"`, with runs `baseline` and `second`, in the order of their start. */
  dry: string
  dryRuns: string[]
  /** How many traces the experiment `many` has. */
  manyTraces: number
}

const MANY = 700
const START_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678)

/** Makes experiments, runs, a model and traces. */
export async function seed(server: TestServer): Promise<Seeded> {
  const post = async <Answer>(path: string, body: unknown): Promise<Answer> => {
    const answer = await server.request('POST', `${API}/${path}`, body)
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
    return answer.body as Answer
  }
  const createExperiment = async (name: string) =>
    (await post<{ experiment_id: string }>('experiments/create', { name })).experiment_id
  const createRun = async (body: object) =>
    (await post<{ run: { info: { run_id: string } } }>('runs/create', body)).run.info.run_id

  const first = await createExperiment('first steps')
  // The id of one is the name of another.
  await createExperiment(first)
  const dry = await createExperiment('wine, "dry"')
  const tags = [{ key: 'team', value: 'taste' }]
  const run = await createRun({
    experiment_id: first,
    run_name: 'baseline',
    start_time: Date.now() - 1234,
    tags,
  })
  await post('runs/log-batch', {
    run_id: run,
    metrics: [{ key: 'loss', value: 0.25, timestamp: 1, step: 7 }],
    params: [{ key: 'optimizer', value: 'sgd' }],
  })
  const { body } = await server.request('GET', `${API}/runs/get?run_id=${run}`)
  const { start_time } = (body as { run: { info: { start_time: number } } }).run.info
  await post('runs/update', { run_id: run, status: 'FINISHED', end_time: start_time + 1234 })
  const path = `/api/2.0/mlflow-artifacts/artifacts/${first}/${run}/artifacts/notes.txt`
  await server.request('PUT', path, { raw: 'x'.repeat(5000), contentType: 'text/plain' })

  const model = await logInputs(post, first, run)

  const old = await createRun({ experiment_id: dry, run_name: 'baseline', start_time: START_MS })
  await post('runs/log-batch', {
    run_id: old,
    metrics: [{ key: 'loss', value: 'NaN', timestamp: 1, step: 0 }],
    params: [{ key: 'optimizer', value: 'sgd' }],
  })
  await post('runs/update', { run_id: old, status: 'FINISHED', end_time: START_MS + 65_000 })
  const second = await createRun({
    experiment_id: dry,
    run_name: 'second',
    user_id: 'ann',
    start_time: Date.now(),
  })
  await server.request('POST', `${API}/runs/log-batch`, {
    raw: `{"run_id":"${second}","metrics":[{"key":"loss","value":0.5,"timestamp":1,"step":9007199254740993}]}`,
    contentType: 'application/json',
  })
  await post('runs/log-batch', {
    run_id: second,
    params: [
      { key: 'optimizer', value: 'adam' },
      { key: 'note', value: 'say "so", then\nsomething \u001b[31m' },
    ],
  })
  await seedModels(post)
  await seedTraces(server, first, await createExperiment('many'))
  return { first, run, model, dry, dryRuns: [old, second], manyTraces: MANY }
}

type Post = <Answer>(path: string, body: unknown) => Promise<Answer>

/** A dataset and a logged model of the run. @returns the id of the model */
async function logInputs(post: Post, experiment_id: string, run_id: string): Promise<string> {
  const dataset = { name: 'wines', digest: 'abc123', source_type: 'local', source: '{}' }
  const tags = [{ key: 'mlflow.data.context', value: 'training' }]
  await post('runs/log-inputs', { run_id, datasets: [{ tags, dataset }] })
  const { model } = await post<{ model: { info: { model_id: string } } }>('logged-models', {
    experiment_id,
    name: 'taster',
    source_run_id: run_id,
  })
  const { model_id } = model.info
  await post('runs/outputs', { run_id, models: [{ model_id, step: 3 }] })
  return model_id
}

async function seedModels(post: Post): Promise<void> {
  const name = 'wine taster'
  await post('registered-models/create', { name, tags: [{ key: 'origin', value: 'here' }] })
  for (let made = 0; made < 3; made++)
    await post('model-versions/create', { name, source: 's3://bucket/model' })
  await post('registered-models/alias', { name, alias: 'champion', version: '2' })
  await post('registered-models/create', { name: 'short-lived@home' })
}

const NANOS = 1_000_000_000n

async function seedTraces(server: TestServer, experiment: string, many: string): Promise<void> {
  const now = BigInt(Date.now()) * 1_000_000n - 10n * NANOS
  const send = async (experimentId: string, spans: unknown[]) => {
    const headers = { 'x-mlflow-experiment-id': experimentId }
    const answer = await server.request('POST', '/v1/traces', {
      otlp: spansExport(spans),
      as: 'json',
      headers,
    })
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
  }
  const id = (number: number, digits: number) => number.toString(16).padStart(digits, '0')
  const span = (
    trace: number,
    number: number,
    name: string,
    [from, ms]: [number, number],
    more: object = {},
  ) => ({
    traceId: id(trace, 32),
    spanId: id(trace * 16 + number, 16),
    name,
    startTimeUnixNano: String(now + BigInt(from) * 1_000_000n),
    endTimeUnixNano: String(now + BigInt(from + ms) * 1_000_000n),
    ...more,
  })
  const below = (trace: number, parent: number) => ({ parentSpanId: id(trace * 16 + parent, 16) })
  const type = (value: string) => ({
    attributes: [{ key: 'mlflow.spanType', value: { stringValue: JSON.stringify(value) } }],
  })
  const failed = { status: { code: 'STATUS_CODE_ERROR' } }
  await send(experiment, [
    span(1, 1, 'answer', [0, 2000], type('AGENT')),
    span(1, 4, 'call', [1000, 1000], { ...below(1, 1), ...type('LLM'), ...failed }),
    span(1, 3, 'embed', [110, 250], below(1, 2)),
    span(1, 2, 'retrieve', [100, 500], below(1, 1)),
    span(2, 1, 'broken', [0, 5], failed),
  ])
  // Traces by OTLP alone have no name; MLflow's client gives them one by this tag.
  for (const [trace, value] of [
    [1, 'answer'],
    [2, 'broken'],
  ] as const) {
    const body = { key: 'mlflow.traceName', value }
    await server.request('PATCH', `/api/3.0/mlflow/traces/tr-${id(trace, 32)}/tags`, body)
  }
  const spans = Array.from({ length: MANY }, (_none, index) =>
    span(1000 + index, 1, 'one of many', [index, 1]),
  )
  for (let from = 0; from < MANY; from += 350) await send(many, spans.slice(from, from + 350))
}
