// Kills the server between any two statements of a deletion for good: a second one completes it, and nothing is left in any table.
import { expect } from 'vitest'
import type { Collected, Deletion } from '../../src/lifecycle/cleaning/schema.ts'
import {
  ask,
  createExperiment,
  createFullExperiment,
  createModel,
  createRun,
  fillRun,
  findNaming,
} from '../support/full-experiment.ts'
import { type Answer, API, type Ask, describeKilledServer, type Scenario } from './killed-server.ts'

const OWN = '/api/crateflow/1.0'
const EVERYTHING = { experiment_ids: [], run_ids: [], logged_model_ids: [] }
const code = (answer: Answer) => (answer.body as { error_code?: string }).error_code
const ok = (answer: Answer) => expect(answer.status, JSON.stringify(answer.body)).toBe(200)
const get = (ask: Ask, path: string) => ask('GET', path)
const deletionsOf = async (request: Ask, id: string) =>
  (await ask<{ deletions: Deletion[] }>(request, 'GET', `${OWN}/deletions/search?id=${id}`)).deletions

/** The embedded engine writes latest metrics when somebody reads: then each attempt makes as many statements. */
const settled = async (request: Ask, run: string) => ok(await get(request, `${API}/runs/get?run_id=${run}`))

/** A run with all that it can hold, and a logged model of its experiment. */
async function createFilledRun(request: Ask, mark: string) {
  const experiment = await createExperiment(request, mark)
  const [model, run] = [await createModel(request, experiment), await createRun(request, experiment)]
  await fillRun(request, run, model)
  await settled(request, run)
  return { run, model }
}

/** As `crateflow gc` without ids: what is left over is found. */
const collect = (request: Ask) => request('POST', `${OWN}/gc/collect`, EVERYTHING)

