// Cases of traces that clients describe, tag and delete.
import { type Case, createExperiment, get, known, post, type Step, send, unreadable } from './cases.ts'
import {
  API3,
  attributes,
  child,
  exported,
  getInfo,
  getTrace,
  json,
  span,
  text,
  traceId,
} from './traces-otlp.cases.ts'

const location = (experiment = '<e>') => ({
  type: 'MLFLOW_EXPERIMENT',
  mlflow_experiment: { experiment_id: experiment },
})
export const info = (number = 1, more: object = {}) => ({
  trace_id: `tr-${traceId(number)}`,
  trace_location: location(),
  request_time: '2023-11-14T22:13:20.250Z',
  execution_duration: '1.5s',
  state: 'OK',
  ...more,
})
export const start = (trace_info: unknown): Step => post(`${API3}traces`, { trace: { trace_info } })
const setTag = (key: unknown, value: unknown, version = '3.0', id = `tr-${traceId()}`): Step =>
  send('PATCH', `/api/${version}/mlflow/traces/${id}/tags`, { key, value })
const deleteTag = (key: unknown, version = '3.0', id = `tr-${traceId()}`): Step =>
  send('DELETE', `/api/${version}/mlflow/traces/${id}/tags`, { key })
const remove = (body: object, version = '3.0'): Step =>
  post(`/api/${version}/mlflow/traces/delete-traces`, { experiment_id: '<e>', ...body })
const startV2 = (body: unknown): Step => post('traces', body, { save: { v2: 'trace_info.request_id' } })
const pairs = (values: Record<string, string>) =>
  Object.entries(values).map(([key, value]) => ({ key, value }))
const usage = {
  attributes: attributes({
    'mlflow.chat.tokenUsage': json({ input_tokens: 1, output_tokens: 1, total_tokens: 2 }),
  }),
}

const ATTACHMENT = '5ab51a6b-0f5e-4d2a-8d5c-0a8a3b1c9f10'
const ofTrace = (path: string) =>
  `/api/2.0/mlflow-artifacts/artifacts/<e>/traces/tr-${traceId()}/artifacts/${path}`
const putFile = (path: string, raw: string): Step =>
  send('PUT', ofTrace(path), { raw, contentType: 'application/octet-stream' })
const getFile = (query: Record<string, string>, version = '3.0'): Step =>
  get(`/ajax-api/${version}/mlflow/get-trace-artifact`, query)

