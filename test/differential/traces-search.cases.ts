// Cases of the search over traces.
import { type Case, createExperiment, get, known, post, type Step } from './cases.ts'
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
  "status RLIKE '^(OK|ERR)'",
  "status RLIKE 'R{2}O?R$'",
  "name RLIKE 'named'",
  "name RLIKE '^[nN]ame._?\\d*$'",
  "tags.mlflow.traceName rlike '^N.*\\d'",
  "tags.team RLIKE '^[^b]+$'",
  "tags.team RLIKE ''",
  "metadata.own RLIKE '.'",
  "metadata.`mlflow.trace.session` RLIKE 's[2-9]'",
  "client_request_id RLIKE 'mi?ne|yours'",
  "run_id RLIKE '^r[a-v]n$'",
  "request_id RLIKE '^tr-[0-9a-f]{32}$'",
  "request_id RLIKE '(00){5,8}3$'",
  "span.name RLIKE 'c(a|b)l+'",
  "span.type RLIKE '^(?:LLM|TOOL)$'",
  "span.status RLIKE 'ERR'",
  "span.attributes.note = 'Wörld'",
  "span.attributes.note != 'Wörld'",
  "span.attributes.note RLIKE 'W.+d'",
  "span.attributes.note RLIKE '^W\\w+$'",
  "span.attributes.note RLIKE '^rld$'",
  "span.attributes.note RLIKE 'ö'",
  "span.`attributes.note` LIKE '%W%'",
  "span.attributes.`note` RLIKE '^W'",
  "span.attributes.mlflow.spanType RLIKE 'L'",
]

/** Tokens and cost are told in the words that answers have, or not at all. */
const USAGE_FILTERS = [
  'metadata.mlflow.trace.tokenUsage IS NOT NULL',
  'metadata.`mlflow.trace.cost` IS NOT NULL',
  ...[
    '{"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}',
    '{"output_tokens": 2, "input_tokens": 1, "total_tokens": 3}',
    '{"input_tokens":1,"output_tokens":2,"total_tokens":3}',
    '{"input_tokens": 1.0, "output_tokens": 2, "total_tokens": 3}',
    '{"input_tokens": "1", "output_tokens": 2, "total_tokens": 3}',
    '{"input_tokens": 1, "output_tokens": 2}',
    '{"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "more": 4}',
    '{"input_tokens": 5}',
    '{}',
    'x',
  ].flatMap((told) => [
    `metadata.mlflow.trace.tokenUsage = '${told}'`,
    `metadata.mlflow.trace.tokenUsage != '${told}'`,
  ]),
  ...[
    '{"input_cost": 0.1, "output_cost": 1.0, "total_cost": 1.1}',
    '{"input_cost": 0.1, "output_cost": 1, "total_cost": 1.1}',
    '{"total_cost": 1e-07}',
    '{"total_cost": 0.0000001}',
    '{"total_cost": 1E-7}',
    '{"total_cost": 1e+16}',
    '{"total_cost": 1e16}',
  ].flatMap((told) => [`metadata.mlflow.trace.cost = '${told}'`, `metadata.mlflow.trace.cost != '${told}'`]),
]
const USAGE_REFUSED = ['LIKE', 'ILIKE', 'RLIKE'].flatMap((comparator) => [
  `metadata.mlflow.trace.tokenUsage ${comparator} '%1%'`,
  `metadata.mlflow.trace.cost ${comparator} '1'`,
])
const usage = (number: number, more: Record<string, unknown>) =>
  start(
    info(number, {
      request_time: `2023-11-14T22:13:20.01${number}Z`,
      trace_metadata: Object.fromEntries(
        Object.entries(more).map(([key, value]) => [`mlflow.trace.${key}`, JSON.stringify(value)]),
      ),
    }),
  )

const PATTERNS = [
  ...['a\\*b', 'a*b', '^a+?$', 'a{4}', '^a{2,3}$', '^a{,4}$', '^a{1,}$', 'a{5}', '(aa){2}', '(a|aa)+$'],
  ...[
    '^line.break',
    'line\\nbreak',
    'line[^x]break',
    'break$',
    'ends$',
    'ends\\Z',
    '\\Aends',
    'tab\\t',
    's\\s',
  ],
  ...['\\W', '^\\w+$', '\\d', '[\\d]$', '[^\\w]', '[\\W]', '[\\w-]{5}', '\\D{4}', '\\S \\S', '[]x]', '[^]x]'],
  ...[
    '[a-]',
    '[-a]',
    '[+-.]',
    '[!-z]{4}',
    '[x]]-',
    '\\[x\\]-\\^\\$',
    'Ü',
    '[À-ÿ]',
    'ï_',
    '\\x61{4}',
    '\\u00dcn',
    'x|^a',
    '|x',
    '(|x)b',
  ],
  ...['()', '(a(a(a(a))))$', '.', '^$', '^', '$', '^^a', '~#@&<>', '/', 'a-b', '\\.'],
]
const UNREADABLE = ['{2}$', '(', ')', '[', '[a', '*a', 'a**', 'a{3,2}', '[b-a]', '\\', '\\q', '(a', '+']
const UNSUPPORTED = ['(a)\\1', '(?=a)', '(?i)A', '\\ba', 'a(^b)', 'a$b', '(a$)', '(?P<x>a)', 'a++', '(?!b)a']

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
  "text RLIKE 'x'",
  "span.content RLIKE 'x'",
  "timestamp_ms RLIKE '1'",
  "execution_time_ms RLIKE '1'",
  "issue.id RLIKE 'x'",
  "prompt RLIKE 'x'",
  'status RLIKE 5',
  "status NOT RLIKE 'x'",
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
      ...["span.attributes.note IN ('Wörld')", "span.attributes.note NOT IN ('Wörld', 'x')"].map((filter) =>
        known('list for an attribute of a span refused', search(filter)),
      ),
    ],
  },
  {
    title: 'finds traces by tokens and cost as answers spell them',
    steps: [
      createExperiment('e'),
      usage(1, { tokenUsage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 } }),
      usage(2, { tokenUsage: { input_tokens: 5 }, cost: { total_cost: 1e-7 } }),
      usage(3, { cost: { input_cost: 0.1, output_cost: 1, total_cost: 1.1 } }),
      usage(4, { cost: { total_cost: 1e16 } }),
      usage(5, {}),
      search(),
      ...[...USAGE_FILTERS, ...USAGE_REFUSED].map((filter) => search(filter)),
    ],
  },
  {
    title: 'reads regular expressions that engines match in one way, and refuses others',
    steps: [
      createExperiment('e'),
      ...['a*b', 'line\nbreak', 'tab\t{2}', 'ends\n', '[x]-^$', 'Ünï_7', 'aaaa', '٣'].map((name, index) =>
        start(
          info(index + 1, {
            request_time: `2023-11-14T22:13:20.01${index + 1}Z`,
            tags: { 'mlflow.traceName': name },
          }),
        ),
      ),
      ...PATTERNS.map((pattern) => search(`name RLIKE '${pattern}'`)),
      ...UNREADABLE.map((pattern) =>
        known('regular expression refused where stock finds nothing', search(`name RLIKE '${pattern}'`)),
      ),
      ...UNSUPPORTED.map((pattern) =>
        known('part of regular expressions refused', search(`name RLIKE '${pattern}'`)),
      ),
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
