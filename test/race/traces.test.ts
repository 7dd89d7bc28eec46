// Spans of one trace that come out of order, several times and at once, to two servers on one database.
import { randomBytes, randomInt } from 'node:crypto'
import { expect, it } from 'vitest'
import type { Trace, TraceInfo } from '../../src/genai/traces/schema.ts'
import { describeEachEngine } from '../support/engines.ts'
import { spansExport } from '../support/otlp.ts'
import { useServers } from './servers.ts'

const API = '/api/3.0/mlflow/traces'
const SPANS = 40
const START_MS = Date.UTC(2026, 0, 31, 23, 59, 59, 990)

const idOf = (number: number) => number.toString(16).padStart(16, '0')
const string = (key: string, stringValue: string) => ({ key, value: { stringValue } })

/** Span 1 is the root; each other one is a child of the one with half of its number. Leaves tell tokens. */
function spanOf(traceId: string, number: number) {
  const startNs = BigInt(START_MS + number) * 1_000_000n
  const usage = JSON.stringify({ input_tokens: number, output_tokens: 1, total_tokens: number + 1 })
  return {
    traceId,
    spanId: idOf(number),
    ...(number > 1 && { parentSpanId: idOf(number >> 1) }),
    name: `span ${number}`,
    startTimeUnixNano: String(startNs),
    endTimeUnixNano: String(startNs + 5_000_000n),
    attributes: [
      ...(number * 2 > SPANS ? [string('mlflow.chat.tokenUsage', usage)] : []),
      ...(number === 1 ? [string('mlflow.spanInputs', 'in'), string('session.id', 's')] : []),
    ],
  }
}

function shuffled<Item>(items: Item[]): Item[] {
  const all = [...items]
  for (let i = all.length - 1; i > 0; i--) {
    const j = randomInt(i + 1)
    const [a, b] = [all[i] as Item, all[j] as Item]
    all[i] = b
    all[j] = a
  }
  return all
}

describeEachEngine('races of spans', (target) => {
  const { appOf } = useServers(target)
  const send = async (index: number, spans: object[], experimentId = '0') => {
    const answer = await appOf(index).request('POST', '/v1/traces', {
      otlp: spansExport(spans),
      as: 'json',
      headers: { 'x-mlflow-experiment-id': experimentId },
    })
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  }
  const read = async (traceId: string): Promise<Trace> => {
    const { body } = await appOf(1).request('GET', `${API}/get?trace_id=tr-${traceId}`)
    return (body as { trace: Trace }).trace
  }
  const withoutId = (info: TraceInfo, traceId: string) => JSON.stringify(info).replaceAll(traceId, 'id')
  const numbers = Array.from({ length: SPANS }, (_, index) => index + 1)

  it('makes the same trace of them as of spans that come once, in order', async () => {
    const [ordered, racing] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')]
    for (const number of numbers) await send(0, [spanOf(ordered, number)])
    // Every span twice, in random order, one or two a request.
    const twice = shuffled([...numbers, ...numbers])
    const requests = Array.from({ length: twice.length / 2 }, (_, index) =>
      twice.slice(2 * index, 2 * index + 2),
    )
    await Promise.all(
      requests.map((pair, index) =>
        send(
          index,
          pair.map((number) => spanOf(racing, number)),
        ),
      ),
    )
    const [expected, found] = [await read(ordered), await read(racing)]
    expect(found.spans).toHaveLength(SPANS)
    expect(new Set(found.spans?.map((span) => span.span_id)).size).toBe(SPANS)
    expect(sortedKeys(withoutId(found.trace_info, racing))).toEqual(
      sortedKeys(withoutId(expected.trace_info, ordered)),
    )
    const leaves = numbers.filter((number) => number * 2 > SPANS)
    const input = leaves.reduce((sum, number) => sum + number, 0)
    expect(JSON.parse(found.trace_info.trace_metadata?.['mlflow.trace.tokenUsage'] ?? '')).toEqual({
      input_tokens: input,
      output_tokens: leaves.length,
      total_tokens: input + leaves.length,
    })
  })

  it('lets what a client says of a trace hold, whichever comes first', async () => {
    const traceId = randomBytes(16).toString('hex')
    const describe = () =>
      appOf(1).request('POST', API, {
        trace: {
          trace_info: {
            trace_id: `tr-${traceId}`,
            trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '0' } },
            request_time: '2026-01-02T03:04:05Z',
            execution_duration: '2s',
            state: 'ERROR',
            trace_metadata: {
              'mlflow.trace.tokenUsage': '{"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}',
            },
          },
        },
      })
    const [answer] = await Promise.all([
      describe(),
      ...shuffled(numbers).map((number) => send(number, [spanOf(traceId, number)])),
    ])
    expect(answer.status).toBe(200)
    const { trace_info: info, spans } = await read(traceId)
    expect(spans).toHaveLength(SPANS)
    expect(info).toMatchObject({
      request_time: '2026-01-02T03:04:05Z',
      execution_duration: '2s',
      state: 'ERROR',
      request_preview: '"in"',
    })
    expect(info.trace_metadata?.['mlflow.trace.tokenUsage']).toContain('"total_tokens": 3')
  })

  it('has all spans in the experiment of their trace, when they come for two at once', async () => {
    const created = await appOf(0).request('POST', '/api/2.0/mlflow/experiments/create', {
      name: `beside ${randomBytes(8).toString('hex')}`,
    })
    const other = (created.body as { experiment_id: string }).experiment_id
    const traceIds = Array.from({ length: 10 }, () => randomBytes(16).toString('hex'))
    // What arrives during the first export goes out together.
    await Promise.all([
      send(0, [spanOf(randomBytes(16).toString('hex'), 1)]),
      ...traceIds.flatMap((traceId) => [send(0, [spanOf(traceId, 1)]), send(0, [spanOf(traceId, 2)], other)]),
    ])
    for (const traceId of traceIds) {
      const { trace_info: info } = await read(traceId)
      for (const name of ['span 1', 'span 2']) {
        const { body } = await appOf(1).request('POST', `${API}/search`, {
          locations: [info.trace_location],
          filter: `span.name = '${name}'`,
          max_results: 500,
        })
        const found = (body as { traces: TraceInfo[] }).traces.map(({ trace_id }) => trace_id)
        expect(found, name).toContain(`tr-${traceId}`)
      }
    }
  })

  it('keeps an attribute of megabytes', async () => {
    const traceId = randomBytes(16).toString('hex')
    const large = 'ü'.repeat(3_000_000)
    await send(0, [{ ...spanOf(traceId, 1), attributes: [string('mlflow.spanInputs', large)] }])
    const { spans, trace_info: info } = await read(traceId)
    expect(JSON.stringify(spans)).toContain(large)
    expect(info.request_preview).toHaveLength(1000)
  })
})

/** The JSON with its keys in order. */
const sortedKeys = (json: string): unknown => {
  const sort = (value: unknown): unknown =>
    typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, item]) => [key, sort(item)]),
        )
      : value
  return sort(JSON.parse(json))
}
