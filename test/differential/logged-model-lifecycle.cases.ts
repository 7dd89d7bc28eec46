// Cases of what happens to logged models over their lives: tags, params, deletion, and that of what they belong to.
import { type Case, createExperiment, createRun, get, post, type Step, send } from './cases.ts'

const long = (length: number) => 'x'.repeat(length)
const MISSING = 'm-0123456789abcdef0123456789abcdef'
const createModel = (name: string, body: object = {}): Step =>
  post(
    'logged-models',
    { experiment_id: '<e>', name: `<case>-${name}`, ...body },
    { save: { [name]: 'model.info.model_id' } },
  )
const getModel = (name = 'm', query: Record<string, string> = {}): Step =>
  get(`logged-models/<${name}>`, query)
const finalize = (status: unknown): Step => send('PATCH', 'logged-models/<m>', { model_id: '<m>', status })
const setTags = (tags: unknown, options: Partial<Step> = {}): Step =>
  send('PATCH', 'logged-models/<m>/tags', { tags }, options)
const logParams = (params: unknown, options: Partial<Step> = {}): Step =>
  post('logged-models/<m>/params', { model_id: '<m>', params }, options)
const deleteTag = (key: string): Step => send('DELETE', `logged-models/<m>/tags/${key}`)
const search = (): Step => post('logged-models/search', { experiment_ids: ['<e>'] })
const half = { known: 'unreadable field refused' }
const width = { known: 'column width kept' }

export const loggedModelLifecycleCases: Case[] = [
  {
    title: 'keeps long and many params and tags',
    steps: [
      createExperiment('e'),
      createModel('m', {
        params: [{ key: 'k', value: long(70_000) }],
        tags: [{ key: 'k', value: long(40_000) }],
      }),
      getModel(),
      createModel('many', {
        params: Array.from({ length: 300 }, (_, i) => ({ key: `p${i}`, value: `${i}` })),
      }),
      getModel('many'),
      createModel('half', { tags: [{ key: 'b' }], params: [{ key: 'c' }, { value: 'c' }] }),
      createModel('unicode', { name: 'ünïcödé 🚀', params: [{ key: 'ключ', value: '值' }] }),
      createModel('null', { tags: null, params: null, model_type: null }),
    ],
  },
  {
    title: 'sets each status',
    steps: [
      createExperiment('e'),
      createModel('m'),
      ...[1, 2, 3, 0, '2', 'LOGGED_MODEL_READY', 'LOGGED_MODEL_UPLOAD_FAILED', 'LOGGED_MODEL_PENDING'].map(
        finalize,
      ),
      finalize(null),
      finalize(''),
      getModel(),
    ],
  },
  {
    title: 'sets and deletes tags',
    steps: [
      createExperiment('e'),
      createModel('m', { tags: [{ key: 'a', value: '0' }] }),
      setTags([{ key: 'a', value: '1' }, { key: 'a', value: '2' }, { key: 'b' }]),
      getModel(),
      setTags([]),
      setTags(undefined),
      setTags({}),
      setTags('x'),
      setTags([
        { value: 'no key' },
        { key: "it's", value: '1' },
        { key: 'a b', value: '1' },
        { key: 'ü', value: '1' },
      ]),
      send('PATCH', `logged-models/${MISSING}/tags`, { tags: [{ key: 'a', value: '1' }] }),
      deleteTag('a'),
      deleteTag('a'),
      deleteTag("it's"),
      deleteTag("it's"),
      deleteTag('a%20b'),
      deleteTag('%C3%BC'),
      send('DELETE', `logged-models/${MISSING}/tags/a`),
      getModel(),
      setTags([5], half),
      setTags([{ key: long(256), value: 'x' }], width),
    ],
  },
  {
    title: 'keeps the first value of a param',
    steps: [
      createExperiment('e'),
      createModel('m', { params: [{ key: 'p', value: '1' }] }),
      logParams([{ key: 'q', value: '2' }, { key: 'empty' }, { value: 'no key' }]),
      logParams([{ key: 'p', value: '2' }]),
      logParams([
        { key: 'new', value: '1' },
        { key: 'p', value: '2' },
      ]),
      logParams([{ key: 'p', value: '1' }], { known: 'equal param of a model logged again' }),
      logParams([
        { key: 'r', value: '1' },
        { key: 'r', value: '2' },
      ]),
      logParams([]),
      logParams(undefined),
      logParams({}),
      logParams(Array.from({ length: 150 }, (_, i) => ({ key: `k${i}`, value: `${i}` }))),
      post(`logged-models/${MISSING}/params`, { model_id: MISSING, params: [{ key: 'p', value: '1' }] }),
      post('logged-models/<m>/params', { model_id: 'other', params: [{ key: 'other', value: '1' }] }),
      getModel(),
      logParams([{ key: 'n', value: 5 }], half),
      logParams([{ key: long(256), value: '1' }], width),
    ],
  },
  {
    title: 'deletes logged models, which still take what is written to them',
    steps: [
      createExperiment('e'),
      createModel('m', { params: [{ key: 'p', value: '1' }] }),
      send('DELETE', 'logged-models/<m>'),
      getModel(),
      getModel('m', { allow_deleted: 'true' }),
      getModel('m', { allow_deleted: 'TRUE' }),
      getModel('m', { allow_deleted: 'yes' }),
      send('DELETE', 'logged-models/<m>'),
      send('DELETE', `logged-models/${MISSING}`),
      get(`logged-models/${MISSING}`, { allow_deleted: 'true' }),
      finalize(2),
      setTags([{ key: 'late', value: '1' }]),
      logParams([{ key: 'late', value: '1' }]),
      getModel('m', { allow_deleted: 'true' }),
      deleteTag('late'),
      search(),
    ],
  },
  {
    title: 'leaves logged models alone when their experiment or run is deleted',
    steps: [
      createExperiment('e'),
      createRun('r', 'e'),
      createModel('m', { source_run_id: '<r>' }),
      post('runs/outputs', { run_id: '<r>', models: [{ model_id: '<m>', step: 3 }] }),
      post('runs/log-inputs', { run_id: '<r>', models: [{ model_id: '<m>' }] }),
      get('runs/get', { run_id: '<r>' }),
      post('runs/delete', { run_id: '<r>' }),
      getModel(),
      post('experiments/delete', { experiment_id: '<e>' }),
      getModel(),
      search(),
      finalize(2),
      post('logged-models', { experiment_id: '<e>', name: 'late' }),
      post('experiments/restore', { experiment_id: '<e>' }),
      search(),
      send('DELETE', 'logged-models/<m>'),
      get('runs/get', { run_id: '<r>' }),
      createRun('other', 'e'),
      post('runs/outputs', { run_id: '<other>', models: [{ model_id: MISSING, step: 0 }] }),
      get('runs/get', { run_id: '<other>' }),
    ],
  },
]
