// Assessments of one trace that two servers on one database make, change, override and delete at once.
import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { AssessmentOut } from '../../src/genai/assessments/schema.ts'
import type { TraceInfo } from '../../src/genai/traces/schema.ts'
import { describeEveryEngine } from '../support/engines.ts'
import { useServers } from './servers.ts'

const TRACES = '/api/3.0/mlflow/traces'
const RACERS = 12
const racers = Array.from({ length: RACERS }, (_, index) => index)

describeEveryEngine('races of assessments', (target) => {
  const { appOf } = useServers(target)

  async function newTrace(): Promise<string> {
    const traceId = `tr-${randomUUID().replaceAll('-', '')}`
    await ask(0, 'POST', TRACES, { trace: { trace_info: infoOf(traceId) } })
    return traceId
  }
  const infoOf = (traceId: string, more: object = {}) => ({
    trace_id: traceId,
    trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '0' } },
    state: 'OK',
    ...more,
  })

  async function ask(index: number, method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await appOf(index).request(method, path, body)
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    return answer.body
  }
  const one = (body: unknown) => (body as { assessment: AssessmentOut }).assessment
  const assess = async (index: number, traceId: string, assessment: object) =>
    one(await ask(index, 'POST', `${TRACES}/${traceId}/assessments`, { assessment }))
  const feedback = (value: unknown, more: object = {}) => ({
    assessment_name: 'f',
    feedback: { value },
    ...more,
  })
  const allOf = async (index: number, traceId: string): Promise<AssessmentOut[]> => {
    const body = await ask(index, 'GET', `${TRACES}/${traceId}`)
    return (body as { trace: { trace_info: TraceInfo } }).trace.trace_info.assessments ?? []
  }

  it('keeps what every one of several changes adds', async () => {
    const traceId = await newTrace()
    const { assessment_id: id } = await assess(0, traceId, feedback(0))
    await Promise.all(
      racers.map((racer) =>
        ask(racer, 'PATCH', `${TRACES}/${traceId}/assessments/${id}`, {
          assessment: { feedback: { value: racer }, rationale: `${racer}`, metadata: { [`k${racer}`]: 'v' } },
          update_mask: 'feedback,rationale,metadata',
        }),
      ),
    )
    const [found] = await allOf(1, traceId)
    expect(Object.keys(found?.metadata ?? {})).toHaveLength(RACERS)
    // Value and rationale are of one and the same change.
    expect(String(found?.feedback?.value)).toBe(found?.rationale)
  })

  it('makes an assessment of a given id once', async () => {
    const traceId = await newTrace()
    const answers = await Promise.all(
      racers.map((racer) =>
        appOf(racer).request('POST', `${TRACES}/${traceId}/assessments`, {
          assessment: feedback(racer, { assessment_id: 'a-1' }),
        }),
      ),
    )
    const made = answers.filter(({ status }) => status === 200)
    expect(made).toHaveLength(1)
    expect((await allOf(1, traceId)).map((found) => found.feedback?.value)).toEqual([
      one(made[0]?.body).feedback?.value,
    ])
  })

  it('has an overridden assessment valid again when all that override it are gone', async () => {
    const traceId = await newTrace()
    const { assessment_id: id } = await assess(0, traceId, feedback('first'))
    await Promise.all(
      racers.map(async (racer) => {
        const { assessment_id: own } = await assess(racer, traceId, feedback(racer, { overrides: id }))
        expect((await allOf(racer, traceId)).find((found) => found.assessment_id === id)?.valid).toBe(false)
        if (racer > 0) await ask(racer + 1, 'DELETE', `${TRACES}/${traceId}/assessments/${own}`)
      }),
    )
    const [first, last] = await allOf(1, traceId)
    expect([first?.valid, last?.feedback?.value]).toEqual([false, 0])
    await ask(1, 'DELETE', `${TRACES}/${traceId}/assessments/${last?.assessment_id}`)
    expect((await allOf(0, traceId)).map(({ valid }) => valid)).toEqual([true])
  })

  it('takes assessments that come with their trace once, however often it is sent', async () => {
    const traceId = `tr-${randomUUID().replaceAll('-', '')}`
    const trace_info = infoOf(traceId, { assessments: [feedback(1), feedback(1), feedback(2)] })
    await Promise.all(racers.map((racer) => ask(racer, 'POST', TRACES, { trace: { trace_info } })))
    expect((await allOf(1, traceId)).map((found) => found.feedback?.value).sort()).toEqual([1, 1, 2])
  })

  it('finds what was acknowledged, and no longer what was deleted, on another server', async () => {
    const traceId = await newTrace()
    const name = `n${randomUUID()}`
    const search = async (index: number, filter: string) => {
      const body = await ask(index, 'POST', `${TRACES}/search`, {
        locations: [infoOf(traceId).trace_location],
        filter,
      })
      return ((body as { traces?: TraceInfo[] }).traces ?? []).map((info) => info.trace_id)
    }
    const made = await assess(0, traceId, { assessment_name: name, feedback: { value: 'yes' } })
    expect(await search(1, `feedback.\`${name}\` = 'yes'`)).toEqual([traceId])
    await ask(1, 'DELETE', `${TRACES}/${traceId}/assessments/${made.assessment_id}`)
    expect(await search(0, `feedback.\`${name}\` = 'yes'`)).toEqual([])
  })
})
