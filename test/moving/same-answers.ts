// What a server answers about all that it has: asked of two servers, it shows whether a move lost anything.
import type { HttpAnswer } from '../support/http.ts'

export type Request = (method: string, path: string, body?: unknown) => Promise<HttpAnswer>
type Json = Record<string, unknown>

const API = '/api/2.0/mlflow'
const API3 = '/api/3.0/mlflow'

/** All pages of a list. */
async function all(
  request: Request,
  [method, path, body]: [string, string, Json],
  field: string,
): Promise<Json[]> {
  const items: Json[] = []
  for (let page_token: string | undefined; ; ) {
    const asked = { ...body, ...(page_token && { page_token }) }
    const query = new URLSearchParams(Object.entries(asked).map(([key, value]) => [key, String(value)]))
    const answer = await (method === 'GET'
      ? request('GET', `${path}?${query}`)
      : request(method, path, asked))
    if (answer.status !== 200) throw new Error(`${path}: ${JSON.stringify(answer.body)}`)
    const page = answer.body as Json
    items.push(...((page[field] as Json[] | undefined) ?? []))
    page_token = (page.next_page_token as string | undefined) || undefined
    if (!page_token) return items
  }
}

const get = async (request: Request, path: string) => (await request('GET', path)).body as Json

/** Experiments, runs with the histories of their metrics, and logged models. */
export async function trackingAnswers(request: Request): Promise<Json> {
  const experiments = await all(
    request,
    ['POST', `${API}/experiments/search`, { view_type: 'ALL', max_results: 100 }],
    'experiments',
  )
  const ids = experiments.map(({ experiment_id }) => experiment_id)
  const runs = await all(
    request,
    ['POST', `${API}/runs/search`, { experiment_ids: ids, run_view_type: 'ALL', max_results: 200 }],
    'runs',
  )
  const histories: Json = {}
  for (const { info, data } of runs as { info: Json; data: { metrics?: { key: string }[] } }[]) {
    for (const { key } of data.metrics ?? []) {
      const query = new URLSearchParams({
        run_id: String(info.run_id),
        metric_key: key,
        max_results: '20000',
      })
      const { metrics } = await get(request, `${API}/metrics/get-history?${query}`)
      histories[`${info.run_id} ${key}`] = metrics
    }
  }
  const models = await all(
    request,
    ['POST', `${API}/logged-models/search`, { experiment_ids: ids, max_results: 50 }],
    'models',
  )
  return { experiments, runs, histories, models }
}

/** Registered models with versions and aliases, prompts, webhooks. */
export async function registryAnswers(request: Request): Promise<Json> {
  const prompts = "tags.`mlflow.prompt.is_prompt` = 'true'"
  const [models, texts] = await Promise.all(
    ['', prompts].map((filter) =>
      all(
        request,
        ['GET', `${API}/registered-models/search`, { max_results: 100, filter }],
        'registered_models',
      ),
    ),
  )
  const versions: Json[] = []
  const single: Json[] = []
  for (const { name } of [...(models ?? []), ...(texts ?? [])]) {
    single.push(
      await get(request, `${API}/registered-models/get?${new URLSearchParams({ name: String(name) })}`),
    )
    for (const filter of [`name='${name}'`, `name='${name}' and ${prompts}`])
      versions.push(
        ...(await all(
          request,
          ['GET', `${API}/model-versions/search`, { max_results: 100, filter }],
          'model_versions',
        )),
      )
  }
  const webhooks = await all(request, ['GET', '/api/2.0/mlflow/webhooks', { max_results: 100 }], 'webhooks')
  return { models, texts, single, versions, webhooks }
}

/** Traces with their spans and assessments, and evaluation datasets with their records. */
export async function genaiAnswers(request: Request): Promise<Json> {
  const experiments = await all(
    request,
    ['POST', `${API}/experiments/search`, { view_type: 'ACTIVE_ONLY', max_results: 100 }],
    'experiments',
  )
  const ids = experiments.map(({ experiment_id }) => String(experiment_id))
  const locations = ids.map((experiment_id) => ({
    type: 'MLFLOW_EXPERIMENT',
    mlflow_experiment: { experiment_id },
  }))
  const traces = await all(
    request,
    ['POST', `${API3}/traces/search`, { locations, max_results: 100 }],
    'traces',
  )
  const spans: Json = {}
  for (const { trace_id } of traces) {
    const { body } = await request('GET', `/ajax-api/2.0/mlflow/get-trace-artifact?request_id=${trace_id}`)
    spans[String(trace_id)] = body
  }
  const datasets = await all(
    request,
    ['POST', `${API3}/datasets/search`, { experiment_ids: ids, max_results: 100 }],
    'datasets',
  )
  for (const dataset of datasets) dataset.tags = JSON.parse(String(dataset.tags))
  const records: Json[] = []
  for (const { dataset_id } of datasets) {
    const page = await get(request, `${API3}/datasets/${dataset_id}/records?max_results=1000`)
    // Here ids of records follow from their inputs.
    for (const { dataset_record_id: _id, ...record } of JSON.parse(String(page.records)) as Json[])
      records.push(record)
  }
  const scorers: Json[] = []
  for (const id of ids) scorers.push(await get(request, `${API3}/scorers/list?experiment_id=${id}`))
  return { traces, spans, datasets, records, scorers }
}

/** The answers with all lists in one order, and without what is a server's own. */
export function comparable(value: unknown, without: readonly string[] = []): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => comparable(item, without))
    return items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .filter(([key]) => !without.includes(key))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => [key, comparable(item, without)])
  return Object.fromEntries(entries)
}
