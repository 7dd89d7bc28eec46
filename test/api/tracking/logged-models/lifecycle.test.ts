// Creating, getting, finalizing and deleting logged models.
import { describe, expect, it } from 'vitest'
import { describeEachEngine } from '../../../support/engines.ts'
import { useModelApp } from './model-app.ts'

const MISSING = `m-${'0'.repeat(32)}`

describeEachEngine('logged models', (target) => {
  const models = useModelApp(target)

  describe('ok', () => {
    it('are created pending, below the artifacts of their experiment', async () => {
      const before = Date.now()
      const { info, data } = await models.createModel({
        name: 'one',
        model_type: 'agent',
        source_run_id: models.runId,
        params: [
          { key: 'b', value: '1' },
          { key: 'a', value: '2' },
        ],
        tags: [{ key: 't', value: '' }],
      })
      expect(info).toMatchObject({
        experiment_id: models.experimentId,
        name: 'one',
        model_type: 'agent',
        source_run_id: models.runId,
        status: 'LOGGED_MODEL_PENDING',
        artifact_uri: `mlflow-artifacts:/${models.experimentId}/models/${info.model_id}/artifacts`,
        tags: [{ key: 't', value: '' }],
      })
      expect(info.model_id).toMatch(/^m-[0-9a-f]{32}$/)
      expect(info.creation_timestamp_ms).toBeGreaterThanOrEqual(before)
      expect(info.last_updated_timestamp_ms).toBe(info.creation_timestamp_ms)
      expect(data).toEqual({
        params: [
          { key: 'a', value: '2' },
          { key: 'b', value: '1' },
        ],
      })
      expect(await models.getModel(info.model_id)).toEqual({ info, data })
    })

    it('get a name when they have none, and may share one', async () => {
      const [first, second] = [await models.createModel(), await models.createModel({ name: '' })]
      expect(first.info.name).toMatch(/^[a-z]+-[a-z]+-\d+$/)
      expect(second.info.name).toMatch(/^[a-z]+-[a-z]+-\d+$/)
      const again = await models.createModel({ name: first.info.name })
      expect(again.info.model_id).not.toBe(first.info.model_id)
    })

    it('are finalized by the number or the name of a status', async () => {
      const { info } = await models.createModel()
      const path = `logged-models/${info.model_id}`
      for (const [status, name] of [
        [2, 'LOGGED_MODEL_READY'],
        ['LOGGED_MODEL_UPLOAD_FAILED', 'LOGGED_MODEL_UPLOAD_FAILED'],
      ]) {
        const body = { model_id: info.model_id, status }
        const { model } = await models.ok<{ model: { info: typeof info } }>('PATCH', path, body)
        expect(model.info.status).toBe(name)
        expect(model.info.last_updated_timestamp_ms).toBeGreaterThanOrEqual(info.creation_timestamp_ms)
        expect((await models.getModel(info.model_id)).info).toEqual(model.info)
      }
    })

    it('are hidden once deleted, unless asked for', async () => {
      const { info } = await models.createModel({ name: 'gone' })
      const path = `logged-models/${info.model_id}`
      expect(await models.ok('DELETE', path)).toEqual({})
      expect(await models.ok('DELETE', path)).toEqual({})
      expect(await models.error('GET', path)).toMatchObject({ status: 404 })
      expect((await models.search({ filter: "name = 'gone'" })).models).toEqual([])
      const { model } = await models.ok<{ model: object }>('GET', `${path}?allow_deleted=true`)
      expect(model).toMatchObject({ info: { name: 'gone', status: 'LOGGED_MODEL_PENDING' } })
    })

    it('stay when the run that made them is deleted', async () => {
      const runId = await models.createRun()
      const { info } = await models.createModel({ source_run_id: runId })
      await models.ok('POST', 'runs/outputs', {
        run_id: runId,
        models: [{ model_id: info.model_id, step: 2 }],
      })
      await models.ok('POST', 'runs/delete', { run_id: runId })
      expect((await models.getModel(info.model_id)).info).toEqual(info)
      const { run } = await models.ok<{ run: { outputs: unknown } }>('GET', `runs/get?run_id=${runId}`)
      expect(run.outputs).toEqual({ model_outputs: [{ model_id: info.model_id, step: 2 }] })
    })
  })

  describe('errors', () => {
    it.each([
      [
        { experiment_id: '' },
        400,
        'INVALID_PARAMETER_VALUE',
        /Missing value for required parameter 'experiment_id'/,
      ],
      [{ experiment_id: '424242' }, 404, 'RESOURCE_DOES_NOT_EXIST', /^No Experiment with id=424242 exists$/],
      [
        { name: 'a/b' },
        400,
        'INVALID_PARAMETER_VALUE',
        /^Invalid model name \('a\/b'\) provided\. Model name must be/,
      ],
      [
        { name: 'x'.repeat(501) },
        400,
        'INVALID_PARAMETER_VALUE',
        /^'name' exceeds the maximum length of 500/,
      ],
      [
        { tags: [{ key: 'k'.repeat(256) }] },
        400,
        'INVALID_PARAMETER_VALUE',
        /^'Tag key' exceeds the maximum length/,
      ],
      [
        { tags: [{ key: 'k' }, { key: 'k' }] },
        400,
        'BAD_REQUEST',
        /^Duplicate tag keys have been submitted: \['k'\]/,
      ],
      [
        { params: [{ key: 'k' }, { key: 'k' }] },
        400,
        'BAD_REQUEST',
        /^Duplicate param keys have been submitted/,
      ],
    ])('refuse to create %o', async (body, status, code, text) => {
      const whole = { experiment_id: models.experimentId, ...body }
      expect(await models.error('POST', 'logged-models', whole)).toEqual({
        status,
        code,
        text: expect.stringMatching(text),
      })
    })

    it('refuse a deleted experiment', async () => {
      const experimentId = await models.createExperiment()
      await models.ok('POST', 'experiments/delete', { experiment_id: experimentId })
      expect(await models.error('POST', 'logged-models', { experiment_id: experimentId })).toMatchObject({
        code: 'INVALID_PARAMETER_VALUE',
        text: `The experiment ${experimentId} must be in the 'active' state. Current state is deleted.`,
      })
    })

    it.each([
      ['GET', '', undefined],
      ['PATCH', '', { status: 2 }],
      ['DELETE', '', undefined],
      ['PATCH', '/tags', { tags: [{ key: 'k', value: 'v' }] }],
      ['DELETE', '/tags/k', undefined],
      ['POST', '/params', { params: [{ key: 'k', value: 'v' }] }],
    ])('name the model that %s %s does not find', async (method, rest, body) => {
      expect(await models.error(method, `logged-models/${MISSING}${rest}`, body)).toEqual({
        status: 404,
        code: 'RESOURCE_DOES_NOT_EXIST',
        text: `Logged model with ID '${MISSING}' not found.`,
      })
    })

    it('refuse a status that is none', async () => {
      const { info } = await models.createModel()
      for (const status of [4, 'READY', '']) {
        const answer = await models.error('PATCH', `logged-models/${info.model_id}`, { status })
        expect(answer).toMatchObject({ status: 400, code: 'INVALID_PARAMETER_VALUE' })
      }
      expect((await models.getModel(info.model_id)).info.status).toBe('LOGGED_MODEL_PENDING')
    })
  })
})
