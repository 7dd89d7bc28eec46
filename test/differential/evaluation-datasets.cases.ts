// Cases of evaluation datasets: what is taken, what is refused, tags, experiments.
import { type Case, createExperiment, get, known, post, type Step, send } from './cases.ts'

const DATASETS = '/api/3.0/mlflow/datasets'
const ONE = `${DATASETS}/<d>`
const long = (length: number) => 'x'.repeat(length)

export const create = (body: object = {}): Step =>
  post(`${DATASETS}/create`, { name: '<case>-d', ...body }, { save: { d: 'dataset.dataset_id' } })
const refused = (body: object): Step => post(`${DATASETS}/create`, body)
const read = get(ONE)
const setTags = (tags: unknown): Step =>
  send('PATCH', `${ONE}/tags`, { tags: typeof tags === 'string' ? tags : JSON.stringify(tags) })
const experimentIds = get(`${ONE}/experiment-ids`)
const add = (...experiment_ids: unknown[]): Step => post(`${ONE}/add-experiments`, { experiment_ids })
const removeFrom = (...experiment_ids: unknown[]): Step =>
  post(`${ONE}/remove-experiments`, { experiment_ids })
const tags = (value: unknown) => ({ tags: JSON.stringify(value) })

export const evaluationDatasetCases: Case[] = [
  {
    title: 'creates, gets and deletes',
    steps: [
      create(),
      read,
      create({
        ...tags({ 'mlflow.user': 'somebody', a: 'b', empty: '', none: null }),
        experiment_ids: ['0', '77'],
      }),
      read,
      experimentIds,
      send('DELETE', ONE),
      send('DELETE', ONE),
      read,
      experimentIds,
      get(`${DATASETS}/none`),
      send('DELETE', `${DATASETS}/none`),
      get(`${DATASETS}/none/experiment-ids`),
    ],
  },
  {
    title: 'takes names as they come, and the same one again',
    steps: [
      create({ name: 'a/b:c "quoted" é 😀' }),
      read,
      create({ name: ' ' }),
      create({ name: '<case>-d' }),
      create({ name: '<case>-d' }),
      create({ tags: '' }),
      create({ tags: 'null' }),
      create({ tags: '{}' }),
      known('column width kept', refused({ name: long(256) })),
      create({ name: long(255) }),
    ],
  },
  {
    title: 'refuses creations',
    steps: [
      post(`${DATASETS}/create`, {}),
      refused({ name: '' }),
      refused({ name: 5 }),
      refused({ name: ['a'] }),
      refused({ name: 'a', tags: { a: 'b' } }),
      refused({ name: 'a', tags: '{' }),
      refused({ name: 'a', tags: '["a"]' }),
      refused({ name: 'a', tags: '"a"' }),
      refused({ name: 'a', tags: '5' }),
      refused({ name: 'a', experiment_ids: '0' }),
      refused({ name: 'a', experiment_ids: { a: 1 } }),
      known('column width kept', refused({ name: 'a', ...tags({ [long(256)]: 'a' }) })),
      known('column width kept', refused({ name: 'a', ...tags({ a: long(5001) }) })),
      known('column width kept', refused({ name: 'a', experiment_ids: [long(37)] })),
      known('column width kept', refused({ name: 'a', ...tags({ 'mlflow.user': long(256) }) })),
      known(
        'repeated experiment taken once',
        post(`${DATASETS}/create`, { name: 'a', experiment_ids: ['1', '1'] }),
      ),
    ],
  },
  {
    title: 'sets and deletes tags',
    steps: [
      create(tags({ a: '1', b: '2' })),
      setTags({ b: 'new', c: 'more', 'mlflow.user': 'somebody else', 'a.b/c': 'slash', '': 'empty key' }),
      read,
      setTags({ a: null, gone: null }),
      setTags({ number: 5, float: 1.5, flag: true, list: [1, 'a', null], object: { a: { b: "it's" } } }),
      read,
      setTags({}),
      send('DELETE', `${ONE}/tags/a`),
      send('DELETE', `${ONE}/tags/a`),
      send('DELETE', `${ONE}/tags/none`),
      send('DELETE', `${ONE}/tags/mlflow.user`),
      read,
      known('column width kept', setTags({ [long(256)]: 'a' })),
      known('column width kept', setTags({ a: long(5001) })),
      setTags({ [long(255)]: long(5000) }),
      send('PATCH', `${ONE}/tags`, {}),
      setTags(''),
      send('PATCH', `${ONE}/tags`, { tags: { a: 'b' } }),
      setTags('{'),
      setTags('[]'),
      setTags('null'),
      send('PATCH', `${DATASETS}/none/tags`, tags({ a: 'b' })),
      send('DELETE', `${DATASETS}/none/tags/a`),
    ],
  },
  {
    title: 'adds to experiments and removes from them',
    steps: [
      createExperiment('e'),
      createExperiment('f'),
      create({ experiment_ids: ['<e>'] }),
      experimentIds,
      add('<f>', '<e>'),
      experimentIds,
      add('<f>', '<f>'),
      add(),
      add('0'),
      experimentIds,
      post('experiments/delete', { experiment_id: '<f>' }),
      removeFrom('<e>', '<f>', 'never'),
      experimentIds,
      add('<f>'),
      add('none'),
      add('01'),
      add('99999999999999999999999999'),
      add(''),
      add('<e>', 'none'),
      experimentIds,
      removeFrom('none'),
      removeFrom(),
      post(`${ONE}/add-experiments`, {}),
      post(`${ONE}/remove-experiments`, {}),
      post(`${ONE}/add-experiments`, { experiment_ids: '0' }),
      post(`${ONE}/remove-experiments`, { experiment_ids: '0' }),
      post(`${DATASETS}/none/add-experiments`, { experiment_ids: ['0'] }),
      post(`${DATASETS}/none/add-experiments`, { experiment_ids: ['none'] }),
      post(`${DATASETS}/none/remove-experiments`, { experiment_ids: ['0'] }),
    ],
  },
]
