// Requests that look right and are not: every endpoint with hostile values in the fields that it reads.
import fc from 'fast-check'
import type { Ids } from './seed.ts'

export interface HostileRequest {
  method: string
  path: string
  body?: unknown
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

/** What has broken servers before: text that encodings and databases do not have, keys of JavaScript, SQL, paths. */
const TEXTS = [
  ...['', ' ', '\0', 'a\0b', '\ud800', 'a\udc00b', '\uffff', '\u202e', '\u0085', '\u0001', '😀'.repeat(300)],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'null',
    'NaN',
    'undefined',
    '[object Object]',
  ],
  ...["'; DROP TABLE runs; --", '" OR 1=1 --', "' UNION SELECT 1,2,3 --", '$1', '{}', '%s%n', '\\'],
  ...[
    '../../etc/passwd',
    '..%2f..%2fetc',
    '/etc/passwd',
    'file:///etc/passwd',
    's3://x/y',
    'a/./b',
    '//',
    '.',
    '..',
  ],
  ...[
    '0',
    '-1',
    '1e3',
    '9223372036854775807',
    '-9223372036854775808',
    '99999999999999999999',
    '0x10',
    '１２',
  ],
  ...[
    'x'.repeat(251),
    'é'.repeat(501),
    'x'.repeat(40_000),
    '%'.repeat(3000),
    '_%'.repeat(2000),
    '%a'.repeat(500),
  ],
  ...[
    base64('{"offset":2147483648}'),
    base64('{"offset":{"toString":1}}'),
    base64('{"offset":[1e999]}'),
    base64('{"offset":-1,"after":["\\ud800"]}'),
    base64(`{"offset":${'['.repeat(20_000)}${']'.repeat(20_000)}}`),
  ],
]

const deep = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels)) as unknown
const OTHERS: unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    -0,
    1.5,
    1e308,
    -1e308,
    5e-324,
    2 ** 31,
    -(2 ** 31),
    2 ** 53,
    2 ** 63,
    -(2 ** 63),
  ],
  ...[[], {}, [[]], [null], [{}], { key: {} }, { toString: 1 }, deep(50), deep(3000)],
  JSON.parse('{"__proto__":{"key":"x"},"constructor":{"prototype":{}}}'),
]

/** Fields of a metric point. */
const METRIC = ['key', 'value', 'timestamp', 'step', 'model_id', 'dataset_name', 'dataset_digest']

const FIELDS: Record<string, string[]> = {
  'POST experiments/create': ['name', 'artifact_location', 'tags'],
  'POST experiments/update': ['experiment_id', 'new_name'],
  'POST experiments/set-experiment-tag': ['experiment_id', 'key', 'value'],
  'POST experiments/delete-experiment-tag': ['experiment_id', 'key'],
  'POST experiments/search': ['max_results', 'filter', 'order_by', 'view_type', 'page_token'],
  'GET experiments/get': ['experiment_id'],
  'GET experiments/get-by-name': ['experiment_name'],
  'POST runs/create': ['experiment_id', 'user_id', 'run_name', 'start_time', 'tags'],
  'POST runs/update': ['run_id', 'status', 'end_time', 'run_name'],
  'GET runs/get': ['run_id'],
  'POST runs/search': ['experiment_ids', 'filter', 'run_view_type', 'max_results', 'order_by', 'page_token'],
  'POST runs/log-metric': ['run_id', ...METRIC],
  'POST runs/log-parameter': ['run_id', 'key', 'value'],
  'POST runs/set-tag': ['run_id', 'key', 'value'],
  'POST runs/delete-tag': ['run_id', 'key'],
  'POST runs/log-batch': ['run_id', 'metrics', 'params', 'tags'],
  'POST runs/log-model': ['run_id', 'model_json'],
  'POST runs/log-inputs': ['run_id', 'datasets', 'models'],
  'POST runs/outputs': ['run_id', 'models'],
  'GET metrics/get-history': ['run_id', 'metric_key', 'page_token', 'max_results'],
  'GET metrics/get-history-bulk-interval': ['run_ids', 'metric_key', 'start_step', 'end_step', 'max_results'],
  'POST logged-models': ['experiment_id', 'name', 'model_type', 'source_run_id', 'params', 'tags'],
  'POST logged-models/search': [
    'experiment_ids',
    'filter',
    'datasets',
    'max_results',
    'order_by',
    'page_token',
  ],
  'POST /ajax-api/2.0/mlflow/experiments/search-datasets': ['experiment_ids'],
  'GET artifacts/list': ['run_id', 'path', 'page_token'],
  'POST registered-models/create': ['name', 'tags', 'description'],
  'POST registered-models/rename': ['name', 'new_name'],
  'PATCH registered-models/update': ['name', 'description'],
  'DELETE registered-models/delete': ['name'],
  'GET registered-models/get': ['name'],
  'GET registered-models/search': ['filter', 'max_results', 'order_by', 'page_token'],
  'POST registered-models/get-latest-versions': ['name', 'stages'],
  'POST registered-models/set-tag': ['name', 'key', 'value'],
  'DELETE registered-models/delete-tag': ['name', 'key'],
  'POST registered-models/alias': ['name', 'alias', 'version'],
  'DELETE registered-models/alias': ['name', 'alias'],
  'GET registered-models/alias': ['name', 'alias'],
  'POST model-versions/create': ['name', 'source', 'run_id', 'tags', 'run_link', 'description', 'model_id'],
  'GET model-versions/get': ['name', 'version'],
  'PATCH model-versions/update': ['name', 'version', 'description'],
  'POST model-versions/transition-stage': ['name', 'version', 'stage', 'archive_existing_versions'],
  'DELETE model-versions/delete': ['name', 'version'],
  'GET model-versions/get-download-uri': ['name', 'version'],
  'GET model-versions/search': ['filter', 'max_results', 'order_by', 'page_token'],
  'POST /api/3.0/mlflow/traces': ['trace'],
  'POST /api/3.0/mlflow/traces/search': ['locations', 'filter', 'max_results', 'order_by', 'page_token'],
  'GET traces': ['experiment_ids', 'filter', 'max_results', 'order_by', 'page_token'],
  'POST traces': ['experiment_id', 'timestamp_ms', 'request_metadata', 'tags'],
  'GET /api/3.0/mlflow/traces/get': ['trace_id', 'allow_partial'],
  'POST /api/3.0/mlflow/traces/batchGetInfos': ['trace_ids', 'experiment_ids'],
  'POST /api/3.0/mlflow/traces/delete-traces': [
    'experiment_id',
    'max_timestamp_millis',
    'max_traces',
    'request_ids',
  ],
  'POST traces/link-to-run': ['trace_ids', 'run_id'],
  'POST traces/link-prompts': ['trace_id', 'prompt_versions'],
  'POST model-versions/set-tag': ['name', 'version', 'key', 'value'],
  'DELETE model-versions/delete-tag': ['name', 'version', 'key'],
}

