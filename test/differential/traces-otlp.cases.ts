// Cases of spans that arrive by OTLP, and of reading their traces.
import type { OtlpBody } from '../support/otlp.ts'
import { type Case, createExperiment, get, known, post, type Step } from './cases.ts'

type Value = Record<string, unknown>
const START_MS = 1_700_000_000_000

/** A trace id that no other case uses, by a number of up to three digits. */
export const traceId = (number = 1) => `<hex>${'0'.repeat(21)}${String(number).padStart(3, '0')}`
export const spanId = (number: number) => `00000000000000${number.toString(16).padStart(2, '0')}`
export const text = (value: string): Value => ({ stringValue: value })
export const json = (value: unknown): Value => text(JSON.stringify(value))

export function attributes(values: Record<string, Value>) {
  return Object.entries(values).map(([key, value]) => ({ key, value }))
}

/** A span that starts `number` milliseconds after the others and takes 1.5 ms. */
export function span(number: number, more: Value = {}): Value {
  const startNs = BigInt(START_MS + number) * 1_000_000n + 123_457n
  return {
    traceId: traceId(),
    spanId: spanId(number),
    name: `span ${number}`,
    startTimeUnixNano: String(startNs),
    endTimeUnixNano: String(startNs + 1_500_000n),
    ...more,
  }
}
export const child = (number: number, of: number, more: Value = {}) =>
  span(number, { parentSpanId: spanId(of), ...more })

export const exported = (spans: unknown[], more: Partial<OtlpBody> & { resource?: Value } = {}): Step => {
  const { resource, ...options } = more
  return post('/v1/traces', {
    otlp: { resourceSpans: [{ ...(resource && { resource }), scopeSpans: [{ spans }] }] },
    as: 'protobuf',
    headers: { 'x-mlflow-experiment-id': '<e>' },
    ...options,
  })
}

const raw = (otlp: unknown, more: Partial<OtlpBody> = {}): Step =>
  post('/v1/traces', { otlp, as: 'json', headers: { 'x-mlflow-experiment-id': '<e>' }, ...more })

export const API3 = '/api/3.0/mlflow/'
export const getTrace = (number = 1, more: Record<string, string> = {}): Step =>
  get(`${API3}traces/get`, { trace_id: `tr-${traceId(number)}`, ...more })
export const getInfo = (number = 1): Step => get(`${API3}traces/tr-${traceId(number)}`)
const getFile = (number = 1): Step =>
  get('/ajax-api/3.0/mlflow/get-trace-artifact', { request_id: `tr-${traceId(number)}` })
const allOf = (number = 1) => [getTrace(number), getInfo(number), getFile(number)]

const usage = (input: number, output: number, more: Value = {}) =>
  json({ input_tokens: input, output_tokens: output, total_tokens: input + output, ...more })
const tokens = (input: number, output: number, more: Value = {}) => ({
  attributes: attributes({ 'mlflow.chat.tokenUsage': usage(input, output, more) }),
})

