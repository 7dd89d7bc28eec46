// Cases of scorers: registering, versions, lists, deletion, online configurations.
import { list, object } from '../support/compare.ts'
import { type Case, createExperiment, get, known, post, type Step, send, unreadable } from './cases.ts'
import { DEFAULT_SCORER } from './shapes.ts'

const SCORERS = '/api/3.0/mlflow/scorers'
const long = (length: number) => 'x'.repeat(length)
const JUDGE = {
  name: 'polite',
  instructions_judge_pydantic_data: {
    instructions: 'Is {{ outputs }} polite?',
    model: 'openai:/gpt-4.1-mini',
  },
}

const register = (scorer: unknown = JUDGE, body: object = {}): Step =>
  post(`${SCORERS}/register`, {
    experiment_id: '<e>',
    name: 'polite',
    serialized_scorer: JSON.stringify(scorer),
    ...body,
  })
const registered = (body: object = {}, name = 's'): Step => ({
  ...register(JUDGE, body),
  save: { [name]: 'scorer_id' },
})
const asWritten = (serialized: string): Step => register(undefined, { serialized_scorer: serialized })
const read = (query: object = {}): Step =>
  get(`${SCORERS}/get`, { experiment_id: '<e>', name: 'polite', ...query })
const versions = (query: object = {}): Step =>
  get(`${SCORERS}/versions`, { experiment_id: '<e>', name: 'polite', ...query })
const remove = (body: object = {}): Step =>
  send('DELETE', `${SCORERS}/delete`, { experiment_id: '<e>', name: 'polite', ...body })
const listAll: Step = get(`${SCORERS}/list`, { experiment_id: '<e>' })
const configure = (body: object): Step =>
  send('PUT', `${SCORERS}/online-config`, { experiment_id: '<e>', name: 'polite', sample_rate: 0, ...body })
const configs = (...ids: string[]): Step => get(`${SCORERS}/online-configs`, { scorer_ids: ids })

