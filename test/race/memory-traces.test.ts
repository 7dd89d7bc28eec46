// A server that is sent spans for ever, and read by the page: its memory stays flat.
import { readFileSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { expect, it } from 'vitest'
import { type RunningServer, runServer } from '../cli/program.ts'
import { describeEachEngine } from '../support/engines.ts'
import { encodeOtlp, spansExport } from '../support/otlp.ts'

/** `TEST_SPANS`: how many spans are sent; the night sends more. */
const SPANS = Number(process.env.TEST_SPANS ?? 6000)
const CLIENTS = 8
const SPANS_AT_ONCE = 100
const SPANS_OF_TRACE = 5
const SPAN_BYTES = 1000
/** What the server's heap may have. */
const HEAP_MIB = 256
/** What the server may take more behind the last span, or the last page, than when it was warm. */
const GROWTH_MIB = 150
const LARGE_TRACES = 5
const SPANS_OF_LARGE = 1000
/** Busy machines take hundreds of spans a second. */
const LONGEST_MS = 120_000 + SPANS * 10

const residentMib = ({ pid }: RunningServer) =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0')

/** Spans of 1 kB with numbers from `first` on; every so many are one trace of the given kind. */
function exportOf(first: number, count: number, { kind, ofTrace }: { kind: string; ofTrace: number }) {
  const spans = Array.from({ length: count }, (_, index) => {
    const number = first + index
    const isRoot = number % ofTrace === 0
    return {
      traceId: kind + hex(Math.floor(number / ofTrace), 31),
      spanId: hex(number + 1, 16),
      ...(!isRoot && { parentSpanId: hex(number - (number % ofTrace) + 1, 16) }),
      name: isRoot ? 'answer' : 'call',
      startTimeUnixNano: `${1_700_000_000_000 + number}000000`,
      endTimeUnixNano: `${1_700_000_001_000 + number}000000`,
      attributes: [
        { key: 'mlflow.spanType', value: { stringValue: '"LLM"' } },
        { key: 'mlflow.spanInputs', value: { stringValue: JSON.stringify('x'.repeat(SPAN_BYTES - 300)) } },
        {
          key: 'mlflow.chat.tokenUsage',
          value: { stringValue: '{"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}' },
        },
      ],
    }
  })
  const otlp = spansExport(spans)
  return encodeOtlp({ otlp, as: 'protobuf', headers: { 'x-mlflow-experiment-id': '0' } })
}

/** The status of the answer, and its bytes, of which nothing is kept. */
function send(
  server: RunningServer,
  agent: Agent,
  { path, headers = {}, payload }: { path: string; headers?: Record<string, string>; payload?: Buffer },
): Promise<{ status: number; bytes: number }> {
  return new Promise((resolve, reject) => {
    const { connection: _connection, ...own } = headers
    const sent = httpRequest(
      server.url + path,
      {
        method: payload ? 'POST' : 'GET',
        agent,
        headers: { ...own, ...(payload && { 'content-length': payload.length }) },
      },
      (answer) => {
        let bytes = 0
        answer.on('data', (part: Buffer) => {
          bytes += part.length
        })
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, bytes })).on('error', reject)
      },
    )
    sent.on('error', reject).end(payload)
  })
}

/** Has clients send spans of a kind until all are acknowledged; `at` is called behind every export. */
async function sendSpans(
  server: RunningServer,
  total: number,
  { kind, ofTrace, at }: { kind: string; ofTrace: number; at?: (sent: number) => void },
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  let [next, acknowledged] = [0, 0]
  const client = async () => {
    while (next < total) {
      const first = next
      next += SPANS_AT_ONCE
      const { headers, payload } = exportOf(first, SPANS_AT_ONCE, { kind, ofTrace })
      let status = 429
      while (status === 429)
        ({ status } = await send(server, agent, { path: '/v1/traces', headers, payload }))
      expect(status).toBe(200)
      acknowledged += SPANS_AT_ONCE
      at?.(acknowledged)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  agent.destroy()
}

describeEachEngine('a server that takes spans', (engine) => {
  it(
    'and reads traces page by page and with all their spans keeps its memory flat',
    async () => {
      const server = await runServer(['--workers', '1', '--backend-store-uri', engine.uri], {
        env: { CRATEFLOW_CRATEDB_SHARDS: '1', NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` },
      })
      const seen: number[] = []
      let warmMib = 0
      await sendSpans(server, SPANS, {
        kind: '1',
        ofTrace: SPANS_OF_TRACE,
        at: (sent) => {
          if (sent % 1000 !== 0) return
          const mib = residentMib(server)
          if (sent <= SPANS / 3) warmMib = Math.max(warmMib, mib)
          else seen.push(mib)
        },
      })
      const peakMib = Math.max(...seen)
      console.log(
        `${engine.name}: ${SPANS} spans, warm ${warmMib.toFixed()} MiB, peak ${peakMib.toFixed()} MiB`,
      )
      expect(peakMib).toBeLessThan(warmMib + GROWTH_MIB)

      const pages = await readPages(server)
      expect(pages.traces).toBe(SPANS / SPANS_OF_TRACE)
      console.log(`${engine.name}: ${pages.traces} traces read, peak ${pages.peakMib.toFixed()} MiB`)
      expect(pages.peakMib).toBeLessThan(Math.max(peakMib, warmMib) + GROWTH_MIB)

      await sendSpans(server, LARGE_TRACES * SPANS_OF_LARGE, { kind: '2', ofTrace: SPANS_OF_LARGE })
      const { bytes, peakMib: readMib } = await readLarge(server)
      console.log(
        `${engine.name}: ${(bytes / 1024 / 1024).toFixed()} MiB of spans read, peak ${readMib.toFixed()} MiB`,
      )
      expect(readMib).toBeLessThan(Math.max(peakMib, warmMib) + GROWTH_MIB)
      expect(bytes).toBeGreaterThan(4 * LARGE_TRACES * SPANS_OF_LARGE * SPAN_BYTES)
      server.signal('SIGTERM')
      const { stderr } = await server.ended
      expect(stderr).not.toMatch(/"level":"(?:warn|error|fatal)"/)
    },
    LONGEST_MS,
  )
})

/** Reads all traces that were sent, 500 at a time. */
async function readPages(server: RunningServer) {
  let [traces, peakMib] = [0, 0]
  let token: string | undefined
  do {
    const { body } = await server.request('POST', '/api/3.0/mlflow/traces/search', {
      locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '0' } }],
      max_results: 500,
      ...(token && { page_token: token }),
    })
    const page = body as { traces?: unknown[]; next_page_token?: string }
    traces += page.traces?.length ?? 0
    token = page.next_page_token
    peakMib = Math.max(peakMib, residentMib(server))
  } while (token)
  return { traces, peakMib }
}

/** Four clients at once read large traces with all their spans. */
async function readLarge(server: RunningServer) {
  let [bytes, peakMib] = [0, 0]
  const agent = new Agent({ keepAlive: true })
  const ids = Array.from({ length: LARGE_TRACES }, (_, index) => `trace_ids=tr-2${hex(index, 31)}`)
  const client = async () => {
    const answer = await send(server, agent, { path: `/api/3.0/mlflow/traces/batchGet?${ids.join('&')}` })
    expect(answer.status).toBe(200)
    bytes += answer.bytes
  }
  const timer = setInterval(() => {
    peakMib = Math.max(peakMib, residentMib(server))
  }, 50)
  await Promise.all(Array.from({ length: 4 }, client))
  clearInterval(timer)
  agent.destroy()
  return { bytes, peakMib }
}
