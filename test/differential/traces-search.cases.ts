// Cases of the search over traces.
import { type Case, createExperiment, get, post, type Step } from './cases.ts'
import { API3, attributes, child, exported, json, span, text, traceId } from './traces-otlp.cases.ts'
import { info, start } from './traces-writing.cases.ts'

const locations = ['<e>'].map((experiment_id) => ({
  type: 'MLFLOW_EXPERIMENT',
  mlflow_experiment: { experiment_id },
}))
const search = (filter?: string, more: object = {}): Step =>
  post(`${API3}traces/search`, { locations, ...(filter !== undefined && { filter }), ...more })
const sorted = (...order_by: string[]): Step => search(undefined, { order_by })

/** Five traces that differ in all that one searches by. */
const DATA: Step[] = [
  createExperiment('e'),
  exported([
    span(1, {
      name: 'root',
      status: { code: 2 },
      attributes: attributes({ 'mlflow.spanType': text('CHAIN') }),
    }),
    child(2, 1, {
      name: 'call',
      attributes: attributes({ 'mlflow.spanType': text('LLM'), note: text('Wörld') }),
    }),
  ]),
  exported([
    span(2, {
      traceId: traceId(2),
      name: 'other',
      attributes: attributes({
        'session.id': text('s1'),
        'mlflow.traceTag.team': text('a'),
        'mlflow.traceTag.mlflow.traceName': text('named'),
        'mlflow.chat.tokenUsage': json({ input_tokens: 1, output_tokens: 2, total_tokens: 3 }),
      }),
    }),
  ]),
  exported([child(3, 1, { traceId: traceId(3) })]),
  start(
    info(4, {
      client_request_id: 'mine',
      request_time: '2023-11-14T22:13:20.002Z',
      trace_metadata: { 'mlflow.sourceRun': 'run', own: 'x', 'mlflow.trace.session': 's2' },
      tags: { team: 'b', 'mlflow.traceName': 'Named_4' },
    }),
  ),
  start(
    info(5, { request_time: '2023-11-14T22:13:21Z', execution_duration: undefined, state: 'IN_PROGRESS' }),
  ),
]

const FILTERS = [
  '',
  "status = 'OK'",
  "trace.status != 'OK'",
  "attributes.status IN ('OK', 'ERROR')",
  "status NOT IN ('OK')",
  "status LIKE 'E%'",
  "name = 'named'",
  "name ILIKE 'NAMED%'",
  "tags.mlflow.traceName LIKE 'Named%'",
  "tag.`mlflow.traceName` != 'named'",
  'tags.mlflow.traceName IS NULL',
  "tags.team = 'a'",
  "tags.team != 'a'",
  'tags.team IS NULL',
  'tags.team IS NOT NULL',
  "tags.team = 'a' AND status = 'OK'",
  "metadata.own = 'x'",
  'metadata.own IS NULL',
  "request_metadata.own LIKE '%'",
  "metadata.mlflow.trace.session = 's1'",
  "metadata.`mlflow.trace.session` LIKE 's%'",
  'metadata.mlflow.trace.session IS NULL',
  'metadata.mlflow.trace.tokenUsage IS NOT NULL',
  'metadata.mlflow.trace.cost IS NULL',
  'metadata.mlflow.trace.tokenUsage = \'{"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}\'',
  'metadata.mlflow.trace.tokenUsage != \'{"input_tokens": 1}\'',
  "run_id = 'run'",
  "attributes.run_id != 'run'",
  "request_id = 'tr-none'",
  "client_request_id = 'mine'",
  'timestamp > 1700000000001',
  'timestamp_ms <= 1700000000002 AND timestamp_ms > 0',
  "timestamp_ms = '1700000000002'",
  'execution_time > 1',
  'execution_time_ms = 1500',
  'execution_time < 100.5',
  'end_time > 1700000000500',
  "span.name = 'call'",
  "span.name = 'call' AND span.type = 'LLM'",
  "span.name = 'call' AND span.type = 'CHAIN'",
  "span.status = 'ERROR'",
  "span.type IN ('LLM', 'TOOL')",
  "span.attributes.note LIKE '%Wörld%'",
  "span.attributes.note ILIKE '%w_rld%'",
  "span.attributes.`note` ILIKE '%w_rld%'",
  "span.content LIKE '%Wörld%'",
  "text LIKE '%call%'",
]

const REFUSED = [
  "bogus = '1'",
  'metrics.x = 1',
  "tags.team > 'a'",
  "tags.team IN ('a')",
  "name IN ('named')",
  "metadata.own IN ('x')",
  "status > 'OK'",
  'status = 5',
  'status IS NULL',
  "timestamp_ms LIKE '1%'",
  "timestamp_ms IN ('1')",
  "span.bogus = 'x'",
  "span.name > 'x'",
  "span.content = 'x'",
  'span.name = 5',
  "text = 'x'",
  "status = 'OK' OR status = 'ERROR'",
  'status',
]

export const searchTracesCases: Case[] = [
  {
    title: 'finds traces by all that they have',
    steps: [
      ...DATA,
      search(),
      ...FILTERS.map((filter) => search(filter)),
      ...REFUSED.map((filter) => search(filter)),
    ],
  },
  {
    title: 'sorts traces',
    steps: [
      ...DATA,
      sorted('timestamp'),
      sorted('timestamp_ms DESC'),
      sorted('execution_time ASC'),
      sorted('attributes.execution_time_ms DESC'),
      sorted('status'),
      sorted('request_id DESC'),
      sorted('experiment_id'),
      sorted('name'),
      sorted('tags.team DESC'),
      sorted('tags.team', 'status'),
      sorted('metadata.own'),
      sorted('metadata.`mlflow.trace.session` DESC'),
      sorted('run_id'),
      sorted('metadata.mlflow.trace.cost'),
      sorted('bogus'),
      sorted('client_request_id'),
      sorted('span.name'),
      sorted('status', 'status'),
    ],
  },
  {
    title: 'pages through traces',
    steps: [
      ...DATA,
      ...['timestamp', 'tags.team', 'execution_time DESC'].flatMap((key, index) => {
        const order_by = [key]
        const next = (name: string) => ({ save: { [name]: 'next_page_token' } })
        const page = (token?: string, options = {}) =>
          post(
            `${API3}traces/search`,
            { locations, order_by, max_results: 2, ...(token && { page_token: token }) },
            options,
          )
        return [
          page(undefined, next(`a${index}`)),
          page(`<a${index}>`, next(`b${index}`)),
          page(`<b${index}>`),
        ]
      }),
      search(undefined, { max_results: 5 }),
      search(undefined, { max_results: 500 }),
      search(undefined, { max_results: 501 }),
      search(undefined, { max_results: 0 }),
      search(undefined, { locations: [] }),
      search(undefined, { locations: undefined }),
      post(`${API3}traces/search`, {
        locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '999999999' } }],
      }),
      get('traces', { experiment_ids: ['<e>'], max_results: '2', filter: "status = 'OK'" }),
      get('traces', { experiment_ids: ['<e>'], order_by: ['timestamp ASC'] }),
      get('traces'),
    ],
  },
]
