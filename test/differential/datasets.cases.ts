// Cases of the inputs and outputs of runs: datasets, models, model records.
import { type Case, createExperiment, createRun, get, post, type Step, unreadable } from './cases.ts'

const long = (length: number) => 'x'.repeat(length)
const MISSING = '0123456789abcdef0123456789abcdef'
const dataset = (more: object = {}) => ({
  name: 'data',
  digest: 'abc',
  source_type: 'local',
  source: '{"uri": "a"}',
  schema: '{"columns": 1}',
  profile: '{"rows": 2}',
  ...more,
})
const log = (datasets: unknown, more: object = {}): Step =>
  post('runs/log-inputs', { run_id: '<r>', datasets, ...more })
const context = (value: string) => ({ key: 'mlflow.data.context', value })
const getRun = (name = 'r'): Step => get('runs/get', { run_id: `<${name}>` })
const summaries = (body: unknown): Step => post('/ajax-api/2.0/mlflow/experiments/search-datasets', body)
const record = (model: unknown, more: object = {}): Step =>
  post('runs/log-model', {
    run_id: '<r>',
    model_json: typeof model === 'string' ? model : JSON.stringify(model),
    ...more,
  })
const model = (more: object = {}) => ({
  artifact_path: 'model',
  flavors: { python_function: { loader_module: 'x' } },
  utc_time_created: '2026-01-01 00:00:00.000000',
  run_id: '<r>',
  ...more,
})

export const datasetCases: Case[] = [
  {
    title: 'logs datasets to runs and lists them',
    steps: [
      createExperiment('e'),
      createRun('r', 'e'),
      createRun('s', 'e'),
      log([{ tags: [context('train'), { key: 'other', value: 'x' }], dataset: dataset() }]),
      getRun(),
      log([{ tags: [context('train')], dataset: dataset() }]),
      log([{ tags: [context('test')], dataset: dataset({ digest: 'def' }) }]),
      post('runs/log-inputs', {
        run_id: '<s>',
        datasets: [{ dataset: dataset({ name: 'bare', schema: undefined }) }],
      }),
      getRun('s'),
      summaries({ experiment_ids: ['<e>'] }),
      summaries({ experiment_ids: [] }),
      summaries({}),
      summaries({ experiment_ids: ['999999999'] }),
      unreadable(summaries({ experiment_ids: 'abc' })),
      summaries({ experiment_ids: Array.from({ length: 21 }, (_, index) => String(index)) }),
      log([]),
      log(undefined),
      post('runs/log-inputs', { datasets: [{ dataset: dataset() }] }),
      post('runs/log-inputs', { run_id: MISSING, datasets: [{ dataset: dataset() }] }),
    ],
  },
  {
    title: 'refuses wrong datasets',
    steps: [
      createExperiment('e'),
      createRun('r', 'e'),
      log([{}]),
      log([{ dataset: {} }]),
      log([{ dataset: dataset({ name: undefined }) }]),
      log([{ dataset: dataset({ name: '' }) }]),
      log([{ dataset: dataset({ name: long(500), digest: 'n' }) }]),
      log([{ dataset: dataset({ name: long(501) }) }]),
      log([{ dataset: dataset({ digest: undefined }) }]),
      log([{ dataset: dataset({ digest: long(36) }) }]),
      log([{ dataset: dataset({ digest: long(37) }) }]),
      log([{ dataset: dataset({ source_type: undefined }) }]),
      log([{ dataset: dataset({ source_type: '' }) }]),
      log([{ dataset: dataset({ source: undefined }) }]),
      log([{ dataset: dataset({ source: long(65_535), digest: 's' }) }]),
      log([{ dataset: dataset({ source: long(65_536) }) }]),
      log([{ dataset: dataset({ schema: long(1_048_576) }) }]),
      log([{ dataset: dataset(), tags: [{ key: long(256), value: 'v' }] }]),
      log([{ dataset: dataset(), tags: [{ key: 'k', value: long(501) }] }]),
      log([{ dataset: dataset(), tags: [{ key: 'k' }] }]),
      log([{ dataset: dataset(), tags: [{ value: 'v' }] }]),
      log('data'),
      log({ dataset: dataset() }),
      log([], { run_id: 'a b' }),
      log([], { run_id: '-' }),
      log([], { run_id: long(257) }),
      log([], { run_id: 'unknown' }),
      unreadable(log([{ dataset: dataset({ name: 5 }) }])),
      unreadable(log([{ dataset: 'data' }])),
    ],
  },
  {
    title: 'records models',
    steps: [
      createExperiment('e'),
      createRun('r', 'e'),
      record(model()),
      getRun(),
      record(model({ artifact_path: 'second' })),
      getRun(),
      record('not json'),
      record('[]'),
      record('{}'),
      record({ artifact_path: 'model' }),
      record(''),
      post('runs/log-model', { run_id: '<r>' }),
      post('runs/log-model', { model_json: '{}' }),
      post('runs/log-model', { run_id: MISSING, model_json: JSON.stringify(model()) }),
      post('runs/log-model', { run_id: '<r>', model_json: 5 }),
    ],
  },
]