export const writingCases: Case[] = [
  {
    title: 'answers with the files of traces',
    steps: [
      createExperiment('e'),
      start(info()),
      getFile({ request_id: `tr-${traceId()}` }),
      putFile('traces.json', '{"spans": []}'),
      putFile(`attachments/${ATTACHMENT}`, 'a picture'),
      getFile({ request_id: `tr-${traceId()}` }),
      getFile({ request_id: `tr-${traceId()}` }, '2.0'),
      getFile({ request_id: `tr-${traceId()}`, path: ATTACHMENT }),
      getFile({ request_id: `tr-${traceId()}`, path: ATTACHMENT.replace('5', '6') }),
      getFile({ request_id: `tr-${traceId()}`, path: ATTACHMENT.toUpperCase() }),
      getFile({ request_id: `tr-${traceId()}`, path: 'traces.json' }),
      getFile({ request_id: `tr-${traceId()}`, path: '../traces.json' }),
      getFile({ request_id: 'tr-none', path: ATTACHMENT }),
      getFile({ request_id: 'tr-none', path: 'x' }),
      getFile({ path: ATTACHMENT }),
      exported([span(1)]),
      getFile({ request_id: `tr-${traceId()}` }),
      getFile({ request_id: `tr-${traceId()}`, path: ATTACHMENT }),
    ],
  },
  {
    title: 'starts traces with all that clients say of them',
    steps: [
      createExperiment('e'),
      start(
        info(1, {
          client_request_id: 'mine',
          request_preview: 'in',
          response_preview: 'out',
          trace_metadata: {
            'mlflow.trace.session': 's',
            'mlflow.trace.user': 'u',
            'mlflow.trace.tokenUsage':
              '{"input_tokens": 3, "output_tokens": "4", "total_tokens": 7.0, "other": 1}',
            'mlflow.trace.cost': '{"input_cost": 0.5, "total_cost": 2}',
            'mlflow.trace.sizeStats': '{"num_spans": 2}',
            own: 'x'.repeat(300),
          },
          tags: {
            'mlflow.traceName': 'name',
            'mlflow.trace.spansLocation': 'TRACKING_STORE',
            team: 'y'.repeat(5000),
          },
        }),
      ),
      getInfo(),
      exported([span(1, usage)]),
      getTrace(1, { allow_partial: 'true' }),
      exported([child(2, 1)]),
      known('times of a described trace hold', getTrace()),
      start(info(2)),
      getInfo(2),
      start(info(3, { state: undefined, request_time: undefined, execution_duration: undefined })),
      start(
        info(4, {
          state: 'IN_PROGRESS',
          request_time: '2023-11-14T23:13:20+01:00',
          execution_duration: '0s',
        }),
      ),
      start(info(5, { state: 'ERROR', execution_duration: '0.001999s' })),
      start(info(6, { trace_metadata: { 'mlflow.trace.tokenUsage': 'bad', 'mlflow.trace.cost': '[]' } })),
    ],
  },
  {
    title: 'describes traces that spans have made',
    steps: [
      createExperiment('e'),
      createExperiment('f'),
      exported([
        span(1, {
          attributes: attributes({
            'mlflow.spanInputs': text('from the span'),
            'session.id': text('span'),
            'user.id': text('span'),
            'mlflow.chat.tokenUsage': json({ input_tokens: 1, output_tokens: 1, total_tokens: 2 }),
          }),
        }),
      ]),
      known(
        'tags that a description adds answered',
        start(info(1, { response_preview: 'out', tags: { a: '1' }, trace_metadata: { b: '2' } })),
      ),
      getTrace(),
      start(
        info(1, {
          trace_location: location('<f>'),
          request_preview: 'in',
          state: 'ERROR',
          tags: { 'mlflow.traceName': 'named', a: '3' },
          trace_metadata: {
            'mlflow.trace.user': 'u',
            'mlflow.trace.session': 's',
            'mlflow.trace.tokenUsage': '{"input_tokens": 5, "output_tokens": 5, "total_tokens": 10}',
          },
        }),
      ),
      getTrace(),
      exported([child(2, 1, usage)]),
      getInfo(),
    ],
  },
  {
    title: 'refuses wrong descriptions',
    steps: [
      createExperiment('e'),
      post(`${API3}traces`, {}),
      start(info(1, { trace_location: location('999999999') })),
      start(info(1, { trace_location: location('abc') })),
      start(info(1, { tags: { 'mlflow.traceName': 'x'.repeat(4097) } })),
      start(info(1, { trace_metadata: { 'mlflow.trace.session': 'x'.repeat(251) } })),
      unreadable(start(info(2, { state: 'DONE' }))),
      unreadable(start(info(2, { request_time: 'yesterday' }))),
      unreadable(start(info(2, { execution_duration: '5' }))),
      unreadable(start(info(2, { tags: { a: 1 } }))),
      post('experiments/delete', { experiment_id: '<e>' }),
      start(info(3)),
      exported([span(1)]),
      getInfo(),
    ],
  },
  {
    title: 'sets and deletes tags',
    steps: [
      createExperiment('e'),
      exported([span(1)]),
      setTag('a', '1'),
      setTag('a', '2', '2.0'),
      setTag('empty', undefined),
      setTag('long', 'x'.repeat(8001)),
      setTag('mlflow.traceName', 'name'),
      getInfo(),
      setTag('mlflow.traceName', 'x'.repeat(4097)),
      setTag('x'.repeat(251), 'v'),
      setTag('bad!', 'v'),
      setTag('../up', 'v'),
      setTag(undefined, 'v'),
      setTag('mlflow.trace.spansLocation', 'ARTIFACT_REPO'),
      setTag('mlflow.trace.archiveLocation', 'x'),
      setTag('mlflow.traceName', 'v', '3.0', 'tr-none'),
      deleteTag('a'),
      deleteTag('a', '2.0'),
      deleteTag('mlflow.traceName'),
      deleteTag('mlflow.traceName'),
      deleteTag('mlflow.trace.spansLocation'),
      deleteTag('mlflow.trace.archivalFailure'),
      deleteTag(undefined),
      deleteTag('a', '3.0', 'tr-none'),
      known('tag of no trace refused', setTag('a', 'v', '3.0', 'tr-none')),
      getInfo(),
    ],
  },
  {
    title: 'deletes traces by ids and by age',
    steps: [
      createExperiment('e'),
      createExperiment('f'),
      ...[1, 2, 3, 4, 5, 6].map((number) => exported([span(number, { traceId: traceId(number) })])),
      remove({ request_ids: [`tr-${traceId(1)}`, `tr-${traceId(1)}`, 'tr-none'] }),
      getInfo(1),
      remove({ request_ids: [`tr-${traceId(2)}`], experiment_id: '<f>' }),
      getInfo(2),
      remove({ max_timestamp_millis: 1_700_000_000_004, max_traces: 1 }, '2.0'),
      getInfo(2),
      getInfo(3),
      remove({ max_timestamp_millis: '1700000000005' }),
      remove({ max_timestamp_millis: 1 }),
      getTrace(6),
      remove({}),
      remove({ max_timestamp_millis: 1, request_ids: ['a'] }),
      remove({ max_traces: 1, request_ids: ['a'] }),
      remove({ max_timestamp_millis: 1, max_traces: 0 }),
      remove({ max_timestamp_millis: 1, experiment_id: undefined }),
      remove({ max_timestamp_millis: 1, experiment_id: 'abc' }),
      remove({ max_timestamp_millis: 1, experiment_id: '999999999' }),
      exported([span(9)]),
      getTrace(),
    ],
  },
  {
    title: 'keeps traces as clients before MLflow 3 log them',
    steps: [
      createExperiment('e'),
      startV2({
        experiment_id: '<e>',
        timestamp_ms: 1_700_000_000_000,
        request_metadata: pairs({ a: '1', 'mlflow.trace.session': 's' }),
        tags: pairs({ 'mlflow.traceName': 'name', t: '1' }),
      }),
      get('traces/<v2>/info'),
      get(`${API3}traces/<v2>`),
      send('PATCH', 'traces/<v2>', {
        timestamp_ms: 1_700_000_001_000,
        status: 'OK',
        request_metadata: pairs({ a: '2', b: '3' }),
        tags: pairs({ t: '2' }),
      }),
      get('traces/<v2>/info'),
      send('PATCH', 'traces/tr-none', { timestamp_ms: 1, status: 'OK' }),
      send('PATCH', 'traces/<v2>/tags', { key: 'k', value: 'v' }),
      get(`${API3}traces/<v2>`),
      post('traces', { experiment_id: '999999999' }),
      post('traces', {}),
    ],
  },
]
