// The same data on any server, and random searches that hit it.
import fc from 'fast-check'
import type { HttpAnswer } from '../support/http.ts'

export type Ask = (method: string, path: string, body?: unknown) => Promise<HttpAnswer>

export const API = '/api/2.0/mlflow'
const EXPERIMENTS = 3
const RUNS = 60
const STATUSES = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']
const NAMES = [
  'alpha',
  'Alpha',
  'alpha 100%',
  'a_b',
  'axb',
  'back\\slash',
  'naïve',
  "it's",
  'zeta',
  'beta.v2',
]
const METRIC_KEYS = ['loss', 'acc', 'val/loss', 'a.b']
const METRIC_VALUES = [0, 0.5, -1, 1e-3, 2, 10, 'NaN', 'Infinity', '-Infinity']
const PARAM_KEYS = ['lr', 'model', 'my key', 'x-y']
const TAG_KEYS = ['team', 'stage', 'release.version', 'mlflow.user']
const DATASETS = ['train.csv', 'Train.csv', 'test']
const CONTEXTS = ['training', 'eval', undefined]

/** A fixed sequence: both servers must get the same data. */
function generator(seed: number) {
  let state = seed
  const next = (limit: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % limit
  }
  const pick = <T>(items: readonly T[]): T => items[next(items.length)] as T
  return { next, pick, chance: (percent: number) => next(100) < percent }
}

export interface SeededData {
  experimentIds: string[]
  /** Index of each run by its id: what both servers have in common. */
  runIndex: Map<string, number>
  runIds: string[]
}

const okBody = async (answer: Promise<HttpAnswer>) => {
  const { status, body } = await answer
  if (status !== 200) throw new Error(`Seeding failed with ${status}: ${JSON.stringify(body)}`)
  return body as { experiment_id: string; run: { info: { run_id: string } } }
}

/** Makes experiments and runs with metrics, params, tags, datasets, some of them deleted. */
export async function seed(ask: Ask, prefix: string): Promise<SeededData> {
  const random = generator(20240607)
  const post = (path: string, body: unknown) => okBody(ask('POST', `${API}/${path}`, body))
  const experimentIds: string[] = []
  for (let i = 0; i < EXPERIMENTS; i++) {
    const created = await post('experiments/create', { name: `${prefix}-${i}` })
    experimentIds.push(created.experiment_id)
  }
  const runIndex = new Map<string, number>()
  for (let i = 0; i < RUNS; i++) {
    const created = await post('runs/create', {
      experiment_id: random.pick(experimentIds),
      run_name: random.pick(NAMES),
      user_id: random.pick(['ann', 'Bob', '']),
      // Distinct, since runs of the same start are ordered by their random ids.
      start_time: 1_000 + ((i * 37) % RUNS),
    })
    const runId = created.run.info.run_id
    runIndex.set(runId, i)
    await fill(post, runId, random)
  }
  return { experimentIds, runIndex, runIds: [...runIndex.keys()] }
}

async function fill(
  post: (path: string, body: unknown) => Promise<unknown>,
  runId: string,
  random: ReturnType<typeof generator>,
): Promise<void> {
  const some = <T>(keys: readonly string[], make: (key: string) => T) =>
    keys.filter(() => random.chance(60)).map(make)
  await post('runs/log-batch', {
    run_id: runId,
    metrics: some(METRIC_KEYS, (key) => ({
      key,
      value: random.pick(METRIC_VALUES),
      timestamp: 1,
      step: random.next(3),
    })),
    params: some(PARAM_KEYS, (key) => ({
      key,
      value: random.pick(['0.1', 'XGB', 'xgb', '100%', 'a_b', '']),
    })),
    tags: some(TAG_KEYS, (key) => ({ key, value: random.pick(['red', 'Red', 'blue', "o'hara", 'b%']) })),
  })
  if (random.chance(50)) {
    const context = random.pick(CONTEXTS)
    const tags = context ? [{ key: 'mlflow.data.context', value: context }] : []
    const name = random.pick(DATASETS)
    const dataset = { name, digest: `d${random.next(2)}`, source_type: 'local', source: '{}' }
    await post('runs/log-inputs', { run_id: runId, datasets: [{ tags, dataset }] })
  }
  const status = random.pick(STATUSES)
  if (random.chance(70))
    await post('runs/update', { run_id: runId, status, end_time: 5_000 + random.next(40) })
  if (random.chance(15)) await post('runs/delete', { run_id: runId })
}

