// Cases of the records of evaluation datasets: merging, schema and profile, pages, what is refused.
import { type Case, get, known, post, type Step, send } from './cases.ts'
import { create } from './evaluation-datasets.cases.ts'

const DATASETS = '/api/3.0/mlflow/datasets'
const ONE = `${DATASETS}/<d>`
const long = (length: number) => 'x'.repeat(length)

/** Records as JSON text, for numbers that JavaScript would spell otherwise. */
const upsertText = (records: string): Step => post(`${ONE}/records`, { records })
const upsert = (...records: unknown[]): Step => upsertText(JSON.stringify(records))
const list = (query: Record<string, string> = {}): Step => get(`${ONE}/records`, query)
const read = get(ONE)
const remove = (...dataset_record_ids: unknown[]): Step =>
  send('DELETE', `${ONE}/records`, { dataset_record_ids })
const source = (source_type: unknown, source_data?: unknown) => ({
  inputs: { s: source_type },
  source: { source_type, source_data },
})

export const evaluationDatasetRecordCases: Case[] = [
  {
    title: 'merges records by their inputs',
    steps: [
      create(),
      list(),
      upsert(
        { inputs: { q: 'one' }, expectations: { a: 1, b: 'two' }, tags: { 'mlflow.user': 'first', t: 'x' } },
        { inputs: { q: 'two' } },
        { inputs: { q: 'three', context: { deep: [1, { a: null }] } }, outputs: { answer: 'yes' } },
      ),
      list(),
      read,
      upsert(
        { inputs: { q: 'one' }, expectations: { b: 'new', c: [1] }, tags: { 'mlflow.user': 'second', u: 5 } },
        { inputs: { q: 'two' }, outputs: { late: true }, expectations: { x: 1 } },
        { inputs: { context: { deep: [1, { a: null }] }, q: 'three' }, outputs: null },
        { inputs: { q: 'four' }, expectations: {}, tags: {}, outputs: null },
      ),
      list(),
      read,
      upsert({ inputs: { q: 'one' }, expectations: null, tags: null, source: { source_type: 'CODE' } }),
      upsert({ inputs: { q: 'four' }, expectations: { now: 'there' } }),
      upsert({ inputs: { q: 'one' }, dataset_record_id: 'mine', unknown: 1 }),
      list(),
      read,
    ],
  },
  {
    title: 'merges records that come twice in one request',
    steps: [
      create(),
      upsert(
        { inputs: { q: 1 }, expectations: { a: 1 }, source: { source_type: 'HUMAN' } },
        { inputs: { q: 2 } },
        {
          inputs: { q: 1 },
          expectations: { b: 2 },
          tags: { 'mlflow.user': 'late' },
          source: { source_type: 'CODE' },
        },
        { inputs: { q: 1 }, outputs: 'plain', expectations: { a: 3 } },
      ),
      list(),
      read,
    ],
  },
  {
    title: 'tells numbers apart as Python does',
    steps: [
      create(),
      upsertText(
        '[{"inputs": {"n": 1}}, {"inputs": {"n": 1.0}}, {"inputs": {"n": 1e2}}, {"inputs": {"n": 100.0}}]',
      ),
      upsertText(
        '[{"inputs": {"n": true}}, {"inputs": {"n": 12345678901234567890}}, {"inputs": {"n": 1e-7}}]',
      ),
      upsertText(
        '[{"inputs": {"n": "1"}}, {"inputs": {"n": NaN}}, {"inputs": {"n": -Infinity}}, {"inputs": {"n": -0.0}}]',
      ),
      upsertText('[{"inputs": {"n": 1.0}, "outputs": 0.10, "expectations": {"e": 1E5}}]'),
      list(),
      read,
    ],
  },
  {
    title: 'keeps odd texts and deep inputs',
    steps: [
      create(),
      upsert(
        { inputs: { 'ä "quoted" \n': 'é 😀 \u2028 \\' } },
        { inputs: { nul: 'a\u0000b' } },
        { inputs: { long: long(70_000) }, outputs: long(70_000), expectations: { long: long(70_000) } },
        { inputs: { deep: JSON.parse(`${'['.repeat(90)}1${']'.repeat(90)}`) } },
        { inputs: {} },
      ),
      upsert({}),
      list(),
      read,
    ],
  },
  {
    title: 'keeps sources',
    steps: [
      create(),
      upsert(
        source('TRACE', { trace_id: 'tr-1', other: 1 }),
        source('human', { source_id: 'h-1' }),
        source('Document', {}),
        source('CODE'),
        source('unspecified', null),
        { inputs: { s: 'none' }, source: null },
        { inputs: { s: 'empty' }, source: {} },
        { inputs: { s: 'number' }, source: { source_type: 'CODE', source_data: { source_id: 5 } } },
        { inputs: { s: 'empty id' }, source: { source_type: 'CODE', source_data: { source_id: '' } } },
      ),
      list(),
    ],
  },
  {
    title: 'computes types of fields',
    steps: [
      create(),
      upsert({ inputs: { s: 'a', i: 1, f: 1.5, b: true, n: null, l: [], o: {} }, outputs: 5 }),
      read,
      upsert({ inputs: { s: 1, more: 'x' }, outputs: 'text', expectations: { e: false } }),
      read,
      create(),
      upsert({ inputs: { a: 1 }, outputs: { x: 1 } }, { inputs: { a: 2 }, outputs: [1] }),
      read,
      create(),
      upsert({ inputs: { a: 1 }, outputs: {} }, { inputs: { a: 2 }, outputs: [1] }),
      read,
      create(),
      upsert(),
      read,
      upsert({ inputs: { a: 1 }, tags: { 'mlflow.user': 'somebody' } }, { inputs: { a: 2 } }),
      read,
      upsert({ inputs: { a: 3 } }),
      read,
      upsert(),
      read,
    ],
  },
  {
    title: 'deletes records',
    steps: [
      create(),
      remove(),
      upsert({ inputs: { q: 1 } }),
      { ...list(), save: { r: 'records.0.dataset_record_id' } },
      upsert({ inputs: { q: 2 } }),
      remove('<r>', '<r>', 'none'),
      read,
      list(),
      remove('<r>'),
      { ...list(), save: { s: 'records.0.dataset_record_id' } },
      remove('<s>'),
      read,
      list(),
      upsert(),
      read,
      upsert({ inputs: { q: 2 } }),
      read,
      send('DELETE', `${ONE}/records`, {}),
      send('DELETE', `${ONE}/records`, { dataset_record_ids: 'r' }),
      send('DELETE', `${DATASETS}/none/records`, { dataset_record_ids: ['r'] }),
      send('DELETE', ONE),
      list(),
      send('DELETE', `${ONE}/records`, { dataset_record_ids: ['r'] }),
    ],
  },
  {
    title: 'lists page by page',
    steps: [
      create(),
      upsert({ inputs: { q: 1 } }),
      upsert({ inputs: { q: 2 } }),
      upsert({ inputs: { q: 3 } }),
      { ...list({ max_results: '2' }), save: { next: 'next_page_token' } },
      list({ max_results: '2', page_token: '<next>' }),
      { ...list({ max_results: '1' }), save: { next: 'next_page_token' } },
      { ...list({ max_results: '1', page_token: '<next>' }), save: { next: 'next_page_token' } },
      list({ max_results: '1', page_token: '<next>' }),
      list({ max_results: '3' }),
      list({ max_results: '0' }),
      list({ page_token: '1' }),
      list({ page_token: '5' }),
      list({ page_token: Buffer.from('1:a').toString('base64') }),
      list({ page_token: Buffer.from('99999999999999:a').toString('base64') }),
      list({ page_token: 'x' }),
      list({ max_results: '-1' }),
      list({ max_results: 'x' }),
      get(`${DATASETS}/none/records`),
    ],
  },
  {
    title: 'refuses records, and takes none of a request with a bad one',
    steps: [
      create(),
      post(`${ONE}/records`, {}),
      post(`${ONE}/records`, { records: '' }),
      post(`${ONE}/records`, { records: [{ inputs: {} }] }),
      upsertText('{'),
      upsertText('[{}'),
      upsertText('[{},]'),
      upsertText('[{}] x'),
      upsertText('{"inputs": {}}'),
      upsertText('5'),
      upsertText('null'),
      upsertText('["a"]'),
      upsertText('[null]'),
      upsertText('[[]]'),
      upsert({ inputs: null }),
      upsert({ inputs: 'text' }),
      upsert({ inputs: [1] }),
      upsert({ inputs: 5 }),
      upsert({ inputs: { a: 1 }, expectations: [1] }),
      upsert({ inputs: { a: 1 }, expectations: 'text' }),
      upsert({ inputs: { a: 1 }, tags: [1] }),
      upsert({ inputs: { a: 1 }, tags: 'text' }),
      upsert({ inputs: { a: 1 }, source: 'text' }),
      upsert({ inputs: { a: 1 }, source: { source_type: 'ROBOT' } }),
      upsert({ inputs: { a: 1 }, source: { source_type: 5 } }),
      upsert({ inputs: { a: 1 }, source: { source_data: {} } }),
      upsert({ inputs: { a: 1 }, source: { source_type: 'CODE', more: 1 } }),
      upsert({ inputs: { a: 1 }, source: { source_type: 'CODE', source_data: [1] } }),
      upsert({ inputs: { a: 1 } }, { inputs: { a: 2 }, source: { source_type: 'ROBOT' } }),
      known('column width kept', upsert({ inputs: { a: 1 }, tags: { 'mlflow.user': long(256) } })),
      known(
        'records of a missing dataset refused',
        post(`${DATASETS}/none/records`, { records: '[{"inputs": {}}]' }),
      ),
      known('records of a missing dataset refused', post(`${DATASETS}/none/records`, { records: '[]' })),
    ],
  },
]
