// Kills the server between any two statements of its writes of experiments, runs and logged models.
import { expect } from 'vitest'
import { type Answer, API, type Ask, describeKilledServer, type Scenario } from './killed-server.ts'

const code = (answer: Answer) => (answer.body as { error_code?: string }).error_code
const experimentOf = (answer: Answer) =>
  (
    answer.body as {
      experiment: { experiment_id: string; name: string; lifecycle_stage: string; tags?: unknown[] }
    }
  ).experiment
const runOf = (answer: Answer) =>
  (
    answer.body as {
      run: {
        info: { run_id: string; run_name: string; lifecycle_stage: string }
        data: { metrics?: unknown[]; params?: unknown[]; tags?: { key: string; value: string }[] }
      }
    }
  ).run
const byName = (ask: Ask, name: string) =>
  ask('GET', `${API}/experiments/get-by-name?experiment_name=${name}`)

async function createExperiment(ask: Ask, name: string): Promise<string> {
  const answer = await ask('POST', `${API}/experiments/create`, { name })
  expect(answer.status).toBe(200)
  return (answer.body as { experiment_id: string }).experiment_id
}

async function createRun(ask: Ask, experimentId: string): Promise<string> {
  return runOf(await ask('POST', `${API}/runs/create`, { experiment_id: experimentId, run_name: 'first' }))
    .info.run_id
}

const batch = {
  metrics: [1, 2, 3].map((step) => ({ key: 'loss', value: step / 2, timestamp: 10 + step, step })),
  params: [
    { key: 'lr', value: '0.1' },
    { key: 'depth', value: '3' },
  ],
  tags: [
    { key: 'team', value: 'a' },
    { key: 'mlflow.runName', value: 'second' },
  ],
}

