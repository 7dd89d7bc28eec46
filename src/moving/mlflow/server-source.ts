// A running MLflow server as the source of a move, by its REST API. What it does not tell stays there: deleted versions,
// logged models that were deleted, secrets of webhooks.
import { isJsonObject, parseJsonAsSpelled } from '../../platform/wire/int64.ts'
import type { FamilyName, Row } from '../families.store.ts'
import type { Source } from '../source.ts'
import {
  datasetsOf,
  type Entity,
  experimentOf,
  historyPointOf,
  loggedModelOf,
  registeredModelOf,
  runOf,
  traceOf,
  webhookOf,
} from './entities.ts'
import { createEntitySource } from './entity-source.ts'
import { type Rest, RestError } from './rest.ts'

type Json = Record<string, unknown>

const API = '/api/2.0/mlflow'
const IS_PROMPT = "tags.`mlflow.prompt.is_prompt` = 'true'"
/** Experiments that one search goes over. */
const EXPERIMENTS_AT_ONCE = 20
const HISTORY_PAGE = 25_000

export interface ServerSourceOptions {
  name: string
  /** Names or ids of experiments; empty for all, and for what belongs to none. */
  experiments: readonly string[]
}

/** @throws Error when there is no server, or an experiment is not there */
export async function createServerSource(rest: Rest, options: ServerSourceOptions): Promise<Source> {
  const all = await gather(
    pages(rest, 'POST', `${API}/experiments/search`, { view_type: 'ALL', max_results: 1000 }, 'experiments'),
  )
  const experiments = choose(all, options.experiments)
  const ids = experiments.map(({ experiment_id }) => String(experiment_id))
  const active = experiments
    .filter(({ lifecycle_stage }) => lifecycle_stage !== 'deleted')
    .map(({ experiment_id }) => String(experiment_id))
  const isWhole = options.experiments.length === 0
  const reading = { rest, ids, active }
  const families: Partial<Record<FamilyName, () => AsyncIterable<Entity>>> = {
    experiments: () => each(experiments.map(experimentOf)),
    datasets: () => datasets(reading),
    runs: () => runs(reading),
    ...((await hasModels(reading)) && { logged_models: () => loggedModels(reading) }),
    ...((await hasTraces(reading)) && { traces: () => traces(reading) }),
    ...(isWhole && { registered_models: () => registeredModels(rest) }),
    ...(isWhole &&
      (await answers(rest, 'GET', `${API}/webhooks`, { max_results: 1 })) && {
        webhooks: () => webhooks(rest),
      }),
  }
  return createEntitySource({
    name: options.name,
    of: (family) => families[family]?.(),
    without: ['registry_audit', 'trace_links'],
    notes: [
      'A server does not tell of deleted model versions and logged models, links of traces, evaluation datasets, scorers and reviews: to have them too, name its database with --from.',
    ],
  })
}

function choose(all: readonly Json[], wanted: readonly string[]): Json[] {
  if (wanted.length === 0) return [...all]
  return wanted.map((one) => {
    const found =
      all.find(({ name }) => name === one) ?? all.find(({ experiment_id }) => experiment_id === one)
    if (!found) throw new Error(`There is no experiment ${JSON.stringify(one)} in the source.`)
    return found
  })
}

/** Whether the server knows the endpoint; older ones do not know all. */
async function answers(rest: Rest, method: 'GET' | 'POST', path: string, body: Json): Promise<boolean> {
  try {
    await request(rest, method, path, body)
    return true
  } catch (error) {
    if (error instanceof RestError && [404, 405, 501].includes(error.status)) return false
    throw error
  }
}

const hasModels = async ({ rest, active: [first] }: Reading) =>
  first !== undefined &&
  answers(rest, 'POST', `${API}/logged-models/search`, { experiment_ids: [first], max_results: 1 })

const hasTraces = async ({ rest, active: [first] }: Reading) =>
  first !== undefined &&
  answers(rest, 'POST', '/api/3.0/mlflow/traces/search', { locations: locationsOf([first]), max_results: 1 })

const request = (rest: Rest, method: 'GET' | 'POST', path: string, body: Json): Promise<Json> => {
  if (method === 'POST') return rest.post(path, body)
  const query = new URLSearchParams(
    Object.entries(body).map(([key, value]): [string, string] => [key, String(value)]),
  )
  return rest.get(`${path}?${query}`)
}

async function* pages(
  rest: Rest,
  method: 'GET' | 'POST',
  path: string,
  body: Json,
  field: string,
): AsyncGenerator<Json[]> {
  for (let token: unknown; ; ) {
    const page = await request(rest, method, path, {
      ...body,
      ...(token !== undefined && { page_token: token }),
    })
    yield (page[field] as Json[] | undefined) ?? []
    token = page.next_page_token || undefined
    if (token === undefined) return
  }
}

async function gather(parts: AsyncIterable<Json[]>): Promise<Json[]> {
  const items: Json[] = []
  for await (const part of parts) items.push(...part)
  return items
}

async function* each<One>(items: readonly One[]): AsyncGenerator<One> {
  yield* items
}

interface Reading {
  rest: Rest
  ids: readonly string[]
  /** Those that are not deleted: others have no models and traces to search. */
  active: readonly string[]
}

