// Searches over more traces than are looked at first: the same traces in the same order, wherever those that are asked for lie.
import { beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { describeEachEngine } from '../../support/engines.ts'
import { spansExport } from '../../support/otlp.ts'

const COUNT = 3000
const PER_EXPORT = 500
const SEARCH = '/api/3.0/mlflow/traces/search'

const text = (stringValue: string) => ({ stringValue })
const idOf = (i: number) => (i + 1).toString(16).padStart(32, '0')
/** Three traces share each millisecond. */
const startMs = (i: number) => 1_790_000_000_000 + Math.floor(i / 3)

const span = (i: number) => ({
  traceId: idOf(i),
  spanId: (i + 1).toString(16).padStart(16, '0'),
  name: i % 50 === 0 ? 'retrieve' : 'answer',
  startTimeUnixNano: String(BigInt(startMs(i)) * 1_000_000n),
  endTimeUnixNano: String(BigInt(startMs(i) + 5) * 1_000_000n),
  attributes: [
    { key: 'question', value: text(i % 700 === 3 ? 'where is the needle' : 'what is a haystack') },
  ],
})

/** What each filter is to find. */
const FILTERS: [filter: string, isMet: (i: number) => boolean][] = [
  ["span.content LIKE '%needle%'", (i) => i % 700 === 3],
  ["span.content ILIKE '%NEEDLE%'", (i) => i % 700 === 3],
  ["span.content LIKE '%nowhere%'", () => false],
  ["span.name = 'retrieve'", (i) => i % 50 === 0],
  ["span.name = 'retrieve' AND span.content LIKE '%needle%'", () => false],
  ["tags.kept = 'yes'", (i) => i === 2 || i === COUNT - 1],
  ["tags.kept = 'yes' AND span.name = 'answer'", (i) => i === 2 || i === COUNT - 1],
]

describeEachEngine('searches over thousands of traces', (target) => {
  let app: TestApp
  let experiment: string

  beforeAll(async () => {
    app = await startApp(target)
    const { body } = await app.request('POST', '/api/2.0/mlflow/experiments/create', { name: 'stretches' })
    experiment = (body as { experiment_id: string }).experiment_id
    for (let from = 0; from < COUNT; from += PER_EXPORT) {
      const spans = Array.from({ length: PER_EXPORT }, (_, i) => span(from + i))
      const { status } = await app.request('POST', '/v1/traces', {
        otlp: spansExport(spans),
        as: 'json',
        headers: { 'x-mlflow-experiment-id': experiment },
      })
      expect(status).toBe(200)
    }
    for (const i of [2, COUNT - 1]) {
      const tag = { key: 'kept', value: 'yes' }
      const path = `/api/3.0/mlflow/traces/tr-${idOf(i)}/tags`
      expect((await app.request('PATCH', path, tag)).status).toBe(200)
    }
    return () => app.close()
  })

  async function search(filter: string, order: string[], pageSize: number): Promise<string[]> {
    const found: string[] = []
    let page_token: string | undefined
    do {
      const { status, body } = await app.request('POST', SEARCH, {
        locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } }],
        filter,
        order_by: order,
        max_results: pageSize,
        page_token,
      })
      expect(status).toBe(200)
      const answer = body as { traces?: { trace_id: string }[]; next_page_token?: string }
      found.push(...(answer.traces ?? []).map(({ trace_id }) => trace_id))
      page_token = answer.next_page_token
    } while (page_token)
    return found
  }

  const all = Array.from({ length: COUNT }, (_, i) => i)
  const byTime = (sign: number) => (a: number, b: number) => sign * (startMs(a) - startMs(b)) || a - b

  it.each(FILTERS)('find by %s', async (filter, isMet) => {
    const met = all.filter(isMet)
    const ids = (order: number[]) => order.map((i) => `tr-${idOf(i)}`)
    expect(await search(filter, [], 3)).toEqual(ids(met.toSorted(byTime(-1))))
    expect(await search(filter, ['timestamp_ms ASC'], 2)).toEqual(ids(met.toSorted(byTime(1))))
    expect(await search(filter, ['request_id DESC'], 100)).toEqual(ids(met.toReversed()))
    expect(await search(filter, ['execution_time ASC'], 4)).toEqual(ids(met.toSorted(byTime(-1))))
  })
})