export const scorerCases: Case[] = [
  {
    title: 'registers versions, gets, lists and deletes them',
    steps: [
      createExperiment('e'),
      listAll,
      registered(),
      register({ ...JUDGE, description: 'ein wenig höflicher' }),
      registered({ name: 'Another' }, 'a'),
      registered({ name: 'anóther' }, 'b'),
      listAll,
      versions(),
      read(),
      read({ version: '1' }),
      read({ version: '2' }),
      read({ version: '3' }),
      remove({ version: 3 }),
      remove({ version: 2 }),
      read(),
      register(),
      remove({ version: 1 }),
      versions(),
      register(),
      versions(),
      remove(),
      remove(),
      remove({ version: 1 }),
      read(),
      versions(),
      listAll,
      registered({}, 'again'),
      versions(),
    ],
  },
  {
    title: 'keeps a scorer whose versions are deleted one by one',
    steps: [
      createExperiment('e'),
      registered(),
      register(),
      remove({ version: '2' }),
      remove({ version: 1 }),
      listAll,
      read(),
      versions(),
      remove(),
      configure({}),
      register(),
      versions(),
    ],
  },
  {
    title: 'answers about scorers of the default experiment with its id',
    steps: [
      register(JUDGE, { experiment_id: '0', name: '<case>' }),
      {
        ...get(`${SCORERS}/get`, { experiment_id: '0', name: '<case>' }),
        shape: object({ scorer: DEFAULT_SCORER }),
      },
      {
        ...get('/ajax-api/3.0/mlflow/scorers/versions', { experiment_id: '0', name: '<case>' }),
        shape: object({ scorers: list(DEFAULT_SCORER) }),
      },
      send('DELETE', '/ajax-api/3.0/mlflow/scorers/delete', { experiment_id: '0', name: '<case>' }),
    ],
  },
  {
    title: 'lists scorers of several experiments that are active',
    steps: [
      createExperiment('e'),
      createExperiment('f'),
      createExperiment('gone'),
      registered(),
      register(JUDGE, { name: 'b' }),
      register(JUDGE, { experiment_id: '<f>' }),
      register(JUDGE, { experiment_id: '<gone>' }),
      post('experiments/delete', { experiment_id: '<gone>' }),
      get(`${SCORERS}/list`, { experiment_ids: ['<f>', '<e>', '<gone>', '<f>'] }),
      get(`${SCORERS}/list`, { experiment_ids: ['<gone>'] }),
      get(`${SCORERS}/list`, { experiment_ids: ['987654321'] }),
      get(`${SCORERS}/list`, { experiment_ids: ['x1'] }),
      get(`${SCORERS}/list`, { experiment_ids: [''] }),
      get(`${SCORERS}/list`, { experiment_ids: ['-1'] }),
      get(`${SCORERS}/list`, { experiment_ids: ['99999999999999999999'] }),
      get(`${SCORERS}/list`, { experiment_id: '<e>', experiment_ids: ['<f>'] }),
      get(`${SCORERS}/list`, { experiment_id: '', experiment_ids: ['<f>'] }),
      get(`${SCORERS}/list`, { experiment_id: '<gone>' }),
      get(`${SCORERS}/list`, { experiment_id: '987654321' }),
      get(`${SCORERS}/list`, { experiment_id: 'x1' }),
    ],
  },
  {
    title: 'refuses experiments that are deleted or not there',
    steps: [
      createExperiment('e'),
      register(),
      post('experiments/delete', { experiment_id: '<e>' }),
      register(),
      read(),
      versions(),
      remove(),
      configure({}),
      register(JUDGE, { experiment_id: '987654321' }),
      read({ experiment_id: '987654321' }),
      versions({ experiment_id: 'x1' }),
      remove({ experiment_id: '987654321' }),
      configure({ experiment_id: 'x1' }),
      post('experiments/restore', { experiment_id: '<e>' }),
      read(),
    ],
  },
  {
    title: 'refuses names and requests that lack something',
    steps: [
      createExperiment('e'),
      register(JUDGE, { name: '' }),
      register(JUDGE, { name: '  ' }),
      register(JUDGE, { name: 5 }),
      register(JUDGE, { name: null }),
      register(JUDGE, { name: long(256) }),
      known('column width kept', register(JUDGE, { name: long(257) })),
      read({ name: long(300) }),
      register(JUDGE, { experiment_id: '' }),
      register(JUDGE, { experiment_id: 5 }),
      asWritten(''),
      register(undefined, { serialized_scorer: { name: 'polite' } }),
      post(`${SCORERS}/register`, {}),
      get(`${SCORERS}/get`),
      get(`${SCORERS}/get`, { experiment_id: '<e>' }),
      get(`${SCORERS}/versions`, { name: 'polite' }),
      read({ version: 'x' }),
      read({ version: '-1' }),
      read({ version: '0' }),
      unreadable(read({ version: '99999999999' })),
      remove({ version: 'x' }),
      unreadable(remove({ version: 1.5 })),
      send('DELETE', `${SCORERS}/delete`, {}),
    ],
  },
  {
    title: 'refuses scorers that it must not run, and models that are none',
    steps: [
      createExperiment('e'),
      asWritten('{"name": '),
      asWritten('polite'),
      asWritten('[]'),
      asWritten('null'),
      register({ name: 'x', call_source: 'return 1' }),
      register({ name: 'x', call_source: null }),
      register({ ensemble_scorer_data: { scorers: [{ name: 'x' }, { call_source: '' }] } }),
      register({ third_party_scorer_data: { metric_name: 'm', kwargs: { api_base: 'https://x' } } }),
      register({
        a: [{ third_party_scorer_data: { kwargs: { x: [{ model_list: [] }], fallbacks: 1, base_url: 2 } } }],
      }),
      register({
        third_party_scorer_data: {
          kwargs: {
            x: [
              ['api_base', 1],
              ['other', 2],
            ],
          },
        },
      }),
      register({ third_party_scorer_data: { kwargs: ['api_base', 'base_url'] } }),
      register({ third_party_scorer_data: { kwargs: 'api_base' } }),
      register({ third_party_scorer_data: { kwargs: null, model: 'openai:/gpt' } }),
      register({ third_party_scorer_data: { kwargs: { threshold: 0.5 } } }),
      register({ third_party_scorer_data: 'x' }),
      register({ instructions_judge_pydantic_data: { model: 5 } }),
      register({ instructions_judge_pydantic_data: { model: ' ' } }),
      register({ instructions_judge_pydantic_data: { model: null } }),
      register({ builtin_scorer_pydantic_data: { model: true } }),
      register({ instructions_judge_pydantic_data: {}, builtin_scorer_pydantic_data: { model: [] } }),
      register({
        memory_augmented_judge_data: { base_judge: { builtin_scorer_pydantic_data: { model: '' } } },
      }),
      register({ memory_augmented_judge_data: { x: 1 } }),
      register({ memory_augmented_judge_data: { base_judge: null } }),
      register({ instructions_judge_pydantic_data: 'x' }),
      register({ instructions_judge_pydantic_data: { model: 'gateway:/judge' } }),
      register({ instructions_judge_pydantic_data: { model: 'gateway://judge/x' } }),
      register({ instructions_judge_pydantic_data: { model: 'gateway:/' } }),
      register({ instructions_judge_pydantic_data: { model: 'gateway' } }),
      register({}),
      versions(),
    ],
  },
  {
    title: "keeps a scorer as it was sent, and lists it in Python's spelling",
    steps: [
      createExperiment('e'),
      asWritten(
        '{"b":1,"a":[1.50,1e5,-0,1E-7,12345678901234567890,true,null,{}],"ü\\u00fc\\/":"\\t\\u20ac🙂"}',
      ),
      asWritten(' { "x" : [ NaN , -Infinity , 1.0 , 100000000000000000000.0 ] , "2": [ ], "y":"a, b : c" }'),
      versions(),
      listAll,
      read(),
      read({ version: '1' }),
      asWritten(JSON.stringify({ x: long(40_000) })),
      listAll,
    ],
  },
  {
    title: 'keeps one online configuration of a scorer',
    steps: [
      createExperiment('e'),
      registered(),
      registered({ name: 'other' }, 'o'),
      configs('<s>'),
      configure({ filter_string: "status = 'OK' AND tag.x = 'y'" }),
      configs('<s>', '<o>', 'none'),
      configure({ filter_string: 'timestamp > 1 AND attributes.execution_time_ms >= 5' }),
      configure({
        filter_string: "name IN ('a', 'b') AND tags.x IS NOT NULL AND span.name LIKE 'timestamp = %'",
      }),
      configure({ sample_rate: '0', filter_string: '' }),
      configs('<s>'),
      configure({ sample_rate: false, filter_string: null }),
      configs('<s>'),
      {
        ...configure({ name: 'other', sample_rate: 0.0 }),
        path: '/ajax-api/3.0/mlflow/scorers/online-config',
      },
      configs('<s>', '<o>', '<s>'),
      remove({ version: 1 }),
      configs('<s>'),
      configure({ sample_rate: 0.5 }),
      register(),
      configure({ sample_rate: 0.5 }),
      remove(),
      configs('<s>', '<o>'),
      registered({}, 'again'),
      configs('<again>'),
    ],
  },
  {
    title: 'refuses online configurations',
    steps: [
      createExperiment('e'),
      registered(),
      configure({ sample_rate: 1 }),
      configure({ sample_rate: 0.1, filter_string: "status = 'OK'" }),
      configure({ sample_rate: 1.5 }),
      configure({ sample_rate: -1 }),
      configure({ sample_rate: 1e20 }),
      configure({ sample_rate: 'nan' }),
      configure({ sample_rate: 'much' }),
      configure({ sample_rate: [] }),
      configure({ sample_rate: null }),
      configure({ sample_rate: '' }),
      configure({ name: 'none' }),
      configure({ name: '' }),
      configure({ experiment_id: 5 }),
      configure({ filter_string: 'nonsense' }),
      configure({ filter_string: "bogus = 'x'" }),
      configure({ filter_string: "bogus.status = 'OK'" }),
      configure({ filter_string: 'status = 5' }),
      configure({ filter_string: "status = 'OK' OR status = 'ERROR'" }),
      configure({ filter_string: "status = 'OK'; name = 'x'" }),
      configure({ filter_string: ' ' }),
      unreadable(configure({ filter_string: 5 })),
      send('PUT', `${SCORERS}/online-config`, {}),
      get(`${SCORERS}/online-configs`),
      get(`${SCORERS}/online-configs`, { scorer_ids: '' }),
      get(`${SCORERS}/online-configs`, { scorer_ids: 'none' }),
      configs('<s>'),
    ],
  },
]
