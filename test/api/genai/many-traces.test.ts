// Requests for more traces, or harder searches, than a client would make: answered by what is there, in bounded work.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { describeEachEngine } from '../../support/engines.ts'
import { spansExport } from '../../support/otlp.ts'

const THERE = 700
const ASKED = 6000
const idOf = (number: number) => number.toString(16).padStart(32, '0')
const traceIds = Array.from({ length: ASKED }, (_, number) => `tr-${idOf(number)}`)

describeEachEngine('many traces', (engine) => {
  let app: TestApp
  let experimentId: string

  const post = async (path: string, body: object) => {
    const answer = await app.request('POST', path, body)
    expect(answer.status).toBe(200)
    return answer.body as Record<string, unknown>
  }
  const send = (from: number, to: number) =>
    post('/v1/traces', {
      otlp: spansExport(
        Array.from({ length: to - from }, (_, index) => ({
          traceId: idOf(from + index),
          spanId: '0000000000000001',
          name: 'answer',
          startTimeUnixNano: '1700000000000000000',
          endTimeUnixNano: '1700000001000000000',
          attributes: [{ key: 'mlflow.traceTag.mlflow.traceName', value: { stringValue: 'ab'.repeat(20) } }],
        })),
      ),
      as: 'protobuf',
      headers: { 'x-mlflow-experiment-id': experimentId },
    })
  const found = async () => {
    const body = await post('/api/3.0/mlflow/traces/batchGetInfos', { trace_ids: traceIds })
    return ((body.trace_infos ?? []) as { trace_id: string }[]).map(({ trace_id }) => trace_id)
  }
  const search = (filter: string) =>
    app.request('POST', '/api/3.0/mlflow/traces/search', {
      locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } }],
      filter,
      max_results: 1,
    })

  beforeAll(async () => {
    app = await startApp(engine)
    const created = await post('/api/2.0/mlflow/experiments/create', { name: 'many' })
    experimentId = String(created.experiment_id)
  })
  afterAll(() => app.close())

  it('are found by thousands of ids, in their order, as soon as they are acknowledged', async () => {
    await send(0, THERE - 1)
    expect(await found()).toEqual(traceIds.slice(0, THERE - 1))
    await send(THERE - 1, THERE)
    expect(await found()).toEqual(traceIds.slice(0, THERE))
  })

  it('are searched by a regular expression whose alternatives multiply, or it is refused', async () => {
    expect(await search("name RLIKE '^(a|b|ab|ba)+$'")).toMatchObject({ status: 200 })
    const { status, body } = await search(`name RLIKE '(a|b)*a(a|b){15}c'`)
    if (status !== 200) expect(body).toMatchObject({ message: 'A pattern of the search is too complex.' })
    for (const pattern of ['(a{100}){100}', '((((a{9}){9}){9}){9}){9}', '(\\w{30}|x){30}']) {
      expect(await search(`name RLIKE '${pattern}'`)).toMatchObject({
        status: 400,
        body: { message: 'A pattern of the search is too complex.' },
      })
    }
  })

  it('are deleted by thousands of ids', async () => {
    const deleted = await post('/api/3.0/mlflow/traces/delete-traces', {
      experiment_id: experimentId,
      request_ids: traceIds,
    })
    expect(deleted).toEqual({ traces_deleted: THERE })
    expect(await found()).toEqual([])
  })
})