const scenarios: Record<string, Scenario> = {
  'collect a run': {
    parts: 6,
    partsByDay: 1,
    prepare: async (request, mark) => {
      const { run, model } = await createFilledRun(request, mark)
      ok(await request('POST', `${API}/runs/delete`, { run_id: run }))
      return { run, model }
    },
    act: collect,
    remains: async (request, { run = '' }) => {
      // It is there as a whole, and can be restored, or it is gone for whoever asks.
      const found = await get(request, `${API}/runs/get?run_id=${run}`)
      if (found.status === 404) {
        expect(code(await request('POST', `${API}/runs/restore`, { run_id: run }))).toBe(
          'RESOURCE_DOES_NOT_EXIST',
        )
        return
      }
      const { data, inputs } = (
        found.body as { run: { data: { metrics: []; params: [] }; inputs: { dataset_inputs: [] } } }
      ).run
      expect([data.metrics.length, data.params.length, inputs.dataset_inputs.length]).toEqual([3, 2, 1])
    },
    completed: async (request, { run = '', model = '' }, _mark, retry, engine) => {
      ok(retry)
      expect(await findNaming(engine, [run])).toEqual({})
      expect((retry.body as Collected).left).toEqual([])
      expect(code(await get(request, `${API}/runs/get?run_id=${run}`))).toBe('RESOURCE_DOES_NOT_EXIST')
      expect(code(await get(request, `${API}/logged-models/${model}`))).toBeUndefined()
      const deletions = await deletionsOf(request, run)
      expect(deletions).toMatchObject([{ kind: 'run', rows: 18, cause: 'gc' }])
    },
  },
  'collect a logged model': {
    parts: 4,
    partsByDay: 1,
    prepare: async (request, mark) => {
      const { run, model } = await createFilledRun(request, mark)
      ok(await request('DELETE', `${API}/logged-models/${model}`))
      return { run, model }
    },
    act: collect,
    remains: async (request, { run = '' }) => ok(await get(request, `${API}/runs/get?run_id=${run}`)),
    completed: async (request, { run = '', model = '' }, _mark, retry, engine) => {
      ok(retry)
      expect(await findNaming(engine, [model])).toEqual({})
      expect(code(await get(request, `${API}/logged-models/${model}?allow_deleted=true`))).toBe(
        'RESOURCE_DOES_NOT_EXIST',
      )
      ok(await get(request, `${API}/runs/get?run_id=${run}`))
      expect(await deletionsOf(request, model)).toMatchObject([{ kind: 'logged_model', rows: 6 }])
    },
  },
  'collect an experiment': {
    parts: 24,
    // Minutes of CrateDB's time; what is deleted with a run and a model goes by the same steps.
    partsByDay: 0,
    prepare: async (request, mark) => {
      const { id, runs, model, trace } = await createFullExperiment(request, mark)
      await settled(request, runs[0] ?? '')
      ok(await request('POST', `${API}/experiments/delete`, { experiment_id: id }))
      return { id, run: runs[0] ?? '', model, trace }
    },
    act: collect,
    remains: async (request, { id = '' }, mark) => {
      // As long as it can be restored, it can be as a whole: its runs go only when it is gone for its clients.
      const found = await get(request, `${API}/experiments/get?experiment_id=${id}`)
      const runs = await request('POST', `${API}/runs/search`, {
        experiment_ids: [id],
        run_view_type: 'DELETED_ONLY',
      })
      const count = (runs.body as { runs?: unknown[] }).runs?.length ?? 0
      if (found.status === 200) expect(count).toBe(2)
      else expect(code(found)).toBe('RESOURCE_DOES_NOT_EXIST')
      // Its name is free with the last steps, and nobody gets the old one by it.
      const named = await get(request, `${API}/experiments/get-by-name?experiment_name=${mark}`)
      expect(named.status).toBe(found.status)
    },
    completed: async (request, { id = '', run = '', model = '', trace = '' }, mark, retry, engine) => {
      ok(retry)
      expect(await findNaming(engine, [id, run, model, trace])).toEqual({})
      expect((retry.body as Collected).left).toEqual([])
      for (const path of [
        `${API}/experiments/get?experiment_id=${id}`,
        `${API}/runs/get?run_id=${run}`,
        `${API}/logged-models/${model}?allow_deleted=true`,
        `/api/3.0/mlflow/traces/${trace}`,
      ])
        expect(code(await get(request, path)), path).toMatch(/DOES_NOT_EXIST|NOT_FOUND/)
      expect(await createExperiment(request, mark)).not.toBe(id)
      expect(await deletionsOf(request, id)).toMatchObject([{ kind: 'experiment', id }])
    },
  },
  'delete a metric': {
    parts: 2,
    prepare: async (request, mark) => {
      const { run } = await createFilledRun(request, mark)
      return { run }
    },
    act: (request, { run }) =>
      request('POST', `${OWN}/runs/hard-delete-metric`, { run_id: run, metric_key: 'loss' }),
    remains: async (request, { run = '' }) => {
      const found = await get(request, `${API}/runs/get?run_id=${run}`)
      const { metrics } = (found.body as { run: { data: { metrics: { key: string }[] } } }).run.data
      // As long as a point of it is there, the metric is.
      const history = await get(request, `${API}/metrics/get-history?run_id=${run}&metric_key=loss`)
      const points = (history.body as { metrics?: unknown[] }).metrics?.length ?? 0
      if (points > 0) expect(metrics.map(({ key }) => key)).toContain('loss')
    },
    completed: async (request, { run = '' }, _mark, retry) => {
      if (retry.status !== 200) expect(code(retry)).toBe('RESOURCE_DOES_NOT_EXIST')
      const found = await get(request, `${API}/runs/get?run_id=${run}`)
      const { metrics } = (found.body as { run: { data: { metrics: { key: string }[] } } }).run.data
      expect(metrics.map(({ key }) => key)).toEqual(['accuracy', 'of model'])
      // Nothing happens unrecorded.
      expect((await deletionsOf(request, run)).length).toBeGreaterThan(0)
    },
  },
}

describeKilledServer('a deletion for good whose server is killed between any two statements', scenarios)
