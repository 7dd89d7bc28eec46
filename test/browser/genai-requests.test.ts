// What the UI asked of stock on its GenAI pages, asked again of this server: each answer has stock's status and shape.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeOnCratedb, type EngineTarget } from '../support/engines.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { missing } from '../support/services.ts'
import {
  GENAI_PAGES,
  type RecordedExchange,
  read,
  readRecording,
  resolve,
  type Sources,
} from './recording.ts'
import { seedGenai } from './suites/genai/seed.ts'

const reason = missing('python')

interface Known {
  reason: string
  accepts: (stock: RecordedExchange, ours: { status: number; shape: string }) => boolean
}

/** The answers that are not as stock's. */
const KNOWN: Known[] = [
  {
    reason: 'What stock has only with users is refused with a page by stock, with an error of MLflow here.',
    accepts: (stock, ours) =>
      [stock.status, ours.status].every((status) => status === 404) &&
      stock.path.startsWith('/ajax-api/2.0/mlflow/users/') &&
      stock.shape === 'text/html',
  },
  {
    reason: 'There is no assistant: it has no providers.',
    accepts: (stock, ours) =>
      stock.path === '/ajax-api/3.0/mlflow/assistant/providers' &&
      ours.shape === '{gateway_vendor_options:{},providers:[],resolved:null}',
  },
  {
    reason:
      "A judge's experiment is left out where its id is beyond the 32 bits that MLflow has for it here.",
    accepts: (stock, ours) =>
      stock.path.startsWith('/ajax-api/3.0/mlflow/scorers/list') &&
      stock.shape.replace('experiment_id:number,', '') === ours.shape,
  },
]

describe.skipIf(reason)(`requests of the GenAI pages${reason && ` (${reason})`}`, () => {
  describeOnCratedb('are answered', requestTests)
})

function requestTests(target: EngineTarget): void {
  let server: TestServer
  const sources: Sources = new Map()

  beforeAll(async () => {
    server = await startServer({ backendStoreUri: target.uri })
    sources.set('seed', await seedGenai(server.url))
  })
  afterAll(() => server?.stop())

  it('in the shape of stock', async () => {
    const recorded = await readRecording(GENAI_PAGES)
    const unlike: object[] = []
    const met: string[] = []
    for (const [number, exchange] of recorded.entries()) {
      const { status, answer, shape } = await send(exchange)
      sources.set(String(number), answer)
      if (status === exchange.status && shape === exchange.shape) continue
      const known = KNOWN.find(({ accepts }) => accepts(exchange, { status, shape }))
      if (known) met.push(known.reason)
      else unlike.push({ number, ...exchange, ours: { status, shape } })
    }
    const count = recorded.length - unlike.length - met.length
    console.log(`${count} of ${recorded.length} requests answered as stock, ${met.length} unlike it as known`)
    const needless = KNOWN.map(({ reason }) => reason).filter((one) => !met.includes(one))
    expect({ unlike, needless }).toEqual({ unlike: [], needless: [] })
  })

  async function send({ method, path, body }: RecordedExchange) {
    const now = Date.now()
    const response = await fetch(server.url + resolve(path, sources, now), {
      method,
      ...(body && {
        body: resolve(body, sources, now),
        headers: { 'content-type': 'application/json' },
      }),
    })
    const contentType = (response.headers.get('content-type') ?? '').split(';')[0] ?? ''
    return { status: response.status, ...read({ contentType, answer: await response.text() }) }
  }
}