export const otlpCases: Case[] = [
  {
    title: 'takes a span with everything in it, as protobuf and as JSON',
    steps: (['protobuf', 'json'] as const).flatMap((as, index) => [
      ...(index === 0 ? [createExperiment('e')] : []),
      exported(
        [
          span(1, {
            traceId: traceId(index),
            kind: 2,
            attributes: attributes({
              'mlflow.spanInputs': json({ question: 'Why — ünïcode?' }),
              'mlflow.spanOutputs': json(['a', 1, null]),
              'mlflow.spanType': json('LLM'),
              'mlflow.traceRequestId': text('another'),
              plain: text('text'),
              quoted: text('"text"'),
              twice: text('"\\"text\\""'),
              number: text('12'),
              empty: text(''),
              yes: { boolValue: true },
              integer: { intValue: '9007199254740993' },
              double: { doubleValue: 1 },
              small: { doubleValue: 1e-7 },
              list: { arrayValue: { values: [text('x'), { intValue: '1' }, {}] } },
              map: { kvlistValue: { values: attributes({ inner: text('x'), none: {} }) } },
              bytes: { bytesValue: Buffer.from('ab\u0000"').toString('base64') },
              none: {},
            }),
            events: [
              {
                timeUnixNano: String(BigInt(START_MS) * 1_000_000n),
                name: 'event',
                attributes: attributes({
                  count: { intValue: '3' },
                  ratio: { doubleValue: 0.5 },
                  why: text('x'),
                }),
              },
            ],
            status: { code: 2, message: 'It broke' },
          }),
          child(2, 1, { traceId: traceId(index), status: { code: 1, message: 'fine' } }),
          child(3, 2, { traceId: traceId(index), name: '' }),
        ],
        {
          as,
          resource: {
            attributes: attributes({
              'service.name': text('claude-code'),
              'telemetry.sdk.name': text('x'),
              'mlflow.x': text('y'),
              count: { intValue: '3' },
              list: { arrayValue: { values: [text('x'), text('ü')] } },
              'bad key!': text('x'),
            }),
          },
        },
      ),
      ...allOf(index),
    ]),
  },
  {
    title: 'links spans',
    steps: [
      createExperiment('e'),
      exported([
        span(1, {
          links: [
            { traceId: traceId(7), spanId: spanId(7), attributes: attributes({ why: text('because') }) },
            { traceId: traceId(8), spanId: spanId(8) },
          ],
        }),
      ]),
      ...allOf(),
    ],
  },
  {
    title: 'takes spans in any order and again',
    steps: [
      createExperiment('e'),
      exported([child(3, 2)]),
      getInfo(),
      getTrace(1, { allow_partial: 'true' }),
      exported([child(2, 1)], { as: 'json', compression: 'gzip' }),
      exported([child(2, 1)], { compression: 'deflate' }),
      exported([span(1, { attributes: attributes({ 'mlflow.spanInputs': text('in') }) })], {
        compression: 'raw deflate',
      }),
      exported([span(1), child(3, 2)]),
      ...allOf(),
      exported([child(9, 1, { endTimeUnixNano: String(BigInt(START_MS + 5000) * 1_000_000n) })]),
      ...allOf(),
    ],
  },
  {
    title: 'previews what goes in and out',
    steps: [
      createExperiment('e'),
      ...[
        {
          messages: [
            { role: 'user', content: 'Hi' },
            { role: 'assistant', content: 'Hello' },
          ],
        },
        { messages: [{ role: 'system', content: [{ type: 'text', text: 'parts' }] }] },
        { messages: [{ role: 'user', content: '' }] },
        { messages: [1] },
        { choices: [{ message: { role: 'assistant', content: 'chosen' } }] },
        { input: [{ role: 'user', content: ['first', 'second'] }] },
        { output: [{ role: 'assistant', content: [{ type: 'output_text', text: 'out' }] }] },
        { request: { input: [{ role: 'user', content: 'nested' }] } },
        { long: 'x'.repeat(1200) },
        'ü'.repeat(1001),
        5,
      ].flatMap((value, index) => [
        exported([
          span(1, {
            traceId: traceId(index),
            attributes: attributes({ 'mlflow.spanInputs': json(value), 'mlflow.spanOutputs': json(value) }),
          }),
        ]),
        getInfo(index),
      ]),
    ],
  },
  {
    title: 'sums up tokens and cost over the tree, in whatever order its spans come',
    steps: [
      createExperiment('e'),
      exported([child(4, 3, tokens(1, 2)), child(5, 3, tokens(10, 20, { cache_read_input_tokens: 5 }))]),
      getInfo(),
      exported([child(3, 2, tokens(11, 22))]),
      getInfo(),
      exported([span(1), child(6, 1, tokens(100, 200)), child(2, 1)]),
      ...allOf(),
      exported([child(6, 1, tokens(100, 200))]),
      getInfo(),
      exported([
        span(1, {
          traceId: traceId(2),
          attributes: attributes({
            'mlflow.llm.cost': json({ input_cost: 0.25, output_cost: 1, total_cost: 1.25 }),
            'mlflow.chat.tokenUsage': json({ input_tokens: 1 }),
          }),
        }),
      ]),
      ...allOf(2),
    ],
  },
  {
    title: 'takes session, user and tags from attributes',
    steps: [
      createExperiment('e'),
      exported([
        span(1, {
          attributes: attributes({
            'session.id': text('s'),
            'user.id': text('u'),
            'mlflow.traceTag.team': text('a'),
            'mlflow.traceTag.mlflow.traceName': text('named'),
            'mlflow.traceTag.bad!': text('b'),
          }),
        }),
        child(2, 1, { attributes: attributes({ 'session.id': text('other') }) }),
      ]),
      ...allOf(),
      exported([child(3, 1, { attributes: attributes({ 'session.id': text('x'), 'user.id': text('y') }) })]),
      getInfo(),
      exported([
        span(1, { traceId: traceId(2), attributes: attributes({ 'gen_ai.conversation.id': text('c') }) }),
      ]),
      getInfo(2),
      exported([
        span(1, { traceId: traceId(3), attributes: attributes({ 'session.id': text('x'.repeat(251)) }) }),
      ]),
      getInfo(3),
    ],
  },
  {
    title: 'takes several traces at once and reads them by ids',
    steps: [
      createExperiment('e'),
      exported(
        [1, 2, 3].flatMap((n) => [span(1, { traceId: traceId(n) }), child(2, 1, { traceId: traceId(n) })]),
      ),
      get(`${API3}traces/batchGet`, { trace_ids: [3, 1, 9, 1].map((n) => `tr-${traceId(n)}`) }),
      post(`${API3}traces/batchGetInfos`, { trace_ids: [3, 1, 9].map((n) => `tr-${traceId(n)}`) }),
      post(`${API3}traces/batchGetInfos`, { trace_ids: [`tr-${traceId(1)}`], experiment_ids: ['<e>'] }),
      post(`${API3}traces/batchGetInfos`, { trace_ids: [`tr-${traceId(1)}`], experiment_ids: ['0'] }),
      post(`${API3}traces/batchGetInfos`, { trace_ids: [] }),
      post(`${API3}traces/batchGetInfos`, {}),
      get(`${API3}traces/batchGet`),
      get(`/api/2.0/mlflow/traces/tr-${traceId(1)}/info`),
      get('/api/2.0/mlflow/traces/tr-none/info'),
      get(`${API3}traces/get`, { trace_id: 'tr-none' }),
      get(`${API3}traces/get`),
      get(`${API3}traces/tr-none`),
      get('/ajax-api/2.0/mlflow/get-trace-artifact'),
      get('/ajax-api/2.0/mlflow/get-trace-artifact', { request_id: 'tr-none' }),
    ],
  },
  {
    title: 'refuses wrong exports',
    steps: [
      createExperiment('e'),
      exported([span(1)], { headers: {} }),
      exported([span(1)], { headers: { 'x-mlflow-experiment-id': '999999999' } }),
      exported([span(1)], { headers: { 'x-mlflow-experiment-id': 'abc' } }),
      exported([span(1)], { headers: { 'x-mlflow-experiment-id': '<e>', 'content-type': 'text/plain' } }),
      exported([span(1)], { headers: { 'x-mlflow-experiment-id': '<e>', 'content-encoding': 'br' } }),
      exported([span(1)], { headers: { 'x-mlflow-experiment-id': '<e>', 'content-encoding': 'gzip' } }),
      exported([span(1)], { headers: { 'x-mlflow-experiment-id': '<e>', 'content-encoding': 'deflate' } }),
      exported([]),
      exported([span(1, { traceId: '' })]),
      exported([span(1, { spanId: '' })]),
      exported([span(1), span(2, { spanId: '' })]),
      getInfo(),
      exported([span(1, { traceId: 'zz' })], { as: 'json' }),
      raw({}),
      raw({ resourceSpans: [] }),
      raw({ resourceSpans: [{}] }),
      known('export that is no object refused', raw('text')),
      raw({ resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: 'ab', unknown: 1 }] }] }] }),
      raw({ resourceSpans: [{ scopeSpans: [{ spans: [{ name: 5 }] }] }] }),
      known('export that is no object refused', raw({ resourceSpans: 5 })),
    ],
  },
  {
    title: 'waits for no end of a trace that goes on',
    steps: [
      createExperiment('e'),
      exported([child(2, 1, { endTimeUnixNano: '0' })]),
      known('no duration without an end', getInfo()),
      exported([child(2, 1)]),
      getInfo(),
    ],
  },
]
