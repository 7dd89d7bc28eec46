// The operations that clients do, each with what it writes, what its answer shows and why it may be refused.
import type { Point, Read } from './events.ts'
import { type Body, type Intent, MARK_TAG, viewExperiment, viewPoint, viewRun } from './requests.ts'

const runField = (runId: string, field: string, value: string | undefined) =>
  ({ of: 'register', object: `run ${runId}`, field, value }) as const
const experimentField = (id: string, field: string, value: string | undefined) =>
  ({ of: 'register', object: `experiment ${id}`, field, value }) as const

/** Writes to a run show that it was active; a refusal may show that it was not. */
const toActiveRun = (runId: string) => ({
  reads: () => [runField(runId, 'lifecycle', 'active')],
  refusal: (_code: string, message: string): Read[] | undefined =>
    message.includes("must be in the 'active' state") ? [runField(runId, 'lifecycle', 'deleted')] : undefined,
})

export const createExperiment = (name: string): Intent => ({
  kind: 'experiments/create',
  input: { name },
  writes: [{ of: 'experiment', name }],
  reads: (body: Body, [write]) => {
    if (write?.of === 'experiment') write.id = body.experiment_id
    return []
  },
  refusal: taken(name),
})

const taken = (name: string) => (code: string) =>
  code === 'RESOURCE_ALREADY_EXISTS' ? [{ of: 'taken', name } as const] : undefined

export const renameExperiment = (id: string, name: string): Intent => ({
  kind: 'experiments/update',
  input: { experiment_id: id, new_name: name },
  writes: [{ of: 'rename', id, name }],
  refusal: (code, message) =>
    message.includes('non-active') ? [experimentField(id, 'lifecycle', 'deleted')] : taken(name)(code),
})

/** Deletes or restores an experiment. Refused when it is in that state already. */
export const moveExperiment = (id: string, to: 'deleted' | 'active'): Intent => ({
  kind: to === 'deleted' ? 'experiments/delete' : 'experiments/restore',
  input: { experiment_id: id },
  writes: [experimentField(id, 'lifecycle', to)],
  refusal: (code) =>
    code === 'RESOURCE_DOES_NOT_EXIST' ? [experimentField(id, 'lifecycle', to)] : undefined,
})

export const tagExperiment = (id: string, key: string, value: string): Intent => ({
  kind: 'experiments/set-experiment-tag',
  input: { experiment_id: id, key, value },
  writes: [experimentField(id, `tag ${key}`, value)],
  refusal: (_code, message) =>
    message.includes("must be in the 'active' state")
      ? [experimentField(id, 'lifecycle', 'deleted')]
      : undefined,
})

export const getExperiment = (id: string): Intent => ({
  kind: 'experiments/get',
  method: 'GET',
  input: { experiment_id: id },
  reads: (body) => [{ of: 'experiment', id, experiment: viewExperiment(body.experiment) }],
  refusal: (code) =>
    code === 'RESOURCE_DOES_NOT_EXIST' ? [{ of: 'experiment', id, experiment: undefined }] : undefined,
})

export const getByName = (name: string): Intent => ({
  kind: 'experiments/get-by-name',
  method: 'GET',
  input: { experiment_name: name },
  reads: (body) => [{ of: 'name', name, experiment: viewExperiment(body.experiment) }],
  refusal: (code) =>
    code === 'RESOURCE_DOES_NOT_EXIST' ? [{ of: 'name', name, experiment: undefined }] : undefined,
})

/** All experiments whose name begins with the prefix that this history's names have in common. */
export const listExperiments = (prefix: string): Intent => ({
  kind: 'experiments/search',
  input: { max_results: 10_000, view_type: 'ALL', filter: `name LIKE '${prefix}%'` },
  reads: (body) => [{ of: 'experiments', experiments: (body.experiments ?? []).map(viewExperiment) }],
})

export const createRun = (experimentId: string, mark: string): Intent => ({
  kind: 'runs/create',
  input: { experiment_id: experimentId, start_time: 1, tags: [{ key: MARK_TAG, value: mark }] },
  writes: [{ of: 'run', experimentId, mark }],
  reads: (body: Body, [write]) => {
    if (write?.of === 'run') write.id = body.run.info.run_id
    return []
  },
})

