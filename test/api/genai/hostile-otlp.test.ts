// Exports of spans that no exporter sends: refused whole, or stored and read back; never a crash.
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { describeEachEngine } from '../../support/engines.ts'

type Json = Record<string, unknown>

const ID = 'ab'.repeat(16)
const span = (more: Json = {}): Json => ({
  traceId: ID,
  spanId: '01'.repeat(8),
  name: 'x',
  startTimeUnixNano: '1700000000000000000',
  endTimeUnixNano: '1700000001000000000',
  ...more,
})
const request = (...spans: unknown[]) => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] })
const attribute = (key: string, value: unknown) => ({ key, value })

/** A JSON text of lists of OTLP, one in the other. */
const nested = (levels: number) => '{"arrayValue":{"values":['.repeat(levels) + ']}}'.repeat(levels)
const withValue = (value: string) =>
  JSON.stringify(request(span({ attributes: [attribute('deep', 'VALUE')] }))).replace('"VALUE"', value)

/** A field of protobuf: its number, its wire type, its bytes. */
const field = (number: number, type: number, bytes: number[] | Buffer) =>
  Buffer.from([(number << 3) | type, ...(type === 2 ? varint(bytes.length) : []), ...bytes])
function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]
}
const inSpan = (bytes: Buffer) => field(1, 2, field(2, 2, field(2, 2, bytes)))
const IDS = Buffer.concat([field(1, 2, Buffer.alloc(16, 1)), field(2, 2, Buffer.alloc(8, 1))])

/** Lists in a value of a span, as bytes. */
function nestedBytes(levels: number): Buffer {
  let value = Buffer.alloc(0)
  for (let level = 0; level < levels; level++) value = field(5, 2, field(1, 2, value))
  return inSpan(
    Buffer.concat([IDS, field(9, 2, Buffer.concat([field(1, 2, Buffer.from('k')), field(2, 2, value)]))]),
  )
}

const REFUSED: [what: string, body: Buffer | string, headers?: Record<string, string>][] = [
  ['lists nested 20,000 deep in JSON', withValue(nested(20_000))],
  ['brackets without an end', `{"resourceSpans":${'['.repeat(100_000)}`],
  ['a list nested deeper than protobuf takes', withValue(nested(120))],
  ['lists nested 5,000 deep in protobuf', nestedBytes(5000)],
  ['a number where ids are bytes', inSpan(Buffer.concat([field(1, 0, [5]), field(2, 0, [5])]))],
  ['a text where the start is a number', inSpan(Buffer.concat([IDS, field(7, 2, Buffer.from('soon'))]))],
  ['groups, which protobuf has given up', inSpan(Buffer.concat([IDS, field(30, 3, [])]))],
  ['a length beyond the end', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x07])],
  ['a varint without an end', Buffer.alloc(64, 0xff)],
  ['text that is no UTF-8', inSpan(Buffer.concat([IDS, field(5, 2, [0xff, 0xfe])]))],
  ['a trace id of 17 bytes', JSON.stringify(request(span({ traceId: 'ab'.repeat(17) })))],
  ['a span id of 9 bytes', JSON.stringify(request(span({ spanId: 'ab'.repeat(9) })))],
  ['a trace id that is no hex', JSON.stringify(request(span({ traceId: 'xyz' })))],
  ['an id that is a list', JSON.stringify(request(span({ traceId: [1] })))],
  ['no trace id', JSON.stringify(request(span({ traceId: undefined })))],
  ['one span of many without an id', JSON.stringify(request(span(), span({ spanId: '' })))],
  ['a start beyond int64', JSON.stringify(request(span({ startTimeUnixNano: '9223372036854775808' })))],
  ['a start beyond uint64', JSON.stringify(request(span({ startTimeUnixNano: '18446744073709551616' })))],
  ['a negative end', JSON.stringify(request(span({ endTimeUnixNano: '-1' })))],
  ['a start of 1e400', JSON.stringify(request(span())).replace('"1700000000000000000"', '1e400')],
  ['a zip bomb', gzipSync(Buffer.alloc(80 * 1024 * 1024)), { 'content-encoding': 'gzip' }],
  [
    'half of a zip',
    gzipSync(JSON.stringify(request(span()))).subarray(0, 60),
    { 'content-encoding': 'gzip' },
  ],
  ['half of a surrogate pair', JSON.stringify(request(span({ name: 'a\ud800b' })))],
  ['a list', '[1]'],
  ['null', 'null'],
  ['nothing', ''],
]

/** Thirty million messages of two bytes each, which zip to next to nothing. */
const EMPTY = 30_000_000
const empty = (number: number) => Buffer.alloc(2 * EMPTY, field(number, 2, []))
const many = Array.from({ length: 50_001 }, (_, number) =>
  span({ spanId: (number + 1).toString(16).padStart(16, '0') }),
)
const TOO_LARGE: [what: string, body: Buffer, type: string][] = [
  ['spans in JSON', gzipSync(JSON.stringify(request(...many)), { level: 1 }), 'application/json'],
  ['empty spans', gzipSync(field(1, 2, field(2, 2, empty(2))), { level: 1 }), 'application/x-protobuf'],
  [
    'empty attributes',
    gzipSync(inSpan(Buffer.concat([IDS, empty(9)])), { level: 1 }),
    'application/x-protobuf',
  ],
  ['empty scopes', gzipSync(field(1, 2, empty(2)), { level: 1 }), 'application/x-protobuf'],
]