const scenarios: Record<string, Scenario> = {
  'create experiment': {
    prepare: async () => ({}),
    act: (ask, _state, mark) =>
      ask('POST', `${API}/experiments/create`, { name: mark, tags: [{ key: 'k', value: 'v' }] }),
    remains: async (ask, _state, mark) => {
      const found = await byName(ask, mark)
      if (found.status === 200) expect(experimentOf(found).tags).toEqual([{ key: 'k', value: 'v' }])
      else expect(code(found)).toBe('RESOURCE_DOES_NOT_EXIST')
      const all = await ask('GET', `${API}/experiments/search?max_results=1000&filter=name%3D'${mark}'`)
      const listed = (all.body as { experiments?: unknown[] }).experiments ?? []
      expect(listed).toHaveLength(found.status === 200 ? 1 : 0)
    },
    completed: async (ask, _state, mark, retry) => {
      if (retry.status !== 200) expect(code(retry)).toBe('RESOURCE_ALREADY_EXISTS')
      expect(experimentOf(await byName(ask, mark)).tags).toEqual([{ key: 'k', value: 'v' }])
    },
  },
  'rename experiment': {
    prepare: async (ask, mark) => ({ id: await createExperiment(ask, mark) }),
    act: (ask, { id }, mark) =>
      ask('POST', `${API}/experiments/update`, { experiment_id: id, new_name: `${mark}-new` }),
    remains: async (ask, { id }, mark) => {
      const name = experimentOf(await ask('GET', `${API}/experiments/get?experiment_id=${id}`)).name
      expect([mark, `${mark}-new`]).toContain(name)
      expect(experimentOf(await byName(ask, name)).experiment_id).toBe(id)
      const other = name === mark ? `${mark}-new` : mark
      expect(code(await byName(ask, other))).toBe('RESOURCE_DOES_NOT_EXIST')
    },
    completed: async (ask, { id }, mark, retry) => {
      expect(retry.status).toBe(200)
      expect(experimentOf(await byName(ask, `${mark}-new`)).experiment_id).toBe(id)
      // The old name is free again.
      expect(await createExperiment(ask, mark)).not.toBe(id)
    },
  },
  'delete experiment': {
    prepare: async (ask, mark) => {
      const id = await createExperiment(ask, mark)
      return { id, run: await createRun(ask, id) }
    },
    act: (ask, { id }) => ask('POST', `${API}/experiments/delete`, { experiment_id: id }),
    remains: async (ask, { id, run }) => {
      expect((await ask('GET', `${API}/experiments/get?experiment_id=${id}`)).status).toBe(200)
      expect((await ask('GET', `${API}/runs/get?run_id=${run}`)).status).toBe(200)
    },
    completed: async (ask, { id, run }, _mark, retry) => {
      if (retry.status !== 200) expect(code(retry)).toBe('RESOURCE_DOES_NOT_EXIST')
      const experiment = experimentOf(await ask('GET', `${API}/experiments/get?experiment_id=${id}`))
      expect(experiment.lifecycle_stage).toBe('deleted')
      expect(runOf(await ask('GET', `${API}/runs/get?run_id=${run}`)).info.lifecycle_stage).toBe('deleted')
    },
  },
  'create run': {
    prepare: async (ask, mark) => ({ id: await createExperiment(ask, mark) }),
    act: (ask, { id }) =>
      ask('POST', `${API}/runs/create`, {
        experiment_id: id,
        run_name: 'r',
        tags: [{ key: 'k', value: 'v' }],
      }),
    remains: async (ask, { id }) => {
      const found = await ask('POST', `${API}/runs/search`, { experiment_ids: [id], max_results: 10 })
      const runs = (found.body as { runs?: ReturnType<typeof runOf>[] }).runs ?? []
      expect(runs.length).toBeLessThanOrEqual(1)
      for (const run of runs) {
        expect(run.data.tags).toEqual([
          { key: 'k', value: 'v' },
          { key: 'mlflow.runName', value: 'r' },
        ])
      }
    },
    completed: async (ask, _state, _mark, retry) => {
      expect(retry.status).toBe(200)
      const run = runOf(await ask('GET', `${API}/runs/get?run_id=${runOf(retry).info.run_id}`))
      expect(run.data.tags).toHaveLength(2)
    },
  },
  'log batch': {
    prepare: async (ask, mark) => ({ run: await createRun(ask, await createExperiment(ask, mark)) }),
    act: (ask, { run }) => ask('POST', `${API}/runs/log-batch`, { run_id: run, ...batch }),
    remains: async (ask, { run }) => {
      const { data } = runOf(await ask('GET', `${API}/runs/get?run_id=${run}`))
      for (const metric of data.metrics ?? []) expect(metric).toMatchObject({ key: 'loss', step: 3 })
      for (const param of data.params ?? []) expect(batch.params).toContainEqual(param)
    },
    completed: async (ask, { run }, _mark, retry) => {
      expect(retry.status).toBe(200)
      const { data, info } = runOf(await ask('GET', `${API}/runs/get?run_id=${run}`))
      expect(data.metrics).toEqual([{ key: 'loss', value: 1.5, timestamp: 13, step: 3 }])
      expect(data.params).toEqual([batch.params[1], batch.params[0]])
      expect(data.tags).toEqual([
        { key: 'mlflow.runName', value: 'second' },
        { key: 'team', value: 'a' },
      ])
      expect(info.run_name).toBe('second')
      const history = await ask('GET', `${API}/metrics/get-history?run_id=${run}&metric_key=loss`)
      expect((history.body as { metrics: unknown[] }).metrics).toEqual(batch.metrics)
    },
  },
  'create logged model': {
    prepare: async (ask, mark) => ({ id: await createExperiment(ask, mark) }),
    act: (ask, { id }) =>
      ask('POST', `${API}/logged-models`, {
        experiment_id: id,
        name: 'm',
        params: batch.params,
        tags: [{ key: 'k', value: 'v' }],
      }),
    remains: async (ask, { id }) => {
      const found = await ask('POST', `${API}/logged-models/search`, { experiment_ids: [id ?? ''] })
      const models = (found.body as { models?: unknown[] }).models ?? []
      expect(models.length).toBeLessThanOrEqual(1)
      for (const model of models) {
        expect(model).toMatchObject({
          info: { tags: [{ key: 'k', value: 'v' }] },
          data: { params: [batch.params[1], batch.params[0]] },
        })
      }
    },
    completed: async (_ask, _state, _mark, retry) => {
      expect(retry.status).toBe(200)
    },
  },
  'log metrics and params of a logged model': {
    prepare: async (ask, mark) => {
      const id = await createExperiment(ask, mark)
      const created = await ask('POST', `${API}/logged-models`, { experiment_id: id })
      const model = (created.body as { model: { info: { model_id: string } } }).model.info.model_id
      return { model, run: await createRun(ask, id) }
    },
    act: async (ask, { model, run }) => {
      const params = await ask('POST', `${API}/logged-models/${model}/params`, { params: batch.params })
      if (params.status !== 200) return params
      const metrics = batch.metrics.map((metric) => ({ ...metric, model_id: model }))
      return ask('POST', `${API}/runs/log-batch`, { run_id: run, metrics })
    },
    remains: async (ask, { model }) => {
      const found = await ask('GET', `${API}/logged-models/${model}`)
      const { data } = (found.body as { model: { data: { params?: unknown[]; metrics?: unknown[] } } }).model
      for (const param of data.params ?? []) expect(batch.params).toContainEqual(param)
      for (const metric of data.metrics ?? []) expect(metric).toMatchObject({ key: 'loss', model_id: model })
    },
    completed: async (ask, { model, run }, _mark, retry) => {
      expect(retry.status).toBe(200)
      const found = await ask('GET', `${API}/logged-models/${model}`)
      const { data } = (found.body as { model: { data: object } }).model
      expect(data).toEqual({
        params: [batch.params[1], batch.params[0]],
        metrics: batch.metrics.map((metric) => ({ ...metric, model_id: model, run_id: run })),
      })
      const history = await ask('GET', `${API}/metrics/get-history?run_id=${run}&metric_key=loss`)
      expect((history.body as { metrics: unknown[] }).metrics).toEqual(batch.metrics)
    },
  },
}

describeKilledServer('a server killed between any two statements', scenarios)
