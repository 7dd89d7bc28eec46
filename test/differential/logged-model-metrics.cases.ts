// Cases of metric points that runs log for logged models.
import { type Case, createExperiment, createRun, get, post, type Step } from './cases.ts'
import { createModel, getModel } from './logged-models.cases.ts'

const MISSING = 'm-0123456789abcdef0123456789abcdef'
const point = (body: object = {}) => ({ key: 'acc', value: 1, timestamp: 5, step: 0, ...body })
const log = (body: object = {}, options: Partial<Step> = {}): Step =>
  post('runs/log-metric', { run_id: '<r>', ...point(body) }, options)
const logBatch = (metrics: object[], body: object = {}, options: Partial<Step> = {}): Step =>
  post('runs/log-batch', { run_id: '<r>', metrics, ...body }, options)
const onData = { dataset_name: 'd', dataset_digest: 'g' }
const bothKept = { known: 'every point of a model kept' }

export const loggedModelMetricCases: Case[] = [
  {
    title: 'links points of log-metric to logged models',
    steps: [
      createExperiment('e'),
      createRun('r', 'e'),
      createModel('m'),
      log({ model_id: '<m>' }),
      log({ model_id: '<m>' }),
      log({ model_id: '<m>', key: 'onData', ...onData }),
      log({ model_id: '<m>', key: 'nan', value: 'NaN' }),
      log({ model_id: '<m>', key: 'inf', value: 'Infinity' }),
      log({ model_id: '<m>', key: 'minus', value: '-Infinity' }),
      log({ model_id: '<m>', key: 'steps', step: 1 }),
      log({ model_id: '<m>', key: 'steps', step: 2, timestamp: 6, value: 2 }),
      log({ model_id: '', key: 'no model' }),
      log({ model_id: '<m>', key: 'half', dataset_name: 'd' }),
      log({ model_id: '<m>', key: 'half', dataset_digest: 'g' }),
      log({ key: 'no model on data', ...onData }),
      getModel(),
      get('runs/get', { run_id: '<r>' }),
      get('metrics/get-history', { run_id: '<r>', metric_key: 'onData' }),
    ],
  },
  {
    title: 'refuses points of logged models that are not there, and writes none of them',
    steps: [
      createExperiment('e'),
      createRun('r', 'e'),
      createModel('m'),
      log({ model_id: MISSING }),
      get('runs/get', { run_id: '<r>' }),
      log({ model_id: 5 }),
    ],
  },
  {
    title:
      'names the param of a batch that brings another value of one and points of a model that is not there',
    steps: [
      createExperiment('e'),
      createRun('r', 'e'),
      post('runs/log-parameter', { run_id: '<r>', key: 'p', value: 'kept' }),
      logBatch([point({ model_id: MISSING })], {
        params: [
          { key: 'p', value: 'other' },
          { key: 'q', value: 'new' },
        ],
      }),
      get('runs/get', { run_id: '<r>' }),
    ],
  },
  {
    title: 'links points of log-batch to logged models',
    steps: [
      createExperiment('e'),
      createRun('r', 'e'),
      createModel('m'),
      createModel('n'),
      logBatch([
        point({ model_id: '<m>' }),
        point({ model_id: '<n>', value: 2, step: 1 }),
        point({ key: 'plain' }),
        point({ model_id: '<m>', key: 'onData', ...onData }),
      ]),
      logBatch([point({ model_id: '<m>' }), point({ model_id: '<m>', step: 7, timestamp: 8 })]),
      logBatch([point({ model_id: '<m>', key: 'half', dataset_name: 'd' })]),
      logBatch([
        point({ model_id: '<m>', key: 'twice', timestamp: 9 }),
        point({ model_id: '<m>', key: 'twice', timestamp: 9 }),
      ]),
      getModel(),
      getModel('n'),
      get('runs/get', { run_id: '<r>' }),
    ],
  },
  {
    title: 'keeps points of one model, metric, time and step that differ',
    steps: [
      createExperiment('e'),
      createRun('r', 'e'),
      createModel('m'),
      log({ model_id: '<m>' }),
      log({ model_id: '<m>', value: 2 }, bothKept),
      log({ model_id: '<m>', ...onData }, bothKept),
    ],
  },
  {
    title: 'refuses points of runs that are deleted, and takes those of models that are',
    steps: [
      createExperiment('e'),
      createRun('r', 'e'),
      createModel('m'),
      post('runs/delete', { run_id: '<r>' }),
      log({ model_id: '<m>' }),
      logBatch([point({ model_id: '<m>' })]),
      post('runs/restore', { run_id: '<r>' }),
      { method: 'DELETE', path: '/api/2.0/mlflow/logged-models/<m>' },
      log({ model_id: '<m>' }),
      get('logged-models/<m>', { allow_deleted: 'true' }),
    ],
  },
]