describeEachEngine('exports of spans', (target) => {
  let app: TestApp
  let experimentId = ''

  beforeAll(async () => {
    app = await startApp(target)
    const { body } = await app.request('POST', '/api/2.0/mlflow/experiments/create', { name: 'hostile' })
    experimentId = (body as { experiment_id: string }).experiment_id
  })
  afterAll(() => app?.close())

  async function send(body: Buffer | string, headers: Record<string, string> = {}) {
    const { statusCode, body: text } = await app.app.inject({
      method: 'POST',
      url: '/v1/traces',
      headers: {
        'x-mlflow-experiment-id': experimentId,
        'content-type': typeof body === 'string' ? 'application/json' : 'application/x-protobuf',
        ...headers,
      },
      payload: body,
    })
    return { status: statusCode, text }
  }
  const find = async (filter?: string) => {
    const { status, body } = await app.request('POST', '/api/3.0/mlflow/traces/search', {
      locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } }],
      ...(filter && { filter }),
    })
    expect(status).toBe(200)
    return (body as { traces?: { trace_id: string }[] }).traces ?? []
  }
  const read = async (traceId: string) => {
    const path = `/api/3.0/mlflow/traces/get?trace_id=tr-${traceId}`
    const { status, body } = await app.request('GET', path)
    expect(status).toBe(200)
    return (body as { trace: { spans: { name: string; attributes: { key: string; value: Json }[] }[] } })
      .trace
  }

  describe('that are refused', () => {
    it.each(REFUSED)('%s', async (_what, body, headers) => {
      const contentType = headers ? { 'content-type': 'application/json', ...headers } : {}
      const { status, text } = await send(body, contentType)
      expect(status, text).toBeGreaterThanOrEqual(400)
      expect(status, text).toBeLessThan(500)
      expect(text).toContain('detail')
    })

    it.each(TOO_LARGE)('%s that are more than memory takes', async (_what, body, type) => {
      const { status, text } = await send(body, { 'content-type': type, 'content-encoding': 'gzip' })
      expect(status, text).toBe(413)
      expect(text).toContain('An export may hold at most')
    })

    it('leave nothing behind', async () => {
      expect(await find()).toEqual([])
    })
  })

  describe('that are stored', () => {
    it('text that engines do not keep', async () => {
      const bad = 'a\0b\uffff\u202e'
      const attributes = [
        attribute(bad, { stringValue: bad }),
        attribute('mlflow.spanType', { stringValue: bad }),
        attribute('mlflow.spanInputs', { stringValue: bad }),
        attribute('mlflow.llm.model', { stringValue: bad }),
        attribute('session.id', { stringValue: bad }),
        attribute('user.id', { stringValue: bad }),
        attribute(`mlflow.traceTag.${bad}`, { stringValue: 'x' }),
        attribute('mlflow.traceTag.t', { stringValue: bad }),
        attribute('gen_ai.operation.name', { stringValue: bad }),
      ]
      const body = {
        resourceSpans: [
          { resource: { attributes }, scopeSpans: [{ spans: [span({ name: bad, attributes })] }] },
        ],
      }
      const { status, text } = await send(JSON.stringify(body))
      expect(status, text).toBe(200)
      expect((await read(ID)).spans).toHaveLength(1)
    })

    it('100,000 attributes, a megabyte in one of them, and deep JSON in texts', async () => {
      const id = 'cd'.repeat(16)
      const attributes = Array.from({ length: 100_000 }, (_, number) =>
        attribute(`k${number}`, { intValue: String(number) }),
      )
      const deep = '['.repeat(50_000) + ']'.repeat(50_000)
      for (const key of ['input.value', 'gen_ai.input.messages', 'ai.prompt.x', 'mlflow.chat.tokenUsage']) {
        attributes.push({ key, value: { stringValue: deep } as never })
      }
      attributes.push(attribute('ai.operationId', { stringValue: 'ai.generateText.doGenerate' }) as never)
      attributes.push(attribute('mlflow.spanOutputs', { stringValue: 'y'.repeat(1 << 20) }) as never)
      const { status, text } = await send(JSON.stringify(request(span({ traceId: id, attributes }))))
      expect(status, text).toBe(200)
      const [only] = (await read(id)).spans
      expect(only?.attributes.length).toBeGreaterThan(100_000)
    })

    it('10,000 spans of as many traces in one request', async () => {
      const spans = Array.from({ length: 10_000 }, (_, number) =>
        span({ traceId: `ef${'0'.repeat(20)}${String(number).padStart(10, '0')}`, name: 'many' }),
      )
      const { status, text } = await send(JSON.stringify(request(...spans)))
      expect(status, text).toBe(200)
      expect(await find("span.name = 'many'")).toHaveLength(100)
      expect((await read(`ef${'0'.repeat(20)}0000009999`)).spans).toHaveLength(1)
    })

    it('a span that is its own parent, and children in a circle', async () => {
      const id = 'aa'.repeat(16)
      const usage = [attribute('mlflow.chat.tokenUsage', { stringValue: '{"input_tokens": 1}' })]
      const circle = [
        span({ traceId: id, parentSpanId: '01'.repeat(8), attributes: usage }),
        span({ traceId: id, spanId: '02'.repeat(8), parentSpanId: '03'.repeat(8), attributes: usage }),
        span({ traceId: id, spanId: '03'.repeat(8), parentSpanId: '02'.repeat(8) }),
      ]
      expect((await send(JSON.stringify(request(...circle)))).status).toBe(200)
      expect((await read(id)).spans).toHaveLength(3)
    })

    it('what is left is well', async () => {
      expect((await send(JSON.stringify(request(span({ traceId: 'bb'.repeat(16) }))))).status).toBe(200)
      expect((await read('bb'.repeat(16))).spans).toHaveLength(1)
    })
  })
})
