// The same random searches over traces against stock MLflow and ours, over the same data: the same traces in the same order.
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { tries } from '../support/chance.ts'
import { describeEachEngine } from '../support/engines.ts'
import { spansExport } from '../support/otlp.ts'
import { missing } from '../support/services.ts'
import { useStock } from '../support/stock-server.ts'
import type { Ask } from './search-data.ts'
import { attributes, json, text } from './traces-otlp.cases.ts'

const CASES = tries(75, 500)
const TRACES = 30
const START_MS = 1_700_000_000_000
const STATUSES = ['OK', 'ERROR']
const NAMES = ['chat', 'Chat_2', 'a%b', 'ünï']
const TEAMS = ['a', 'B', 'a%', '']
const TYPES = ['LLM', 'TOOL', undefined]

const value = (values: readonly string[]) => fc.constantFrom(...values, 'none').map((one) => `'${one}'`)
const pattern = fc
  .array(fc.constantFrom('%', '_', 'a', 'b', 'B', 'Chat', 'L', 'ü'), { minLength: 1, maxLength: 4 })
  .map((parts) => `'${parts.join('')}'`)
const regex = fc
  .array(
    fc.constantFrom('.', '.*', 'a', '[a-cC]', '(b|L)', 'B?', 'h+', '\\w', '[^x]', 'a{1,2}', 'ü', '|', '_'),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .chain((parts) => fc.tuple(fc.constantFrom('', '^'), fc.constant(parts.join('')), fc.constantFrom('', '$')))
  .map((parts) => `'${parts.join('')}'`)
const equal = fc.constantFrom('=', '!=')
const like = fc.constantFrom('LIKE', 'ILIKE')
const is = fc.constantFrom('IS NULL', 'IS NOT NULL')
const clause = (...parts: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> =>
  fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
    .map((all) => all.join(' '))

const list = (values: readonly string[]) =>
  fc.subarray([...values], { minLength: 1 }).map((some) => `(${some.map((one) => `'${one}'`).join(', ')})`)
const within = fc.constantFrom('IN', 'NOT IN')
const number = fc.constantFrom('<', '<=', '>', '>=', '=', '!=')
const comparison = fc.oneof(
  clause(fc.constantFrom('status', 'trace.status', 'attributes.status'), equal, value(STATUSES)),
  clause('status', within, list(STATUSES)),
  clause('status', like, pattern),
  clause(fc.constantFrom('name', 'trace.name', 'tags.`mlflow.traceName`'), equal, value(NAMES)),
  clause('name', like, pattern),
  clause('tags.`mlflow.traceName`', is),
  clause('tags.team', equal, value(TEAMS)),
  clause('tag.team', like, pattern),
  clause('tags.team', is),
  clause('metadata.own', equal, value(['x', 'y'])),
  clause('request_metadata.own', like, pattern),
  clause('metadata.own', is),
  clause('metadata.`mlflow.trace.session`', equal, value(['s0', 's1'])),
  clause('metadata.`mlflow.trace.session`', is),
  clause('metadata.`mlflow.trace.tokenUsage`', is),
  clause(
    fc.constantFrom('timestamp', 'timestamp_ms'),
    number,
    fc.nat(TRACES).map((i) => String(START_MS + i)),
  ),
  clause(fc.constantFrom('execution_time', 'execution_time_ms'), number, fc.nat(10).map(String)),
  clause(
    fc.constantFrom('end_time', 'end_time_ms'),
    number,
    fc.nat(TRACES).map((i) => String(START_MS + i)),
  ),
  clause('client_request_id', equal, value(['client 1', 'client 2'])),
  clause('span.name', equal, value(['root', 'call'])),
  clause('span.type', equal, value(['LLM', 'TOOL'])),
  clause('span.type', within, list(['LLM', 'TOOL'])),
  clause('span.status', equal, value(['OK', 'ERROR', 'UNSET'])),
  clause('span.attributes.note', like, pattern),
  clause(
    fc.constantFrom('name', 'tags.team', 'metadata.own', 'status', 'span.name', 'span.attributes.note'),
    'RLIKE',
    regex,
  ),
  clause(fc.constantFrom('span.content', 'trace.text'), like, pattern),
)
const filter = fc.array(comparison, { maxLength: 3 }).map((all) => all.join(' AND '))
const SORT_KEYS = [
  ...['timestamp', 'timestamp_ms', 'execution_time_ms', 'status', 'request_id', 'name', 'experiment_id'],
  ...['tags.team', 'metadata.own', 'metadata.`mlflow.trace.session`'],
]
const orderBy = fc
  .subarray(SORT_KEYS, { maxLength: 3 })
  .chain((keys) =>
    fc.tuple(...keys.map((key) => fc.constantFrom('', ' ASC', ' DESC').map((direction) => key + direction))),
  )

interface Search {
  filter: string
  order_by: string[]
  max_results: number
}
const arbitrarySearch: fc.Arbitrary<Search> = fc.record({
  filter,
  order_by: orderBy,
  max_results: fc.constantFrom(7, 100),
})

const idOf = (index: number, hex: string) => `tr-${hex}${String(index).padStart(24, '0')}`

/** Traces of which every second one is described by its client, the others made of spans. */
async function seed(ask: Ask, hex: string): Promise<string> {
  const { body } = await ask('POST', '/api/2.0/mlflow/experiments/create', { name: `traces-${hex}` })
  const experimentId = (body as { experiment_id: string }).experiment_id
  const pick = <Item>(items: readonly Item[], index: number) => items[index % items.length] as Item
  for (let index = 0; index < TRACES; index++) {
    const timeMs = START_MS + (index % 20)
    const team = pick([...TEAMS, undefined], index)
    const name = pick([...NAMES, undefined], index + 1)
    const session = pick(['s0', 's1', undefined], index)
    const tags = { ...(team !== undefined && { team }), ...(name && { 'mlflow.traceName': name }) }
    const answer =
      index % 2 === 0
        ? await ask('POST', '/api/3.0/mlflow/traces', {
            trace: {
              trace_info: {
                trace_id: idOf(index, hex),
                client_request_id: `client ${index % 4}`,
                trace_location: {
                  type: 'MLFLOW_EXPERIMENT',
                  mlflow_experiment: { experiment_id: experimentId },
                },
                request_time: new Date(timeMs).toISOString(),
                execution_duration: `${(index % 5) / 1000}s`,
                state: pick(STATUSES, index / 2),
                trace_metadata: {
                  ...(index % 3 === 0 && { own: pick(['x', 'y'], index) }),
                  ...(session && { 'mlflow.trace.session': session }),
                },
                tags,
              },
            },
          })
        : await ask('POST', '/v1/traces', {
            otlp: spansExport(spansOf(index, hex, { timeMs, tags, session })),
            as: 'protobuf',
            headers: { 'x-mlflow-experiment-id': experimentId },
          })
    if (answer.status !== 200) throw new Error(JSON.stringify(answer))
  }
  return experimentId
}

function spansOf(
  index: number,
  hex: string,
  { timeMs, tags, session }: { timeMs: number; tags: Record<string, string>; session: string | undefined },
) {
  const at = (ms: number) => String(BigInt(timeMs + ms) * 1_000_000n)
  const tagged = Object.fromEntries(
    Object.entries(tags).map(([key, tag]) => [`mlflow.traceTag.${key}`, text(tag)]),
  )
  const type = TYPES[index % 3]
  return [
    {
      traceId: idOf(index, hex).slice(3),
      spanId: '0000000000000001',
      name: 'root',
      startTimeUnixNano: at(0),
      endTimeUnixNano: at(index % 7),
      status: { code: index % 3 },
      attributes: attributes({
        ...tagged,
        ...(session && { 'session.id': text(session) }),
        note: text(NAMES[index % 4] ?? ''),
      }),
    },
    {
      traceId: idOf(index, hex).slice(3),
      spanId: '0000000000000002',
      parentSpanId: '0000000000000001',
      name: 'call',
      startTimeUnixNano: at(0),
      endTimeUnixNano: at(1),
      attributes: attributes({
        ...(type && { 'mlflow.spanType': text(type) }),
        ...(index % 4 === 1 && { 'mlflow.chat.tokenUsage': json({ input_tokens: index }) }),
      }),
    },
  ]
}

/** Ids of the found traces in order, over all pages; or that it was refused. */
async function search(ask: Ask, experimentId: string, wanted: Search): Promise<unknown> {
  const found: string[] = []
  let token: string | undefined
  do {
    const { status, body } = await ask('POST', '/api/3.0/mlflow/traces/search', {
      ...wanted,
      locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } }],
      ...(token && { page_token: token }),
    })
    const answer = body as { traces?: { trace_id: string }[]; next_page_token?: string }
    if (status !== 200) return { status: status === 500 ? 400 : status }
    found.push(...(answer.traces ?? []).map((trace) => trace.trace_id))
    token = answer.next_page_token
  } while (token)
  return found
}

