// Cases of assessments: their life cycle, and where they show beside their trace.
import { type Case, createExperiment, known, post, type Step, send, unreadable } from './cases.ts'
import { TIMED_ASSESSMENT } from './shapes.ts'
import { API3, exported, getInfo, getTrace, span, traceId } from './traces-otlp.cases.ts'
import { info, start } from './traces-writing.cases.ts'

type Body = Record<string, unknown>
type Options = Parameters<typeof post>[2]

const pathOf = (trace = 1, id?: string) =>
  `${API3}traces/tr-${traceId(trace)}/assessments${id === undefined ? '' : `/${id}`}`

/** Saves the id under a name when one is given. */
export const assess = (assessment: unknown, save?: string, options: Options = {}, trace = 1): Step =>
  post(
    pathOf(trace),
    { assessment },
    { ...options, ...(save && { save: { [save]: 'assessment.assessment_id' } }) },
  )

export const feedback = (name: string, value: unknown, more: Body = {}): Body => ({
  assessment_name: name,
  source: { source_type: 'HUMAN', source_id: 'ann' },
  feedback: { value },
  ...more,
})
export const expectation = (name: string, value: unknown, more: Body = {}): Body => ({
  assessment_name: name,
  source: { source_type: 'HUMAN', source_id: 'ann' },
  expectation: { value },
  ...more,
})
const serialized = (name: string, value: unknown, serialization_format: unknown = 'JSON_FORMAT'): Body => ({
  assessment_name: name,
  expectation: { serialized_value: { serialization_format, value } },
})
export const issue = (id: string, more: Body = {}): Body => ({
  assessment_name: id,
  source: { source_type: 'LLM_JUDGE', source_id: 'judge' },
  issue: { issue_name: `the issue ${id}` },
  ...more,
})

const getOne = (id: string, trace = 1): Step => send('GET', pathOf(trace, id))
const remove = (id: string, trace = 1): Step => send('DELETE', pathOf(trace, id))
const update = (id: string, assessment: unknown, update_mask?: unknown, trace = 1): Step =>
  send('PATCH', pathOf(trace, id), { assessment, update_mask })

const TRACE = [createExperiment('e'), exported([span(1)])]
const TIMES = { create_time: '2024-05-06T07:08:09.123Z', last_update_time: '2024-05-06T09:08:09+01:00' }

const VALUES = [
  'yes',
  '',
  'Wörld "quoted" \u0001',
  5,
  0.25,
  -1e300,
  1e25,
  true,
  false,
  null,
  [],
  ['a', 'b'],
  [1, null, { a: [true] }],
  {},
  { b: 1.5, a: { c: 'x' } },
]