async function* runMessages({ rest, ids }: Reading): AsyncGenerator<Json> {
  for (let start = 0; start < ids.length; start += EXPERIMENTS_AT_ONCE) {
    const body = {
      experiment_ids: ids.slice(start, start + EXPERIMENTS_AT_ONCE),
      run_view_type: 'ALL',
      max_results: 500,
    }
    for await (const page of pages(rest, 'POST', `${API}/runs/search`, body, 'runs')) yield* page
  }
}

/** Once each, as the runs name them. */
async function* datasets(reading: Reading): AsyncGenerator<Entity> {
  const seen = new Set<unknown>()
  for await (const run of runMessages(reading)) {
    for (const row of datasetsOf(run)) {
      if (seen.has(row.datasetId)) continue
      seen.add(row.datasetId)
      yield { row, children: {} }
    }
  }
}

async function* runs(reading: Reading): AsyncGenerator<Entity> {
  for await (const json of runMessages(reading)) {
    const keys = ((json.data as Json | undefined)?.metrics as { key: string }[] | undefined)?.map(
      ({ key }) => key,
    )
    yield runOf(json, (run) => () => histories(reading.rest, run, keys ?? []))
  }
}

async function* histories(rest: Rest, run: Row, keys: readonly string[]): AsyncGenerator<Row[]> {
  for (const metric_key of keys) {
    const query = { run_id: run.runId, metric_key, max_results: HISTORY_PAGE }
    for await (const page of pages(rest, 'GET', `${API}/metrics/get-history`, query, 'metrics'))
      yield page.map((point) => historyPointOf(run, point))
  }
}

async function* loggedModels({ rest, active }: Reading): AsyncGenerator<Entity> {
  const ofRun = new Map<string, string>()
  const experimentOfRun = (runId: string) => ofRun.get(runId)
  for (let start = 0; start < active.length; start += EXPERIMENTS_AT_ONCE) {
    const body = { experiment_ids: active.slice(start, start + EXPERIMENTS_AT_ONCE), max_results: 50 }
    for await (const page of pages(rest, 'POST', `${API}/logged-models/search`, body, 'models')) {
      for (const json of page) {
        const metrics = ((json.data as Json | undefined)?.metrics as Json[] | undefined) ?? []
        for (const id of new Set(metrics.map(({ run_id }) => String(run_id)))) {
          if (!id || ofRun.has(id)) continue
          const { run } = await rest.get<{ run: { info: Json } }>(
            `${API}/runs/get?${new URLSearchParams({ run_id: id })}`,
          )
          ofRun.set(id, String(run.info.experiment_id))
        }
        yield loggedModelOf(json, experimentOfRun)
      }
    }
  }
}

/** Models, then prompts, which searches leave out unless they are asked for; each read once more, since searches tell no aliases. */
async function* registeredModels(rest: Rest): AsyncGenerator<Entity> {
  const seen = new Set<unknown>()
  for (const filter of ['', IS_PROMPT]) {
    const models = pages(
      rest,
      'GET',
      `${API}/registered-models/search`,
      { max_results: 100, filter },
      'registered_models',
    )
    try {
      for await (const page of models) {
        for (const { name } of page) {
          if (seen.has(name)) continue
          seen.add(name)
          yield registeredModelOf(
            await modelMessage(rest, String(name)),
            await versionMessages(rest, String(name)),
          )
        }
      }
    } catch (error) {
      // Servers before prompts do not know the name of the tag.
      if (filter === '' || !(error instanceof RestError && error.status === 400)) throw error
    }
  }
}

const modelMessage = async (rest: Rest, name: string): Promise<Json> =>
  (await request(rest, 'GET', `${API}/registered-models/get`, { name })).registered_model as Json

async function versionMessages(rest: Rest, name: string): Promise<Json[]> {
  const quoted = name.includes("'") ? `"${name}"` : `'${name}'`
  const found = new Map<unknown, Json>()
  for (const filter of [`name=${quoted}`, `name=${quoted} and ${IS_PROMPT}`]) {
    const body = { max_results: 200, filter }
    for (const version of await gather(
      pages(rest, 'GET', `${API}/model-versions/search`, body, 'model_versions'),
    ))
      found.set(version.version, version)
  }
  return [...found.values()]
}

async function* webhooks(rest: Rest): AsyncGenerator<Entity> {
  for await (const page of pages(rest, 'GET', `${API}/webhooks`, { max_results: 100 }, 'webhooks'))
    for (const json of page) yield webhookOf(json)
}

const locationsOf = (ids: readonly string[]) =>
  ids.map((experiment_id) => ({ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id } }))

async function* traces({ rest, active }: Reading): AsyncGenerator<Entity> {
  for (let start = 0; start < active.length; start += EXPERIMENTS_AT_ONCE) {
    const locations = locationsOf(active.slice(start, start + EXPERIMENTS_AT_ONCE))
    const body = { locations, max_results: 100 }
    for await (const page of pages(rest, 'POST', '/api/3.0/mlflow/traces/search', body, 'traces'))
      for (const json of page) yield traceOf(json, await spansOf(rest, String(json.trace_id)))
  }
}

/** Spans as the UI reads them; a trace that is not finished may have none. */
async function spansOf(rest: Rest, traceId: string) {
  try {
    const path = `/ajax-api/2.0/mlflow/get-trace-artifact?${new URLSearchParams({ request_id: traceId })}`
    const answer = parseJsonAsSpelled(await (await rest.fetch(path)).text())
    return isJsonObject(answer) && Array.isArray(answer.spans) ? answer.spans.filter(isJsonObject) : []
  } catch (error) {
    if (error instanceof RestError && error.status < 500) return []
    throw error
  }
}
