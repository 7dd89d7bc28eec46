// What the benchmark sends. Texts are made before the clock runs, as far as they can be.

/** MLflow takes this many metrics in one batch. */
export const METRICS_PER_BATCH = 1000

/** Stands in a template for what changes from request to request. */
const HOLE = '\u0001'

/** Returns `fill(text)`: the JSON of a value with every hole replaced, made by one join. */
function template(value) {
  const pieces = JSON.stringify(value).replaceAll('"\\u0001n"', HOLE).replaceAll('\\u0001', HOLE).split(HOLE)
  return (text) => pieces.join(text)
}

/** A hole where a number stands. */
const NUMBER = `${HOLE}n`

const range = (length, make) => Array.from({ length }, (_, i) => make(i))

const metric = (key, value = NUMBER) => ({ key, value, timestamp: NUMBER, step: NUMBER })

/** `fill(i)`: one point of the metric `loss`. */
export const logMetric = (runId) => template({ run_id: runId, ...metric('loss') })

/** `fill(i)`: 1000 metrics whose keys no other i has. */
export const freshKeys = (runId) =>
  template({ run_id: runId, metrics: range(METRICS_PER_BATCH, (k) => metric(`key-${k}-${HOLE}`, k / 7)) })

/** `fill(i)`: the next point of the same 1000 metrics. */
export const knownKeys = (runId) =>
  template({ run_id: runId, metrics: range(METRICS_PER_BATCH, (k) => metric(`key-${k}`, k / 7)) })

export const MIXED = { metrics: 100, params: 50, tags: 10 }

/** `fill(i)`: what a run logs at once, under keys that no other i has. */
export const mixedBatch = (runId) =>
  template({
    run_id: runId,
    metrics: range(MIXED.metrics, (k) => metric(`key-${k}-${HOLE}`, k / 7)),
    params: range(MIXED.params, (k) => ({ key: `param-${k}-${HOLE}`, value: `value ${k}` })),
    tags: range(MIXED.tags, (k) => ({ key: `tag-${k}-${HOLE}`, value: `value ${k}` })),
  })

/** A run of 100 params and 100 metrics. */
export const fullRun = (runId) =>
  JSON.stringify({
    run_id: runId,
    params: range(100, (k) => ({ key: `param-${k}`, value: `value ${k}` })),
    metrics: range(100, (k) => ({ key: `key-${k}`, value: k / 7, timestamp: 1, step: 1 })),
  })

/** One of many runs to search: three params, three metrics, one tag, told by its number. */
export const searchedRun = (runId, number) => ({
  run_id: runId,
  params: [
    { key: 'optimizer', value: OPTIMIZERS[number % OPTIMIZERS.length] },
    { key: 'layers', value: String(number % 7) },
    { key: 'seed', value: String(number) },
  ],
  metrics: [
    { key: 'loss', value: lossOf(number), timestamp: number, step: 1 },
    { key: 'accuracy', value: 1 - lossOf(number), timestamp: number, step: 1 },
    { key: 'epoch', value: number % 50, timestamp: number, step: 1 },
  ],
  tags: [{ key: 'team', value: `team-${number % 5}` }],
})

const OPTIMIZERS = ['adam', 'sgd', 'lion']

/** Distinct for numbers below 10,007, and in no order. */
const lossOf = (number) => ((number * 7919) % 10_007) / 10_007

/** A search for half of a third of such runs, best first, and what its first page holds. */
export const SEARCH = {
  filter: "metrics.loss < 0.5 and params.optimizer = 'adam'",
  order_by: ['metrics.loss ASC'],
  max_results: 100,
}

export const expectedLosses = (runs) =>
  range(runs, (number) => number)
    .filter((number) => number % OPTIMIZERS.length === 0)
    .map(lossOf)
    .filter((loss) => loss < 0.5)
    .sort((a, b) => a - b)
    .slice(0, SEARCH.max_results)