export const assessmentCases: Case[] = [
  {
    title: 'keeps feedback of all kinds of values',
    steps: [
      ...TRACE,
      ...VALUES.map((value, index) => assess(feedback(`f${index}`, value, TIMES))),
      assess({ assessment_name: 'none', feedback: {} }),
      getInfo(),
    ],
  },
  {
    title: 'keeps expectations of all kinds of values',
    steps: [
      ...TRACE,
      ...VALUES.map((value, index) => assess(expectation(`e${index}`, value, TIMES))),
      assess({ assessment_name: 'none', expectation: {} }),
      ...[
        '"text"',
        '5',
        '5.0',
        '1e2',
        'true',
        'null',
        '{"a": 1, "b": [1.0, 1e400]}',
        ' [1,2] ',
        '[]',
        '{"a": 12345678901234567890}',
        '{"ä": "Wörld"}',
      ].map((value, index) => assess(serialized(`s${index}`, value))),
      getTrace(),
      ...['', '{', 'NaN', 'Infinity', 'yes'].map((value) => assess(serialized('bad', value))),
      assess(serialized('bad', '1', 'PICKLE')),
      assess(serialized('bad', '1', null)),
      assess({ assessment_name: 'both', expectation: { value: 1, serialized_value: { value: '2' } } }),
    ],
  },
  {
    title: 'keeps all that assessments have',
    steps: [
      ...TRACE,
      assess(
        feedback('f', 1, {
          ...TIMES,
          span_id: '0000000000000001',
          rationale: 'because',
          metadata: { a: '1', 'mlflow.assessment.sourceRunId': 'r', empty: '' },
          trace_id: 'tr-another',
          valid: false,
        }),
        'a',
        { shape: TIMED_ASSESSMENT },
      ),
      getOne('<a>'),
      assess(
        expectation('e', 'x', {
          span_id: '0000000000000001',
          rationale: 'dropped',
          metadata: { a: '1' },
          overrides: 'a-none',
        }),
      ),
      assess(
        issue('iss-1', { rationale: 'because', metadata: { a: '1' }, span_id: 's', overrides: 'a-none' }),
      ),
      assess({ assessment_name: 'i', issue: {} }),
      assess({ feedback: { value: 1 } }),
      assess(feedback('', 1, { rationale: '', span_id: '', metadata: {}, overrides: '', source: {} })),
      ...['HUMAN', 'LLM_JUDGE', 'CODE', 'SOURCE_TYPE_UNSPECIFIED', 3].map((source_type) =>
        assess(feedback('source', 1, { source: { source_type } })),
      ),
      assess(
        feedback('error', null, {
          feedback: { error: { error_code: 'BAD', error_message: 'why', stack_trace: 'line' } },
        }),
      ),
      assess(feedback('error', null, { feedback: { value: 1, error: {} } })),
      assess(feedback('error', null, { feedback: { error: { error_code: 'X', error_message: '' } } })),
      assess(
        feedback('error', null, {
          feedback: { error: { error_code: 'X', stack_trace: `start${'x'.repeat(10_000)}end` } },
        }),
      ),
      assess(feedback('old error', 1, { error: { error_code: 'BAD' } })),
      assess(feedback('mine', 1, { assessment_id: 'a-<hex>' })),
      getOne('a-<hex>'),
      known('id of an assessment taken', assess(feedback('mine', 1, { assessment_id: 'a-<hex>' }))),
      assess(feedback('early', 1, { create_time: '1960-01-01T00:00:00Z' })),
      getInfo(),
    ],
  },
  {
    title: 'refuses assessments',
    steps: [
      ...TRACE,
      assess(feedback('f', 1), undefined, {}, 999),
      post(pathOf(), {}),
      assess({}),
      assess({ assessment_name: 'x' }),
      assess(null),
      assess(''),
      unreadable(assess('text')),
      unreadable(assess({ assessment_name: 'x', feedback: { value: 1 }, issue: {} })),
      unreadable(assess(feedback('f', 1, { source: { source_type: 'AI_JUDGE' } }))),
      unreadable(assess(feedback('f', 1, { source: { source_type: 'human' } }))),
      unreadable(assess(feedback('f', 1, { metadata: { a: 1 } }))),
      unreadable(assess(feedback('f', 1, { create_time: 'yesterday' }))),
      unreadable(assess(feedback('f', 1, { rationale: 5 }))),
      assess(feedback('f', 1, { overrides: 'a-none' })),
      known('column width kept', assess(feedback('x'.repeat(251), 1))),
      assess(feedback('x'.repeat(250), 1)),
      known('column width kept', assess(feedback('f', 1, { source: { source_id: 'x'.repeat(251) } }))),
      known('column width kept', assess(feedback('f', 1, { span_id: 'x'.repeat(51) }))),
      known('column width kept', assess(feedback('f', 1, { assessment_id: 'x'.repeat(51) }))),
      getOne('a-none'),
      getOne('a-none', 999),
      update('a-none', feedback('f', 1), 'feedback'),
      update('a-none', feedback('f', 1), 'feedback', 999),
      remove('a-none'),
      remove('a-none', 999),
    ],
  },
  {
    title: 'changes what the mask names',
    steps: [
      ...TRACE,
      assess(feedback('f', 1, { rationale: 'r', metadata: { a: '1', b: '2' }, ...TIMES }), 'f'),
      assess(expectation('e', [1], { metadata: { a: '1' } }), 'x'),
      assess(issue('iss-1'), 'i'),
      update('<f>', feedback('g', 2), 'feedback'),
      update(
        '<f>',
        feedback('g', 2, { source: { source_type: 'CODE' }, span_id: 's' }),
        'assessmentName,source',
      ),
      update('<f>', { metadata: { b: '3', c: '4' } }, 'metadata'),
      update('<f>', { metadata: {} }, 'metadata'),
      update('<f>', {}, 'metadata'),
      update('<f>', { rationale: 'new' }, 'rationale'),
      update('<f>', { feedback: { value: 'x' }, rationale: '' }, 'feedback,rationale'),
      update('<f>', {}, 'rationale'),
      update('<f>', { feedback: { value: 3, error: { error_code: 'E' } } }, 'feedback'),
      update('<f>', {}, 'assessmentName'),
      getOne('<f>'),
      update('<f>', {}, 'feedback'),
      update('<f>', {}, 'createTime'),
      update('<x>', { expectation: { value: 'y' } }, 'expectation'),
      update('<x>', { rationale: 'dropped' }, 'rationale'),
      update('<x>', serialized('s', '{"a": 1}'), 'expectation'),
      getOne('<x>'),
      update('<x>', {}, 'expectation'),
      update('<x>', { feedback: { value: 1 } }, 'feedback'),
      update('<f>', { expectation: { value: 1 } }, 'expectation'),
      update('<f>', { expectation: { value: 1 } }, 'expectation,feedback'),
      update('<i>', { feedback: { value: 1 } }, 'feedback'),
      update('<i>', { expectation: { value: 1 } }, 'expectation'),
      update('<i>', { rationale: 'r' }, 'rationale'),
      update('<f>', {}, 'valid'),
      update('<f>', feedback('f', 1)),
      update('<f>', feedback('f', 1), ''),
      update('<f>', undefined, 'feedback'),
      getInfo(),
      unreadable(update('<f>', feedback('f', 1), 'assessment_name')),
      unreadable(update('<f>', feedback('f', 1), { paths: ['feedback'] })),
      known('column width kept', update('<f>', feedback('x'.repeat(251), 1), 'assessmentName')),
    ],
  },
  {
    title: 'overrides feedback and takes it back',
    steps: [
      ...TRACE,
      assess(feedback('f', 1), 'a'),
      assess(feedback('f', 2, { overrides: '<a>' }), 'b'),
      getOne('<a>'),
      getInfo(),
      update('<a>', feedback('f', 3), 'feedback'),
      assess(feedback('f', 4, { overrides: '<b>' }), 'c'),
      getInfo(),
      remove('<b>'),
      getOne('<b>'),
      getOne('<a>'),
      getInfo(),
      remove('<c>'),
      remove('<c>'),
      getTrace(),
      assess(feedback('f', 5, { overrides: '<a>' }), 'd'),
      remove('<a>'),
      getInfo(),
      assess(feedback('f', 6, { overrides: '<a>' })),
    ],
  },
  {
    title: 'lets the last of several overriding ones give way',
    steps: [
      ...TRACE,
      assess(feedback('f', 1), 'a'),
      assess(feedback('f', 2, { overrides: '<a>' }), 'b'),
      assess(feedback('f', 3, { overrides: '<a>' }), 'c'),
      remove('<c>'),
      known('overridden while one overrides', getOne('<a>')),
      remove('<b>'),
      getOne('<a>'),
    ],
  },
  {
    title: 'takes assessments that come with their trace',
    steps: [
      createExperiment('e'),
      createExperiment('f'),
      start(
        info(1, {
          request_time: '2023-11-14T22:13:20.001Z',
          execution_duration: '0.001s',
          assessments: [
            feedback('one', 1, TIMES),
            expectation('two', { a: 1 }, TIMES),
            issue('iss-1', TIMES),
            feedback('four', null, { ...TIMES, assessment_id: 'a-<hex>', trace_id: 'tr-another' }),
          ],
        }),
      ),
      getInfo(),
      getTrace(1, { allow_partial: 'true' }),
      exported([span(1)]),
      getTrace(),
      post(`${API3}traces/batchGetInfos`, { trace_ids: [`tr-${traceId(1)}`] }),
      send('GET', `${API3}traces/batchGet?trace_ids=tr-${traceId(1)}`),
      post(`${API3}traces/search`, { locations: [info().trace_location] }),
      exported([span(2, { traceId: traceId(2) })]),
      assess(feedback('before', 1), undefined, {}, 2),
      start(info(2, { assessments: [feedback('more', 2)] })),
      getInfo(2),
      start(
        info(2, {
          trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '<f>' } },
          assessments: [],
        }),
      ),
      getInfo(2),
      unreadable(start(info(3, { assessments: 'x' }))),
      start(info(4, { assessments: [{ assessment_name: 'x' }] })),
      getInfo(4),
      post(`${API3}traces/delete-traces`, { experiment_id: '<e>', request_ids: [`tr-${traceId(1)}`] }),
      getOne('a-<hex>'),
      start(info(1)),
      getInfo(),
      getOne('a-<hex>'),
    ],
  },
]