export const getRun = (id: string): Intent => ({
  kind: 'runs/get',
  method: 'GET',
  input: { run_id: id },
  reads: (body) => [{ of: 'run', id, run: viewRun(body.run) }],
  refusal: (code) => (code === 'RESOURCE_DOES_NOT_EXIST' ? [{ of: 'run', id, run: undefined }] : undefined),
})

export const searchRuns = (experimentId: string): Intent => ({
  kind: 'runs/search',
  input: { experiment_ids: [experimentId], run_view_type: 'ALL', max_results: 1000 },
  reads: (body) => [{ of: 'runs', experimentId, runs: (body.runs ?? []).map(viewRun) }],
})

/** Status and end time are one field here, as MLflow writes them together. */
export const endRun = (runId: string, status: string, endTime: number): Intent => ({
  kind: 'runs/update',
  input: { run_id: runId, status, end_time: endTime },
  writes: [runField(runId, 'end', `${status} ${endTime}`)],
  ...toActiveRun(runId),
})

export const renameRun = (runId: string, name: string): Intent => ({
  kind: 'runs/update',
  input: { run_id: runId, run_name: name },
  ...toActiveRun(runId),
})

export const moveRun = (runId: string, to: 'deleted' | 'active'): Intent => ({
  kind: to === 'deleted' ? 'runs/delete' : 'runs/restore',
  input: { run_id: runId },
  writes: [runField(runId, 'lifecycle', to)],
})

export const logMetric = (runId: string, key: string, point: Point): Intent => ({
  kind: 'runs/log-metric',
  input: { run_id: runId, key, ...point },
  writes: [{ of: 'point', runId, key, point }],
  ...toActiveRun(runId),
})

const conflicting = (runId: string, params: [string, string][]) => ({
  ...toActiveRun(runId),
  refusal: (code: string, message: string): Read[] | undefined =>
    message.includes('Changing param values')
      ? [{ of: 'conflict', runId, params }]
      : toActiveRun(runId).refusal(code, message),
})

export const logParam = (runId: string, key: string, value: string): Intent => ({
  kind: 'runs/log-parameter',
  input: { run_id: runId, key, value },
  writes: [{ of: 'param', runId, key, value }],
  ...conflicting(runId, [[key, value]]),
})

export interface Batch {
  points: [key: string, point: Point][]
  params: [key: string, value: string][]
  tags: [key: string, value: string][]
}

/** Of a batch that loses a race for a param, the other parts may be there. */
export const logBatch = (runId: string, { points, params, tags }: Batch): Intent => ({
  kind: 'runs/log-batch',
  input: {
    run_id: runId,
    metrics: points.map(([key, point]) => ({ key, ...point })),
    params: params.map(([key, value]) => ({ key, value })),
    tags: tags.map(([key, value]) => ({ key, value })),
  },
  writes: [
    ...points.map(([key, point]) => ({ of: 'point', runId, key, point }) as const),
    ...params.map(([key, value]) => ({ of: 'param', runId, key, value }) as const),
    ...tags.map(([key, value]) => runField(runId, `tag ${key}`, value)),
  ],
  ...conflicting(runId, params),
  partial: true,
})

export const setTag = (runId: string, key: string, value: string): Intent => ({
  kind: 'runs/set-tag',
  input: { run_id: runId, key, value },
  writes: [runField(runId, `tag ${key}`, value)],
  ...toActiveRun(runId),
})

export const deleteTag = (runId: string, key: string): Intent => ({
  kind: 'runs/delete-tag',
  input: { run_id: runId, key },
  writes: [runField(runId, `tag ${key}`, undefined)],
  ...toActiveRun(runId),
  refusal: (code, message) =>
    message.startsWith('No tag with name')
      ? [runField(runId, `tag ${key}`, undefined)]
      : toActiveRun(runId).refusal(code, message),
})

export const getHistory = (runId: string, key: string): Intent => ({
  kind: 'metrics/get-history',
  method: 'GET',
  input: { run_id: runId, metric_key: key },
  reads: (body) => [{ of: 'history', runId, key, points: (body.metrics ?? []).map(viewPoint) }],
})
