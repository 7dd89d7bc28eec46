// The demo of the web UI, and what the server says of parts of MLflow that it does not have.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { describeEachEngine } from '../../support/engines.ts'

const AJAX = '/ajax-api/3.0/mlflow'
const FEATURES = ['prompts', 'traces', 'evaluation', 'judges', 'issues', 'review_queues']

describeEachEngine('a newcomer', (target) => {
  let app: TestApp

  beforeAll(async () => {
    app = await startApp(target)
  })
  afterAll(() => app?.close())

  async function ask<Answer>(method: string, path: string, body?: object) {
    const answer = await app.request(method, path, body)
    return { status: answer.status, body: answer.body as Answer }
  }
  const generate = (body?: object) =>
    ask<{ status: string; experiment_id: string; features_generated: string[]; navigation_url: string }>(
      'POST',
      `${AJAX}/demo/generate`,
      body,
    )
  const findTraces = async (experimentId: string, filter?: string) => {
    const { body } = await ask<{ traces?: { tags: object; trace_metadata: Record<string, string> }[] }>(
      'POST',
      '/api/3.0/mlflow/traces/search',
      {
        locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } }],
        ...(filter && { filter }),
      },
    )
    return body.traces ?? []
  }

  it('makes the demo, once', async () => {
    const { status, body } = await generate()
    expect(status, JSON.stringify(body)).toBe(200)
    const id = body.experiment_id
    expect(body).toEqual({
      status: 'created',
      experiment_id: id,
      features_generated: FEATURES,
      navigation_url: `/experiments/${id}`,
    })
    expect((await generate({})).body).toEqual({ ...body, status: 'exists', features_generated: [] })
    const traces = await findTraces(id)
    expect(traces).toHaveLength(24)
    expect(traces.every((one) => one.trace_metadata['mlflow.trace.cost'])).toBe(true)
    expect(await findTraces(id, "prompt = 'mlflow-demo.prompts.shop-support/2'")).toHaveLength(2)
    expect(await findTraces(id, "metadata.`mlflow.trace.session` = 'demo-ada-v2'")).toHaveLength(3)
    expect(await findTraces(id, "feedback.relevance = 'no'")).toHaveLength(12)
    expect(await findTraces(id, 'expectation.expected_response IS NOT NULL')).toHaveLength(24)
    const { body: scorers } = await ask<{ scorers: object[] }>(
      'GET',
      `/api/3.0/mlflow/scorers/list?experiment_id=${id}`,
    )
    expect(scorers.scorers).toHaveLength(2)
  })

  it('finishes a demo of which a part is missing', async () => {
    const { experiment_id } = (await generate()).body
    await ask('POST', '/api/2.0/mlflow/experiments/delete-experiment-tag', {
      experiment_id,
      key: 'mlflow.demo.version.traces',
    })
    expect((await generate({ features: ['prompts'] })).body.features_generated).toEqual([])
    expect((await generate({ features: ['prompts', 'traces'] })).body.features_generated).toEqual(['traces'])
    expect(await findTraces(experiment_id)).toHaveLength(24)
  })

  it('removes the demo and makes it again', async () => {
    const { experiment_id } = (await generate()).body
    const removed = await ask('POST', `${AJAX}/demo/delete`)
    expect(removed).toEqual({
      status: 200,
      body: { status: 'deleted', features_deleted: FEATURES },
    })
    expect(await findTraces(experiment_id)).toEqual([])
    expect((await ask('POST', `${AJAX}/demo/delete`, {})).body).toEqual({
      status: 'deleted',
      features_deleted: [],
    })
    expect((await generate()).body).toMatchObject({ status: 'created', experiment_id })
    expect(await findTraces(experiment_id)).toHaveLength(24)
  })

  it('finds nothing where nothing is built, and is told so when making some', async () => {
    for (const path of [
      'gateway/endpoints/list',
      'gateway/secrets/list',
      'mcp-servers',
      'assistant/config',
    ]) {
      expect((await ask('GET', `${AJAX}/${path}`)).status, path).toBe(200)
    }
    for (const [path, why] of [
      ['gateway/secrets/create', 'This server has no AI gateway.'],
      ['mcp-servers', 'This server has no registry of MCP servers.'],
      ['assistant/message', 'This server has no assistant.'],
      ['scorer/invoke', 'run where the client does'],
      ['genai/evaluate/invoke', 'run where the client does'],
    ]) {
      const { status, body } = await ask<{ error_code: string; message: string }>(
        'POST',
        `${AJAX}/${path}`,
        {},
      )
      expect(status).toBe(404)
      expect(body.error_code).toBe('ENDPOINT_NOT_FOUND')
      expect(body.message).toContain(why)
    }
  })
})
