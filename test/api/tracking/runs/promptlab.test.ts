// Runs that the UI's prompt engineering page saves.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Run } from '../../../../src/tracking/runs/schema.ts'
import { startApp, type TestApp } from '../../../support/app.ts'
import { describeEachEngine } from '../../../support/engines.ts'

const PATH = '/ajax-api/2.0/mlflow/runs/create-promptlab-run'
const trial = {
  experiment_id: '0',
  run_name: 'trial',
  tags: [{ key: 'k', value: 'v' }],
  prompt_template: 'Hello {{ name }}',
  prompt_parameters: [{ key: 'name', value: 'it\'s "me"\u2028' }],
  model_route: 'chat',
  model_parameters: [
    { key: 'temperature', value: 0.1 },
    { key: 'stop', value: ['a', true] },
  ],
  model_input: 'Hello me',
  model_output: 'Hi',
  model_output_parameters: [{ key: 'tokens', value: '7' }],
  mlflow_version: '3.17.2',
  user_id: 'someone',
  start_time: 5,
}

describeEachEngine('a run of the prompt engineering page', (target) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp(target)
  })
  afterAll(() => app?.close())
  const create = (body: object) => app.request('POST', PATH, { ...trial, ...body })
  const runOf = (answer: { body: unknown }) => (answer.body as { run: Run }).run

  it.each(['GET', 'POST'])('has no gateway to choose models from, asked by %s', async (method) => {
    const answer = await app.request(
      method,
      '/ajax-api/2.0/mlflow/gateway-proxy?gateway_path=api/2.0/endpoints',
    )
    expect(answer).toMatchObject({ status: 200, body: { endpoints: [] } })
  })

  describe('ok', () => {
    it('has the params and tags that the UI reads', async () => {
      const answer = await create({})
      expect(answer.status).toBe(200)
      const { info, data } = runOf(answer)
      expect(info).toMatchObject({ run_name: 'trial', user_id: 'someone', status: 'FINISHED', start_time: 5 })
      expect(data.params).toEqual([
        { key: 'model_route', value: 'chat' },
        { key: 'prompt_template', value: 'Hello {{ name }}' },
        { key: 'stop', value: "['a', True]" },
        { key: 'temperature', value: '0.1' },
      ])
      const tags = new Map(data.tags?.map(({ key, value }) => [key, value]))
      expect(tags.get('k')).toBe('v')
      expect(tags.get('mlflow.runSourceType')).toBe('PROMPT_ENGINEERING')
      expect(JSON.parse(tags.get('mlflow.loggedArtifacts') ?? '')).toEqual([
        { path: 'eval_results_table.json', type: 'table' },
      ])
      expect(JSON.parse(tags.get('mlflow.log-model.history') ?? '')).toMatchObject([
        { run_id: info.run_id, artifact_path: 'model', flavors: {} },
      ])
    })

    it('has its table of results and its model among its artifacts', async () => {
      const { info } = runOf(await create({}))
      const folder = join(app.artifactFolder, '0', info.run_id, 'artifacts')
      expect(await readdir(folder, { recursive: true })).toEqual(
        expect.arrayContaining(['eval_results_table.json', 'model/MLmodel', 'model/parameters.yaml']),
      )
      const table = JSON.parse(await readFile(join(folder, 'eval_results_table.json'), 'utf8'))
      expect(table).toEqual({
        columns: ['name', 'prompt', 'output', 'tokens'],
        data: [['it\'s "me"\u2028', 'Hello me', 'Hi', '7']],
      })
    })

    it('needs neither name, user, times, tags nor parameters of the model', async () => {
      const answer = await app.request('POST', PATH, {
        experiment_id: '0',
        prompt_template: 'x',
        prompt_parameters: [{ key: 'a', value: 'b' }],
        model_route: 'chat',
        model_input: 'x',
        mlflow_version: '3.17.2',
      })
      expect(runOf(answer).info).toMatchObject({ status: 'FINISHED', user_id: 'unknown' })
      expect(runOf(answer).info.start_time).toBeGreaterThan(1_700_000_000_000)
    })
  })

  describe('errors', () => {
    it.each([
      'experiment_id',
      'prompt_template',
      'prompt_parameters',
      'model_route',
      'model_input',
      'mlflow_version',
    ])('are told when %s is missing', async (name) => {
      const answer = await create({ [name]: undefined })
      expect(answer).toMatchObject({
        status: 400,
        body: {
          error_code: 'INVALID_PARAMETER_VALUE',
          message: `CreatePromptlabRun request must specify ${name}.`,
        },
      })
    })

    it('leave a failed run when the params are refused', async () => {
      const answer = await create({ model_parameters: [{ key: 'a*', value: '1' }] })
      expect(answer.status).toBe(200)
      expect(runOf(answer)).toMatchObject({ info: { status: 'FAILED' } })
      expect(runOf(answer).data.params).toBeUndefined()
    })

    it('are told when there is no such experiment', async () => {
      expect(await create({ experiment_id: '424242' })).toMatchObject({
        status: 404,
        body: { error_code: 'RESOURCE_DOES_NOT_EXIST' },
      })
    })
  })
})
