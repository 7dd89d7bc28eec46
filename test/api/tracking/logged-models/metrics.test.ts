// Metric points that runs log for logged models.
import { describe, expect, it } from 'vitest'
import { startApp } from '../../../support/app.ts'
import { describeEachEngine } from '../../../support/engines.ts'
import { API, useModelApp } from './model-app.ts'

const MISSING = `m-${'0'.repeat(32)}`
const point = (body: object) => ({ key: 'acc', value: 1, timestamp: 5, step: 0, ...body })

describeEachEngine('metrics of logged models', (target) => {
  const models = useModelApp(target)
  const newModel = async () => (await models.createModel()).info.model_id
  const metricsOf = async (id: string) => (await models.getModel(id)).data.metrics
  const runData = async (runId: string) => {
    const { run } = await models.ok<{ run: { data: { metrics?: unknown[]; params?: unknown[] } } }>(
      'GET',
      `runs/get?run_id=${runId}`,
    )
    return run.data
  }

  describe('ok', () => {
    it('shows every point with its run and dataset, and the run has it too', async () => {
      const [id, runId] = [await newModel(), await models.createRun()]
      const onData = { dataset_name: 'd', dataset_digest: 'g' }
      await models.ok('POST', 'runs/log-metric', { run_id: runId, ...point({ model_id: id, ...onData }) })
      await models.ok('POST', 'runs/log-batch', {
        run_id: runId,
        metrics: [
          point({ model_id: id, step: 2, timestamp: 7, value: 3 }),
          point({ key: 'of the run alone' }),
          point({ model_id: id, key: 'nan', timestamp: 8, value: 'NaN' }),
          point({ model_id: id, key: 'inf', timestamp: 9, value: 'Infinity' }),
        ],
      })
      const of = { model_id: id, run_id: runId }
      expect(await metricsOf(id)).toEqual([
        { ...point(onData), ...of },
        { ...point({ step: 2, timestamp: 7, value: 3 }), ...of },
        { ...point({ key: 'nan', timestamp: 8, value: 0 }), ...of },
        { ...point({ key: 'inf', timestamp: 9, value: Number.MAX_VALUE }), ...of },
      ])
      expect((await runData(runId)).metrics).toHaveLength(4)
    })

    it('takes equal points again, and keeps those that differ in value or dataset alone', async () => {
      const [id, runId] = [await newModel(), await models.createRun()]
      const log = (body: object) =>
        models.ok('POST', 'runs/log-metric', { run_id: runId, ...point({ model_id: id, ...body }) })
      await log({})
      await log({})
      await log({ value: 2 })
      await log({ dataset_name: 'd', dataset_digest: 'g' })
      const batch = [point({ model_id: id }), point({ model_id: id })]
      await models.ok('POST', 'runs/log-batch', { run_id: runId, metrics: batch })
      expect(await metricsOf(id)).toHaveLength(3)
    })

    it('shows what another server acknowledged', async () => {
      const id = await newModel()
      // PGlite is open once at a time.
      const other = await startApp(target, target.name === 'PGlite' ? { engine: models.app.engine } : {})
      const steps = Array.from({ length: 40 }, (_, step) => step)
      const answers = await Promise.all(
        steps.map((step) =>
          other.request('POST', `${API}/runs/log-metric`, {
            run_id: models.runId,
            ...point({ model_id: id, step }),
          }),
        ),
      )
      expect(answers.map(({ status }) => status)).toEqual(steps.map(() => 200))
      expect((await metricsOf(id))?.map(({ step }) => step)).toEqual(steps)
      await other.close()
    })

    it('links runs to models of other experiments', async () => {
      const experimentId = await models.createExperiment()
      const { info } = await models.createModel({ experiment_id: experimentId })
      await models.ok('POST', 'runs/log-metric', {
        run_id: models.runId,
        ...point({ model_id: info.model_id }),
      })
      const found = await models.search({ experiment_ids: [experimentId], filter: 'metrics.acc = 1' })
      expect(found.models.map((model) => model.info.model_id)).toEqual([info.model_id])
    })
  })

  describe('errors', () => {
    it('writes nothing of a request that names a model that is not there', async () => {
      const [id, runId] = [await newModel(), await models.createRun()]
      const expected = {
        status: 400,
        code: 'BAD_REQUEST',
        text: `Logged model with ID '${MISSING}' not found.`,
      }
      const single = { run_id: runId, ...point({ model_id: MISSING }) }
      expect(await models.error('POST', 'runs/log-metric', single)).toEqual(expected)
      const batch = {
        run_id: runId,
        metrics: [point({ model_id: id }), point({ key: 'plain' }), point({ model_id: MISSING })],
        params: [{ key: 'p', value: '1' }],
        tags: [{ key: 't', value: '1' }],
      }
      expect(await models.error('POST', 'runs/log-batch', batch)).toEqual(expected)
      const data = await runData(runId)
      expect(data.metrics).toBeUndefined()
      expect(data.params).toBeUndefined()
      expect(await metricsOf(id)).toBeUndefined()
    })

    it('writes nothing of a batch whose params are refused', async () => {
      const [id, runId] = [await newModel(), await models.createRun()]
      await models.ok('POST', 'runs/log-parameter', { run_id: runId, key: 'p', value: '1' })
      const batch = {
        run_id: runId,
        metrics: [point({ model_id: id })],
        params: [{ key: 'p', value: '2' }],
      }
      expect(await models.error('POST', 'runs/log-batch', batch)).toMatchObject({
        code: 'INVALID_PARAMETER_VALUE',
      })
      expect(await metricsOf(id)).toBeUndefined()
    })

    it('refuses half of a dataset', async () => {
      const id = await newModel()
      const body = { run_id: models.runId, ...point({ model_id: id, dataset_name: 'd' }) }
      expect(await models.error('POST', 'runs/log-metric', body)).toMatchObject({
        text: 'Both dataset_name and dataset_digest must be provided if one is provided',
      })
    })
  })
})
