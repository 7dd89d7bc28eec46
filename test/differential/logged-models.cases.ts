// Cases of logged models: their states, params and tags.
import { type Case, createExperiment, createRun, get, known, post, type Step, send } from './cases.ts'

const long = (length: number) => 'x'.repeat(length)
const MISSING = 'm-0123456789abcdef0123456789abcdef'
const create = (body: object, name?: string): Step =>
  post(
    'logged-models',
    { experiment_id: '<e>', ...body },
    name ? { save: { [name]: 'model.info.model_id' } } : {},
  )
export const getModel = (name = 'm', query: Record<string, string> = {}): Step =>
  get(`logged-models/<${name}>`, query)
export const createModel = (name: string, body: object = {}): Step => create({ name, ...body }, name)
const finalize = (name: string, body: unknown): Step => send('PATCH', `logged-models/<${name}>`, body)
const setTags = (tags: unknown): Step => send('PATCH', 'logged-models/<m>/tags', { tags })
const logParams = (params: unknown): Step => post('logged-models/<m>/params', { params })
const search = (): Step => post('logged-models/search', { experiment_ids: ['<e>'] })
const start = [createExperiment('e'), createRun('r', 'e')]

export const loggedModelCases: Case[] = [
  {
    title: 'creates models',
    steps: [
      ...start,
      create(
        {
          name: 'model',
          model_type: 'agent',
          source_run_id: '<r>',
          params: [{ key: 'p', value: 'v' }],
          tags: [{ key: 't', value: 'w' }],
        },
        'm',
      ),
      getModel('m'),
      get('/ajax-api/2.0/mlflow/logged-models/<m>'),
      create({ name: 'plain' }, 'plain'),
      getModel('plain'),
      create({ name: 'model' }),
      create({ name: 'from nowhere', source_run_id: 'nonsense' }),
      create({ name: 'with/slash' }),
      create({ name: 'with:colon' }),
      create({ name: 'with.dot' }),
      create({ name: "it's" }),
      create({ name: 'quote"' }),
      create({ name: 'per%cent' }),
      create({ name: 'unicode ü' }),
      create({ name: 5 }),
      create({ name: 'p', params: [{ key: 'k', value: long(6000) }] }),
      create({ name: 'p', params: [{ key: 'k', value: long(6001) }] }),
      create({ name: 'p', params: [{ key: long(251), value: 'v' }] }),
      create({ name: 'p', params: [{ key: 'k*', value: 'v' }] }),
      create({ name: 'p', params: [{ value: 'v' }] }),
      create({ name: 't', tags: [{ key: long(251), value: 'v' }] }),
      create({ name: 't', tags: [{ key: 'k', value: long(8001) }] }),
      create({ name: 't', tags: [{ key: 'k*', value: 'v' }] }),
      create({ name: 't', tags: [{ value: 'v' }] }),
      known('column width kept', create({ name: 'type', model_type: long(501) })),
      known('column width kept', create({ name: long(501) })),
      post('logged-models', { name: 'm' }),
      post('logged-models', {}),
      post('logged-models', { experiment_id: '999999999', name: 'm' }),
      post('logged-models', { experiment_id: 'abc', name: 'm' }),
      post('logged-models', { experiment_id: 5, name: 'm' }),
      create({ name: 'p', params: {} }),
      create({ name: 'p', tags: 'a' }),
      post('experiments/delete', { experiment_id: '<e>' }),
      create({ name: 'late' }),
      getModel('m'),
    ],
  },
  {
    title: 'refuses to get what is not there',
    steps: [
      get(`logged-models/${MISSING}`),
      get('logged-models/nonsense'),
      send('DELETE', `logged-models/${MISSING}`),
      send('PATCH', `logged-models/${MISSING}`, { model_id: MISSING, status: 'LOGGED_MODEL_READY' }),
      send('PATCH', `logged-models/${MISSING}/tags`, { tags: [{ key: 'k', value: 'v' }] }),
      send('DELETE', `logged-models/${MISSING}/tags/k`),
      post(`logged-models/${MISSING}/params`, { model_id: MISSING, params: [{ key: 'k', value: 'v' }] }),
      get('logged-models'),
    ],
  },
  {
    title: 'finalizes and deletes',
    steps: [
      ...start,
      create({ name: 'model' }, 'm'),
      finalize('m', { model_id: '<m>', status: 'LOGGED_MODEL_READY' }),
      finalize('m', { model_id: '<m>', status: 'LOGGED_MODEL_UPLOAD_FAILED' }),
      finalize('m', { model_id: '<m>', status: 2 }),
      finalize('m', { model_id: '<m>', status: 'LOGGED_MODEL_PENDING' }),
      finalize('m', { model_id: '<m>', status: 'LOGGED_MODEL_STATUS_UNSPECIFIED' }),
      known('unreadable field refused', finalize('m', { model_id: '<m>', status: 'READY' })),
      known('unreadable field refused', finalize('m', { model_id: '<m>', status: 9 })),
      finalize('m', { model_id: '<m>', status: 'LOGGED_MODEL_READY' }),
      finalize('m', { model_id: '<m>' }),
      known('id in the path is enough', finalize('m', { status: 'LOGGED_MODEL_READY' })),
      getModel('m'),
      send('DELETE', 'logged-models/<m>'),
      getModel('m'),
      send('DELETE', 'logged-models/<m>'),
      finalize('m', { model_id: '<m>', status: 'LOGGED_MODEL_READY' }),
      setTags([{ key: 'k', value: 'v' }]),
      search(),
    ],
  },
  {
    title: 'sets tags and logs params',
    steps: [
      ...start,
      create({ name: 'model', tags: [{ key: 'a', value: '1' }] }, 'm'),
      setTags([
        { key: 'a', value: '2' },
        { key: 'b', value: '' },
        { key: 'with space', value: 'v' },
      ]),
      getModel('m'),
      setTags([]),
      setTags(undefined),
      setTags('a'),
      setTags([{ key: long(251), value: 'v' }]),
      setTags([{ key: 'k', value: long(8001) }]),
      setTags([{ key: 'k*', value: 'v' }]),
      setTags([{ value: 'v' }]),
      send('DELETE', 'logged-models/<m>/tags/a'),
      send('DELETE', 'logged-models/<m>/tags/a'),
      send('DELETE', 'logged-models/<m>/tags/with%20space'),
      getModel('m'),
      post('logged-models/<m>/params', { model_id: '<m>', params: [{ key: 'p', value: 'v' }] }),
      known(
        'equal param of a model logged again',
        post('logged-models/<m>/params', { model_id: '<m>', params: [{ key: 'p', value: 'v' }] }),
      ),
      post('logged-models/<m>/params', { model_id: '<m>', params: [{ key: 'p', value: 'other' }] }),
      post('logged-models/<m>/params', { model_id: '<m>', params: [] }),
      post('logged-models/<m>/params', { model_id: '<m>', params: [{ key: long(251), value: 'v' }] }),
      post('logged-models/<m>/params', { model_id: '<m>', params: [{ key: 'long', value: long(6001) }] }),
      getModel('m'),
      known('id in the path is enough', logParams([{ key: 'q', value: 'v' }])),
    ],
  },
]
