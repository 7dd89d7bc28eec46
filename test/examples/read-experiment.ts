// Reads through the REST API what a user would look for after an example: runs, their data and models.
import { expect } from 'vitest'
import { sendHttp } from '../support/http.ts'

export interface ReadRun {
  name: string
  status: string
  /** Name of the run that it is nested in. */
  parent: string | undefined
  params: Record<string, string>
  tags: Record<string, string>
  /** Latest values. */
  metrics: Record<string, number>
  /** How many points the history of each metric has. */
  points: Record<string, number>
  /** Names and contexts, such as `wine as training`. */
  datasets: string[]
  /** Names of the logged models that it made, with their status. */
  models: string[]
  /** What lies at the top of its artifacts. */
  artifacts: string[]
}

interface Pair<T = string> {
  key: string
  value: T
}

interface RunWire {
  info: { run_id: string; run_name: string; status: string }
  data: { params?: Pair[]; metrics?: Pair<number>[]; tags?: Pair[] }
  inputs?: { dataset_inputs?: { dataset: { name: string }; tags?: Pair[] }[] }
}

interface ModelWire {
  info: { name: string; status: string; source_run_id?: string }
}

/** The runs of the experiment, the oldest first. */
export async function readExperiment(url: string, name: string): Promise<ReadRun[]> {
  const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await sendHttp(url, method, `/api/2.0/mlflow/${path}`, body)
    expect(answer).toMatchObject({ status: 200 })
    return answer.body as T
  }
  const query = (path: string, fields: Record<string, string>) => `${path}?${new URLSearchParams(fields)}`

  const { experiment } = await ask<{ experiment: { experiment_id: string } }>(
    'GET',
    query('experiments/get-by-name', { experiment_name: name }),
  )
  const ids = [experiment.experiment_id]
  const { runs = [] } = await ask<{ runs?: RunWire[] }>('POST', 'runs/search', {
    experiment_ids: ids,
    order_by: ['attributes.start_time ASC'],
  })
  const { models = [] } = await ask<{ models?: ModelWire[] }>('POST', 'logged-models/search', {
    experiment_ids: ids,
  })
  const names = new Map(runs.map(({ info }) => [info.run_id, info.run_name]))

  const read = async ({ info, data, inputs }: RunWire): Promise<ReadRun> => {
    const run_id = info.run_id
    const metrics = recordOf(data.metrics)
    const tags = recordOf(data.tags)
    const points: Record<string, number> = {}
    for (const metric_key of Object.keys(metrics)) {
      const history = query('metrics/get-history', { run_id, metric_key })
      points[metric_key] = (await ask<{ metrics: unknown[] }>('GET', history)).metrics.length
    }
    const { files = [] } = await ask<{ files?: { path: string }[] }>(
      'GET',
      query('artifacts/list', { run_id }),
    )
    return {
      name: info.run_name,
      status: info.status,
      parent: names.get(tags['mlflow.parentRunId'] ?? ''),
      params: recordOf(data.params),
      tags,
      metrics,
      points,
      datasets: (inputs?.dataset_inputs ?? [])
        .map(({ dataset, tags }) => `${dataset.name} as ${recordOf(tags)['mlflow.data.context']}`)
        .sort(),
      models: models
        .filter((model) => model.info.source_run_id === run_id)
        .map((model) => `${model.info.name} ${model.info.status}`)
        .sort(),
      artifacts: files.map(({ path }) => path).sort(),
    }
  }
  return Promise.all(runs.map(read))
}

/** What of the runs is the same whenever and wherever an example runs: all but values, times and how often something was measured. */
export const shapeOf = (runs: readonly ReadRun[]) =>
  runs.map(({ params, metrics, points, tags, ...rest }) => ({
    ...rest,
    params: Object.keys(params).sort(),
    metrics: Object.keys(metrics).sort(),
    tags: Object.keys(tags).sort(),
  }))

const recordOf = <T>(pairs: Pair<T>[] = []): Record<string, T> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, value]))