const reason = missing('stock')
const hex = crypto.randomUUID().slice(0, 8)
let seeded: Promise<{ stock: Ask; stockExperiment: string }> | undefined

/** The stock server with the data, seeded once for all engines. */
function seededStock() {
  seeded ??= useStock().then(async ({ request }) => ({
    stock: request,
    stockExperiment: await seed(request, hex),
  }))
  return seeded
}

describeEachEngine(`random searches over traces${reason && ` (${reason})`}`, (target) => {
  let ours: TestApp
  let experiment: string
  let stock: Ask
  let stockExperiment: string

  beforeAll(async () => {
    if (reason) return
    ours = await startApp(target)
    experiment = await seed(ours.request, hex)
    ;({ stock, stockExperiment } = await seededStock())
    return () => ours.close()
  })

  it.skipIf(reason)(`find the same traces in the same order as stock MLflow in ${CASES} cases`, async () => {
    let hits = 0
    await fc.assert(
      fc.asyncProperty(arbitrarySearch, async (wanted) => {
        const expected = await search(stock, stockExperiment, wanted)
        expect(await search(ours.request, experiment, wanted)).toEqual(expected)
        if (Array.isArray(expected) && expected.length > 0) hits++
      }),
      { numRuns: CASES },
    )
    // Searches that find nothing prove little.
    expect(hits).toBeGreaterThan(CASES / 10)
  })
})
