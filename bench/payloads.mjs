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