/** Members of the objects that the fields take, so that lists of objects are hit in depth. */
const MEMBERS = [...METRIC, 'field_name']

/** A request whose fields are now right, now hostile, now missing. Ids are often those of what exists. */
export function hostileRequest(ids: Ids): fc.Arbitrary<HostileRequest> {
  const text = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...TEXTS) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  )
  const value = fc.oneof({ weight: 3, arbitrary: text }, { weight: 1, arbitrary: fc.constantFrom(...OTHERS) })
  const item = fc.oneof(
    value,
    fc.dictionary(fc.constantFrom(...MEMBERS), value, { maxKeys: 5 }),
    fc.record({ key: text, value: text, timestamp: fc.integer() }),
    fc.record({ dataset: fc.record({ name: text, digest: text, source_type: text, source: text }) }),
  )
  const right: Record<string, unknown[]> = {
    experiment_id: [ids.experiment, ids.experiment, '0', '123456789'],
    experiment_ids: [[ids.experiment]],
    run_id: [ids.run, ids.run, 'f'.repeat(32)],
    run_ids: [[ids.run], ids.run],
    trace_id: ['tr-1'],
    trace_ids: [['tr-1']],
    prompt_versions: [[{ name: 'p', version: '1' }]],
    locations: [[{ type: 1, mlflow_experiment: { experiment_id: ids.experiment } }]],
    trace: [
      {
        trace_info: {
          trace_id: 'tr-1',
          trace_location: { mlflow_experiment: { experiment_id: ids.experiment } },
        },
      },
    ],
    model_id: [ids.model],
    name: [ids.registeredModel, ids.registeredModel, 'x'],
    version: ['1', '1', '2', 'latest'],
    alias: ['champion'],
    stage: ['Production', 'staging', 'None'],
    source: ['mlflow-artifacts:/0/made-up', `models:/${ids.registeredModel}/1`],
    key: ['k', 'a/b'],
    metric_key: ['k'],
    timestamp: [1, '2'],
    max_results: [1, 5],
    order_by: [['name'], ['metrics.k DESC']],
    filter: ["tags.a = 'b'", 'metrics.k > 1'],
  }
  const field = (name: string) =>
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...(right[name] ?? ['x'])) },
      { weight: 3, arbitrary: value },
      { weight: 1, arbitrary: fc.array(item, { maxLength: 4 }) },
    )
  return fc
    .constantFrom(...Object.entries(FIELDS))
    .chain(([endpoint, names]) =>
      fc
        .record(Object.fromEntries(names.map((name) => [name, field(name)])), { requiredKeys: [] })
        .map((message) => toRequest(endpoint, message)),
    )
}

function toRequest(endpoint: string, message: Record<string, unknown>): HostileRequest {
  const [method = '', name = ''] = endpoint.split(' ')
  const path = name.startsWith('/') ? name : `/api/2.0/mlflow/${name}`
  if (method !== 'GET') return { method, path, body: message }
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(message)) {
    for (const one of Array.isArray(value) ? value.flat(9) : [value])
      query.append(key, String(JSON.stringify(one)).slice(1, 3000))
  }
  return { method, path: `${path}?${query}` }
}
