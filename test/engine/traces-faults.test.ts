// Kills the server between any two statements of its writes of traces.
import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { Trace, TraceInfo } from '../../src/genai/traces/schema.ts'
import { spansExport } from '../support/otlp.ts'
import { type Answer, type Ask, describeKilledServer, type Scenario } from './killed-server.ts'

const API = '/api/3.0/mlflow/traces'
const START_NS = 1_700_000_000_000_000_000n

/** 32 hex digits that the mark always gives. */
const hexOf = (mark: string) => createHash('md5').update(mark).digest('hex')
const idOf = (mark: string) => `tr-${hexOf(mark)}`
const string = (key: string, stringValue: string) => ({ key, value: { stringValue } })

/** Span 1 is the root; each other one tells tokens. */
const spanOf = (mark: string, number: number) => ({
  traceId: hexOf(mark),
  spanId: number.toString(16).padStart(16, '0'),
  ...(number > 1 && { parentSpanId: '0000000000000001' }),
  name: `span ${number}`,
  startTimeUnixNano: String(START_NS + BigInt(number) * 1_000_000n),
  endTimeUnixNano: String(START_NS + 50_000_000n),
  attributes:
    number === 1
      ? [string('mlflow.spanInputs', 'in'), string('session.id', 's')]
      : [string('mlflow.chat.tokenUsage', '{"input_tokens": 2, "output_tokens": 1, "total_tokens": 3}')],
})

const send = (ask: Ask, mark: string, numbers: number[]) =>
  ask('POST', '/v1/traces', {
    otlp: spansExport(numbers.map((number) => spanOf(mark, number))),
    as: 'json',
    headers: { 'x-mlflow-experiment-id': '0' },
  })
const start = (ask: Ask, mark: string) =>
  ask('POST', API, {
    trace: {
      trace_info: {
        trace_id: idOf(mark),
        trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '0' } },
        request_time: '2026-01-02T03:04:05Z',
        execution_duration: '2s',
        state: 'OK',
        request_preview: 'question',
        tags: { team: 'a' },
        trace_metadata: { 'mlflow.trace.session': 's', other: 'b' },
      },
    },
  })
const remove = (ask: Ask, mark: string) =>
  ask('POST', `${API}/delete-traces`, { experiment_id: '0', request_ids: [idOf(mark)] })

/** Undefined when it is not there, or has no spans. */
async function traceOf(ask: Ask, mark: string): Promise<Trace | undefined> {
  const { status, body } = await ask('GET', `${API}/get?trace_id=${idOf(mark)}`)
  expect([200, 404]).toContain(status)
  return status === 200 ? (body as { trace: Trace }).trace : undefined
}
async function infoOf(ask: Ask, mark: string): Promise<TraceInfo | undefined> {
  const { status, body } = await ask('GET', `${API}/${idOf(mark)}`)
  expect([200, 404]).toContain(status)
  return status === 200 ? (body as { trace: { trace_info: TraceInfo } }).trace.trace_info : undefined
}
/** As the search finds it, by what its spans and its items tell. */
async function foundBy(ask: Ask, mark: string, filter: string): Promise<TraceInfo[]> {
  const { status, body } = await ask('POST', `${API}/search`, {
    locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '0' } }],
    filter,
    max_results: 500,
  })
  expect(status).toBe(200)
  const { traces = [] } = body as { traces?: TraceInfo[] }
  return traces.filter((info) => info.trace_id === idOf(mark))
}
const spansOf = (trace: Trace | undefined) => (trace?.spans ?? []).map((span) => span.name).sort()
const tokensOf = (trace: Trace | undefined) =>
  JSON.parse(trace?.trace_info.trace_metadata?.['mlflow.trace.tokenUsage'] ?? '{}')
const ok = (answer: Answer) => expect(answer.status, JSON.stringify(answer.body)).toBe(200)

