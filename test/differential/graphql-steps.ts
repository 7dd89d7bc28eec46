// Steps that ask GraphQL queries, field policies of their answers, and data to ask about.
import { MUST_MATCH, object, type Shape, TYPE_MUST_MATCH, unordered } from '../support/compare.ts'
import { createExperiment, createRun, post, type Step } from './cases.ts'
import { GET_METRIC_HISTORY } from './graphql-ui.ts'

export const MISSING = '0123456789abcdef0123456789abcdef'

/** A query; `data` is the policy of what it answers. */
export const ask = (query: string, variables?: object, data: Shape = MUST_MATCH): Step =>
  post('/graphql', { query, variables }, { shape: object({ data, errors: MUST_MATCH }) })
export const raw = (body: unknown): Step => post('/graphql', body, { shape: MUST_MATCH })

export const sortedBy = (key: string) => unordered(MUST_MATCH, key)
export const EXPERIMENT = object({
  __typename: MUST_MATCH,
  experimentId: MUST_MATCH,
  name: MUST_MATCH,
  artifactLocation: MUST_MATCH,
  lifecycleStage: MUST_MATCH,
  creationTime: TYPE_MUST_MATCH,
  lastUpdateTime: TYPE_MUST_MATCH,
  tags: sortedBy('key'),
  effectiveTraceArchivalRetention: MUST_MATCH,
  workspace: MUST_MATCH,
})
export const VERSION = object({
  ...Object.fromEntries(
    [
      ...[
        '__typename',
        'name',
        'version',
        'userId',
        'currentStage',
        'description',
        'source',
        'runId',
        'status',
      ],
      ...[
        'statusMessage',
        'runLink',
        'aliases',
        'modelId',
        'modelParams',
        'modelMetrics',
        'deploymentJobState',
      ],
    ].map((name) => [name, MUST_MATCH]),
  ),
  tags: sortedBy('key'),
  creationTimestamp: TYPE_MUST_MATCH,
  lastUpdatedTimestamp: TYPE_MUST_MATCH,
})
export const RUN = object({
  __typename: MUST_MATCH,
  info: MUST_MATCH,
  experiment: EXPERIMENT,
  modelVersions: unordered(VERSION, 'name'),
  data: object({
    __typename: MUST_MATCH,
    metrics: sortedBy('key'),
    params: sortedBy('key'),
    tags: sortedBy('key'),
  }),
  inputs: MUST_MATCH,
  outputs: MUST_MATCH,
})
/** The data of a query with one root field. */
export const answer = (field: string, fields: Record<string, Shape>): Shape =>
  object({ [field]: object({ __typename: MUST_MATCH, apiError: MUST_MATCH, ...fields }) })
export const ONE_RUN = answer('mlflowGetRun', { run: RUN })
export const RUNS = answer('mlflowSearchRuns', { runs: { items: RUN }, nextPageToken: TYPE_MUST_MATCH })

export const FULL_RUN = `
  info { runId runUuid runName experimentId userId status startTime endTime artifactUri lifecycleStage }
  data {
    metrics { key value timestamp step datasetName datasetDigest modelId runId }
    params { key value }
    tags { key value }
  }
  inputs {
    datasetInputs { tags { key value } dataset { name digest sourceType source schema profile } }
    modelInputs { modelId }
  }
  outputs { modelOutputs { modelId step } }
  experiment {
    experimentId name artifactLocation lifecycleStage lastUpdateTime creationTime tags { key value }
    effectiveTraceArchivalRetention workspace
  }`
export const FULL_VERSION = `
  name version creationTimestamp lastUpdatedTimestamp userId currentStage description source runId status
  statusMessage tags { key value } runLink aliases modelId modelParams { name value }
  modelMetrics { key value timestamp step datasetName datasetDigest modelId runId }`

export const metric = (
  key: string,
  value: number | string,
  step: number | string,
  timestamp: number | string = 7,
) => ({
  key,
  value,
  step,
  timestamp,
})

/** Two runs with everything that a run can have, registered as models, and a third without anything. */
export const start: Step[] = [
  createExperiment('e', { tags: [{ key: 'mlflow.note.content', value: '# Notes' }] }),
  createRun('r', 'e', { tags: [{ key: 'team', value: 'blue' }] }),
  createRun('s', 'e', { start_time: 1_700_000_000_001 }),
  createRun('bare', 'e', { start_time: 1_700_000_000_002 }),
  post('runs/log-batch', {
    run_id: '<r>',
    metrics: [
      ...Array.from({ length: 30 }, (_, step) =>
        metric('loss', 1 / (step + 1), step, 1_700_000_000_000 + step),
      ),
      metric('big', 1e300, '9007199254740993', '9007199254740995'),
      metric('huge', 'Infinity', 0),
      metric('low', '-Infinity', 0),
      metric('odd', 'NaN', 2),
      metric('zero', 0, 0, 0),
    ],
    params: [
      { key: 'lr', value: '0.1' },
      { key: 'text', value: '"é😀"\n\\' },
    ],
    tags: [{ key: 'empty', value: '' }],
  }),
  post('runs/log-batch', { run_id: '<s>', metrics: [metric('loss', 0.5, 3), metric('loss', 0.25, 40)] }),
  post('runs/log-inputs', {
    run_id: '<r>',
    datasets: [
      {
        tags: [{ key: 'mlflow.data.context', value: 'train' }],
        dataset: { name: 'iris', digest: 'abc', source_type: 'local', source: '{"uri": "x"}', schema: '{}' },
      },
    ],
  }),
  post('runs/outputs', { run_id: '<r>', models: [{ model_id: 'm-2', step: 5 }] }),
  post('runs/update', { run_id: '<r>', status: 'FINISHED', end_time: 1_700_000_100_000 }),
  ...['one', 'two'].flatMap((name) => [
    post('registered-models/create', { name: `<case>-${name}` }),
    post('model-versions/create', {
      name: `<case>-${name}`,
      source: 's3://bucket/model',
      run_id: '<r>',
      description: 'A model',
      tags: [{ key: 'a', value: 'b' }],
    }),
  ]),
  post('model-versions/create', { name: '<case>-one', source: 's3://bucket/model', run_id: '<s>' }),
]

export const inline = (selection: string, field: string, input: string) =>
  `{ ${field}(input: ${input}) { ${selection} } }`
export const history = (variables: object) =>
  ask(GET_METRIC_HISTORY, { data: { startStep: null, endStep: null, ...variables } })
