// Kills the server between any two statements of its writes of assessments.
import { expect } from 'vitest'
import type { AssessmentOut } from '../../src/genai/assessments/schema.ts'
import type { TraceInfo } from '../../src/genai/traces/schema.ts'
import { type Answer, type Ask, describeKilledServer, type Scenario } from './killed-server.ts'

const TRACES = '/api/3.0/mlflow/traces'

const idOf = (mark: string) => `tr-${mark.replaceAll(/\W/g, '-')}`
const pathOf = (mark: string, id = '') => `${TRACES}/${idOf(mark)}/assessments${id && `/${id}`}`
const feedback = (value: unknown, more: object = {}) => ({
  assessment_name: 'f',
  feedback: { value },
  ...more,
})

const start = (ask: Ask, mark: string, assessments: object[] = []) =>
  ask('POST', TRACES, {
    trace: {
      trace_info: {
        trace_id: idOf(mark),
        trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '0' } },
        state: 'OK',
        assessments,
      },
    },
  })
const assess = (ask: Ask, mark: string, assessment: object) => ask('POST', pathOf(mark), { assessment })
const idIn = (answer: Answer) => (answer.body as { assessment: AssessmentOut }).assessment.assessment_id

/** Values and whether they are valid; undefined without the trace. */
async function valuesOf(ask: Ask, mark: string): Promise<[unknown, boolean][] | undefined> {
  const { status, body } = await ask('GET', `${TRACES}/${idOf(mark)}`)
  if (status === 404) return undefined
  expect(status).toBe(200)
  const { assessments = [] } = (body as { trace: { trace_info: TraceInfo } }).trace.trace_info
  return assessments.map(({ feedback: given, valid }) => [given?.value, valid])
}

async function assessed(ask: Ask, mark: string): Promise<{ id: string }> {
  await start(ask, mark)
  return { id: idIn(await assess(ask, mark, feedback(1))) }
}

async function overridden(ask: Ask, mark: string): Promise<{ id: string }> {
  const { id } = await assessed(ask, mark)
  return { id: idIn(await assess(ask, mark, feedback(2, { overrides: id }))) }
}

const scenarios: Record<string, Scenario> = {
  'override feedback': {
    prepare: assessed,
    act: (ask, { id }, mark) => assess(ask, mark, feedback(2, { overrides: id, assessment_id: 'a-2' })),
    // Never two valid ones, never none.
    remains: async (ask, _state, mark) =>
      expect([
        [[1, true]],
        [
          [1, false],
          [2, true],
        ],
      ]).toContainEqual(await valuesOf(ask, mark)),
    completed: async (ask, _state, mark, retry) => {
      if (retry.status !== 200) {
        expect((retry.body as { error_code: string }).error_code).toBe('RESOURCE_ALREADY_EXISTS')
      }
      expect(await valuesOf(ask, mark)).toEqual([
        [1, false],
        [2, true],
      ])
    },
  },
  'change an assessment': {
    prepare: assessed,
    act: (ask, { id }, mark) =>
      ask('PATCH', pathOf(mark, id), {
        assessment: { feedback: { value: 3 }, metadata: { a: 'b' }, rationale: 'r' },
        update_mask: 'feedback,metadata,rationale',
      }),
    remains: async (ask, { id }, mark) => {
      const { body } = await ask('GET', pathOf(mark, id))
      const { feedback: given, rationale, metadata } = (body as { assessment: AssessmentOut }).assessment
      expect([given?.value, rationale, metadata]).toEqual(
        given?.value === 1 ? [1, undefined, undefined] : [3, 'r', { a: 'b' }],
      )
    },
    completed: async (ask, _state, mark, retry) => {
      expect(retry.status).toBe(200)
      expect(await valuesOf(ask, mark)).toEqual([[3, true]])
    },
  },
  'start a trace with assessments': {
    prepare: async () => ({}),
    act: (ask, _state, mark) => start(ask, mark, [feedback(1), feedback(2)]),
    remains: async (ask, _state, mark) => {
      const both = [
        [1, true],
        [2, true],
      ]
      expect([undefined, both]).toContainEqual(await valuesOf(ask, mark))
    },
    // The retry brings no assessment twice.
    completed: async (ask, _state, mark, retry) => {
      expect(retry.status).toBe(200)
      expect(await valuesOf(ask, mark)).toHaveLength(2)
    },
  },
  'delete a trace with assessments': {
    prepare: overridden,
    act: (ask, _state, mark) =>
      ask('POST', `${TRACES}/delete-traces`, { experiment_id: '0', request_ids: [idOf(mark)] }),
    remains: async (ask, _state, mark) => {
      const both = [
        [1, false],
        [2, true],
      ]
      expect([undefined, [], both]).toContainEqual(await valuesOf(ask, mark))
    },
    completed: async (ask, { id }, mark, retry) => {
      expect(retry.status).toBe(200)
      await start(ask, mark)
      expect(await valuesOf(ask, mark)).toEqual([])
      expect((await ask('GET', pathOf(mark, id))).status).toBe(404)
    },
  },
}

describeKilledServer('assessments of a server that is killed between any two statements', scenarios)
