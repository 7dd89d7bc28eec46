// What hostile requests find: an experiment, a run with contents, a logged model, a registered model.
import type { TestApp } from '../support/app.ts'

const API = '/api/2.0/mlflow'

export interface Ids {
  experiment: string
  run: string
  model: string
  registeredModel: string
}

/** Makes them; `name` is the experiment's and the registered model's. */
export async function seed(app: TestApp, name: string): Promise<Ids> {
  const post = async (path: string, body: unknown) => (await app.request('POST', `${API}/${path}`, body)).body
  const { experiment_id } = (await post('experiments/create', { name })) as { experiment_id: string }
  const { run } = (await post('runs/create', { experiment_id, start_time: 1 })) as {
    run: { info: { run_id: string } }
  }
  const { model } = (await post('logged-models', { experiment_id, name: 'm' })) as {
    model: { info: { model_id: string } }
  }
  const { run_id } = run.info
  await post('runs/log-batch', {
    run_id,
    metrics: [{ key: 'k', value: 1, timestamp: 1 }],
    params: [{ key: 'p', value: 'v' }],
    tags: [{ key: 'a', value: 'b' }],
  })
  await post('registered-models/create', { name })
  await post('model-versions/create', { name, source: 'mlflow-artifacts:/0/made-up' })
  return { experiment: experiment_id, run: run_id, model: model.info.model_id, registeredModel: name }
}
