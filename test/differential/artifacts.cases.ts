// Cases of artifacts: proxied files and the files of runs.
import { type Case, createExperiment, createRun, get, known, post, type Step, send } from './cases.ts'

const FILES = '/api/2.0/mlflow-artifacts/artifacts'
const put = (path: string, text: string, contentType = 'application/octet-stream'): Step =>
  send('PUT', `${FILES}/${path}`, { raw: text, contentType })
const list = (query: Record<string, string>): Step => get(FILES, query)
const ofRun = (query: Record<string, string>): Step => get('artifacts/list', query)
const MISSING = '0123456789abcdef0123456789abcdef'

export const artifactCases: Case[] = [
  {
    title: 'stores, lists, reads and deletes proxied files',
    steps: [
      put('<case>/a.txt', 'hello'),
      put('<case>/dir/b.json', '{"a": 1}', 'application/json'),
      put('<case>/dir/deep/c.bin', 'x'),
      put('<case>/sp%20ace/%C3%BC.txt', 'ü'),
      put('<case>/empty.txt', ''),
      put('<case>/a.txt', 'hello again'),
      list({ path: '<case>' }),
      list({ path: '<case>/dir' }),
      list({ path: '<case>/dir/' }),
      list({ path: '<case>/a.txt' }),
      list({ path: '<case>/missing' }),
      list({ path: '<case>/sp ace' }),
      get(`${FILES}/<case>/a.txt`),
      get(`/ajax-api/2.0/mlflow-artifacts/artifacts/<case>/a.txt`),
      get(`${FILES}/<case>/dir/b.json`),
      get(`${FILES}/<case>/sp%20ace/%C3%BC.txt`),
      get(`${FILES}/<case>/empty.txt`),
      get(`${FILES}/<case>/missing.txt`),
      get(`${FILES}/<case>/dir`),
      send('DELETE', `${FILES}/<case>/a.txt`),
      send('DELETE', `${FILES}/<case>/a.txt`),
      send('DELETE', `${FILES}/<case>/dir`),
      list({ path: '<case>' }),
    ],
  },
  {
    title: 'refuses paths that lead elsewhere',
    steps: [
      ...[
        '..',
        '%2E%2E/x',
        'a/%2e%2e/%2e%2e/x',
        '%252e%252e/x',
        'a/..%2fb',

        '%2Fetc/passwd',
      ].flatMap((path) => [get(`${FILES}/${path}`), put(path, 'x')]),
      ...[
        '..',
        '../x',
        '/etc',
        'a/../../b',
        '%2E%2E',
        'C:\\x',

        'file:///etc',
        'a#b',
        'a?b',
        './a',
        '~',
      ].map((path) => list({ path })),
    ],
  },
  {
    title: 'lists the files of a run',
    steps: [
      createExperiment('e'),
      createRun('r', 'e'),
      ofRun({ run_id: '<r>' }),
      put('<e>/<r>/artifacts/a.txt', 'hello'),
      put('<e>/<r>/artifacts/dir/b.txt', 'b'),
      ofRun({ run_id: '<r>' }),
      ofRun({ run_uuid: '<r>' }),
      ofRun({ run_id: '<r>', path: 'dir' }),
      ofRun({ run_id: '<r>', path: 'dir/b.txt' }),
      ofRun({ run_id: '<r>', path: 'missing' }),
      ofRun({ run_id: '<r>', path: '..' }),
      ofRun({ run_id: '<r>', path: '/etc' }),
      ofRun({ run_id: '<r>', path: '' }),
      ofRun({ run_id: MISSING }),
      ofRun({}),
      get('/get-artifact', { run_id: '<r>', path: 'a.txt' }),
      get('/get-artifact', { run_id: '<r>', path: 'missing.txt' }),
      get('/get-artifact', { run_id: '<r>', path: '../a.txt' }),
      known('missing path named', get('/get-artifact', { run_id: '<r>' })),
      get('/get-artifact', { path: 'a.txt' }),
      get('/get-artifact', { run_id: MISSING, path: 'a.txt' }),
      post('runs/delete', { run_id: '<r>' }),
      ofRun({ run_id: '<r>' }),
    ],
  },
]