/** Equal to a trace whose writes nothing has disturbed, but for its id. */
async function expectAsUndisturbed(ask: Ask, mark: string, writes: (mark: string) => Promise<void>) {
  const other = `${mark} undisturbed`
  await writes(other)
  const plain = async (of: string) => {
    const all = [await infoOf(ask, of), (await traceOf(ask, of)) ?? 'no spans']
    return JSON.parse(JSON.stringify(all).replaceAll(hexOf(of), 'id').replaceAll(base64Of(of), 'id'))
  }
  expect(await plain(mark)).toEqual(await plain(other))
}
const base64Of = (mark: string) => Buffer.from(hexOf(mark), 'hex').toString('base64')

/** Has the experiment remembered, so that each attempt makes as many statements. */
async function remembered(ask: Ask, mark: string): Promise<Record<string, string>> {
  ok(await send(ask, `${mark} before`, [1]))
  return {}
}

const scenarios: Record<string, Scenario> = {
  'send the spans of a new trace': {
    prepare: remembered,
    act: (ask, _state, mark) => send(ask, mark, [1, 2, 3]),
    remains: async (ask, _state, mark) => {
      const trace = await traceOf(ask, mark)
      expect([[], ['span 1', 'span 2', 'span 3']]).toContainEqual(spansOf(trace))
      // Found as soon as its spans are there; read once it tells how many they are.
      const found = await foundBy(ask, mark, "span.name = 'span 1'")
      if (trace) expect(found).toEqual([trace.trace_info])
    },
    completed: async (ask, _state, mark, retry) => {
      ok(retry)
      expect(tokensOf(await traceOf(ask, mark))).toMatchObject({ input_tokens: 4, total_tokens: 6 })
      await expectAsUndisturbed(ask, mark, async (other) => ok(await send(ask, other, [1, 2, 3])))
    },
  },
  'send late spans of a trace, the root among them': {
    prepare: async (ask, mark) => {
      ok(await send(ask, mark, [2]))
      return {}
    },
    act: (ask, _state, mark) => send(ask, mark, [1, 3]),
    remains: async (ask, _state, mark) => {
      const trace = await traceOf(ask, mark)
      expect([['span 2'], ['span 1', 'span 2', 'span 3']]).toContainEqual(spansOf(trace))
    },
    completed: async (ask, _state, mark, retry) => {
      ok(retry)
      await expectAsUndisturbed(ask, mark, async (other) => {
        ok(await send(ask, other, [2]))
        ok(await send(ask, other, [1, 3]))
      })
    },
  },
  'start a trace': {
    prepare: remembered,
    act: (ask, _state, mark) => start(ask, mark),
    remains: async (ask, _state, mark) => {
      const found = await foundBy(ask, mark, "tags.team = 'a'")
      expect(found.length).toBeLessThan(2)
      if (found.length > 0) expect(await infoOf(ask, mark)).toEqual(found[0])
    },
    completed: async (ask, _state, mark, retry) => {
      ok(retry)
      await expectAsUndisturbed(ask, mark, async (other) => ok(await start(ask, other)))
      expect(await foundBy(ask, mark, "tags.team = 'a'")).toHaveLength(1)
    },
  },
  'delete a trace': {
    prepare: async (ask, mark) => {
      ok(await send(ask, mark, [1, 2]))
      ok(await start(ask, mark))
      return {}
    },
    act: (ask, _state, mark) => remove(ask, mark),
    remains: async (ask, _state, mark) => {
      // As long as anything of it is there, the trace is: the retry finds it.
      const [trace, info] = [await traceOf(ask, mark), await infoOf(ask, mark)]
      expect([[], ['span 1', 'span 2']]).toContainEqual(spansOf(trace))
      if (trace) expect(info).toEqual(trace.trace_info)
      if (!info) expect(await foundBy(ask, mark, "span.name = 'span 1'")).toEqual([])
    },
    completed: async (ask, _state, mark, retry) => {
      ok(retry)
      expect(await traceOf(ask, mark)).toBeUndefined()
      // Nothing of the old one is in a new trace of the same id.
      ok(await send(ask, mark, [2]))
      const trace = await traceOf(ask, mark)
      expect(spansOf(trace)).toEqual(['span 2'])
      expect(trace?.trace_info.tags?.team).toBeUndefined()
    },
  },
}

describeKilledServer('traces of a server that is killed between any two statements', scenarios)