const of = <T>(...items: T[]) => fc.constantFrom(...items)
const quoted = (text: string) => (text.includes("'") ? `"${text}"` : `'${text}'`)
const TEXTS = [
  ...NAMES,
  '0.1',
  'XGB',
  'xgb',
  '100%',
  'a_b',
  '',
  'red',
  'Red',
  "o'hara",
  'FINISHED',
  'RUNNING',
  'ann',
]
const PATTERNS = [
  '%a%',
  'alpha',
  'ALPHA%',
  'a_b',
  '%\\%',
  '100\\%',
  '%_%',
  '%',
  '',
  'x%',
  '%é%',
  'back\\slash',
]

const text = fc
  .oneof(
    of(...TEXTS),
    fc.string({ maxLength: 3 }).filter((s) => !/['"`\\\0]/.test(s)),
  )
  .map(quoted)
const pattern = of(...PATTERNS).map(quoted)
const number = of('0', '0.5', '-1', '1e-3', '2', '1.5', '10', '1e308')
const key = (keys: readonly string[]) =>
  of(...keys).map((name) => (/^[a-z]+$/.test(name) ? name : `\`${name}\``))

const textComparison = fc.oneof(fc.tuple(of('=', '!='), text), fc.tuple(of('LIKE', 'ILIKE', 'like'), pattern))
const orNull = fc.oneof(
  textComparison,
  of<[string, string]>(['IS', 'NULL'], ['IS NOT', 'NULL'], ['is', 'null']),
)
const join = (name: string, [comparator, value]: [string, string]) => `${name} ${comparator} ${value}`

const comparison = fc.oneof(
  fc
    .tuple(of('metrics', 'metric'), key(METRIC_KEYS), of('=', '!=', '<', '<=', '>', '>='), number)
    .map(([entity, name, comparator, value]) => `${entity}.${name} ${comparator} ${value}`),
  fc
    .tuple(of('params', 'param', 'parameters'), key(PARAM_KEYS), orNull)
    .map(([e, k, c]) => join(`${e}.${k}`, c)),
  fc
    .tuple(of('tags', 'tag'), key([...TAG_KEYS, 'mlflow.runName']), orNull)
    .map(([e, k, c]) => join(`${e}.${k}`, c)),
  fc
    .tuple(
      of('', 'attributes.', 'attr.', 'run.'),
      of('run_name', 'status', 'user_id', '`Run name`'),
      textComparison,
    )
    .map(([prefix, name, c]) => join(prefix + name, c)),
  fc
    .tuple(
      of('start_time', 'end_time', 'attributes.created'),
      of('=', '!=', '<', '<=', '>', '>='),
      fc.nat(6_000),
    )
    .map(([name, comparator, value]) => `${name} ${comparator} ${value}`),
  fc
    .tuple(
      of('datasets', 'dataset'),
      of('name', 'digest', 'context'),
      fc.oneof(
        textComparison,
        of<[string, string]>(['IN', "('train.csv', 'test')"], ['NOT IN', "('d0')"], ['IN', "('training')"]),
      ),
    )
    .map(([e, k, c]) => join(`${e}.${k}`, c)),
)

export const runFilter = fc.array(comparison, { maxLength: 3 }).map((parts) => parts.join(' AND '))

export const runOrder = fc.uniqueArray(
  fc
    .tuple(
      fc.oneof(
        key(METRIC_KEYS).map((name) => `metrics.${name}`),
        key(PARAM_KEYS).map((name) => `params.${name}`),
        key(TAG_KEYS).map((name) => `tags.${name}`),
        of('start_time', 'end_time', 'status', 'run_name', 'user_id', 'attributes.created'),
      ),
      of('', ' ASC', ' DESC', ' asc', ' desc'),
    )
    .map((parts) => parts.join('')),
  { maxLength: 3, selector: (clause) => clause.split(' ')[0] },
)

export const viewTypes = of('ACTIVE_ONLY', 'DELETED_ONLY', 'ALL', undefined)
