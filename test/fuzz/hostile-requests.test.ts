import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { describeEachEngine } from '../support/engines.ts'
import { filterText, orderByText } from '../unit/platform/search/arbitrary-filters.ts'
import { budget, tellCases, timeoutOf } from './budget.ts'
import { type HostileRequest, hostileRequest } from './hostile-requests.ts'
import { type Ids, seed } from './seed.ts'

const API = '/api/2.0/mlflow'
/** Per engine and test. The engines share a long run's cases and time. */
const LIMITS = budget(300, { cases: 0.25, minutes: 0.1 })
const FEWER = budget(60, { cases: 0.05, minutes: 0.05 })
/** Far more than any of these requests needs, far less than what hangs takes. */
const SLOW_MS = 20_000
const TIMEOUT_MS = timeoutOf(LIMITS)

describeEachEngine('hostile requests', (target) => {
  let app: TestApp
  let ids: Ids
  let watched: Ids

  /** What the store holds of the seeds. */
  const snapshot = async ({ experiment, run, model, registeredModel }: Ids) => {
    const paths = [
      `experiments/get?experiment_id=${experiment}`,
      `runs/get?run_id=${run}`,
      `logged-models/${model}`,
      `registered-models/get?name=${registeredModel}`,
      `model-versions/get?name=${registeredModel}&version=1`,
    ]
    return Promise.all(paths.map((path) => app.request('GET', `${API}/${path}`)))
  }

  const expectAnswer = async ({ method, path, body }: HostileRequest) => {
    const start = performance.now()
    const answer = await app.request(method, path, body)
    expect(performance.now() - start).toBeLessThan(SLOW_MS)
    const shown = `${method} ${path} ${JSON.stringify(body)?.slice(0, 2000)}`
    expect(answer.status, shown).toBeLessThan(500)
    expect(answer.contentType, shown).toBe('application/json')

    if (answer.status >= 400) expect(Object.keys(answer.body as object)).toContain('error_code')
    return answer
  }

  beforeAll(async () => {
    app = await startApp(target)
    ids = await seed(app, 'target')
    watched = await seed(app, 'watched')
  })
  afterAll(() => app.close())

  it(
    "are answered or refused in MLflow's form, and change nothing else",
    async () => {
      const before = await snapshot(watched)
      let cases = 0
      await fc.assert(
        fc.asyncProperty(hostileRequest(ids), async (request) => {
          cases++
          await expectAnswer(request)
        }),
        LIMITS,
      )
      expect(await snapshot(watched)).toEqual(before)
      tellCases(target.name, 'hostile requests', cases)
    },
    TIMEOUT_MS,
  )

  it(
    'change nothing at all when they are refused',
    async () => {
      let cases = 0
      await fc.assert(
        fc.asyncProperty(hostileRequest(watched), async (request) => {
          cases++
          if (request.method === 'GET') return
          const before = await snapshot(watched)
          const { status } = await expectAnswer(request)
          if (status >= 400) expect(await snapshot(watched)).toEqual(before)
        }),
        FEWER,
      )
      tellCases(target.name, 'refused changes', cases)
    },
    TIMEOUT_MS,
  )

  it(
    'by filter and order_by never reach the database as SQL',
    async () => {
      const area = fc.constantFrom('runs/search', 'experiments/search', 'logged-models/search')
      const probe = fc.constantFrom(
        "' OR '1'='1",
        "'; DROP TABLE runs; --",
        '") OR 1=1 --',
        '$1',
        "\\'",
        '\\x27; SELECT 1',
      )
      const filter = fc.oneof(
        { weight: 4, arbitrary: filterText },
        { weight: 1, arbitrary: fc.tuple(filterText, probe).map((parts) => parts.join('')) },
        {
          weight: 1,
          arbitrary: probe.map((text) => `tags.a = '${text}' AND tags.\`${text}\` LIKE "%${text}%"`),
        },
      )
      const before = await snapshot(watched)
      let cases = 0
      await fc.assert(
        fc.asyncProperty(area, filter, fc.array(orderByText, { maxLength: 2 }), async (name, text, order) => {
          cases++
          const orderBy = name.startsWith('logged') ? order.map((field_name) => ({ field_name })) : order
          const body = { experiment_ids: [ids.experiment], filter: text, order_by: orderBy, max_results: 5 }
          await expectAnswer({ method: 'POST', path: `${API}/${name}`, body })
        }),
        LIMITS,
      )
      tellCases(target.name, 'searches', cases)
      expect(await snapshot(watched)).toEqual(before)
    },
    TIMEOUT_MS,
  )

  it.each([
    ['text without end', "'".repeat(1_000_000)],
    ['open parentheses', '('.repeat(100_000)],
    ['escaped quotes', `'${"\\'".repeat(500_000)}`],
    ['white space', `NOT${' '.repeat(1_000_000)}x`],
    ['a number', `metrics.k > ${'9'.repeat(1_000_000)}`],
    ['clauses', Array(2000).fill("tags.a != 'b'").join(' AND ')],
    ['wildcards', `tags.a LIKE '${'%_'.repeat(3000)}'`],
    ['places to try', `tags.a LIKE '${'%b'.repeat(2000)}%c'`],
    ['places to try without case', `tags.a ILIKE '${'%b'.repeat(2000)}%c'`],
    ['single wildcards', `tags.a LIKE '%b${'_'.repeat(30)}'`],
    ['halves of surrogate pairs', "run_id IN ('\\ud800')"],
  ])('search in bounded time for: %s', async (_name, filter) => {
    const { run } = ids
    const long = { run_id: run, key: 'a', value: 'b'.repeat(8000) }
    await app.request('POST', `${API}/runs/set-tag`, long)
    const experimentTag = { experiment_id: ids.experiment, key: 'a', value: 'b'.repeat(20_000) }
    await app.request('POST', `${API}/experiments/set-experiment-tag`, experimentTag)
    for (const name of ['runs/search', 'experiments/search', 'logged-models/search']) {
      const body = { experiment_ids: [ids.experiment], filter, max_results: 5 }
      await expectAnswer({ method: 'POST', path: `${API}/${name}`, body })
    }
  })

  it('of deep and repetitive JSON are read in linear time', async () => {
    const bodies: [string, string][] = [
      ['runs/create', `{"experiment_id":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
      ['runs/create', `1111111111111111"${'\\"'.repeat(1_000_000)}`],
      ['runs/create', `{"tags":[${'{},'.repeat(1_500_000)}{}]}`],
      [
        'runs/log-metric',
        `{"run_id":"${ids.run}","key":"k","timestamp":1,"value":"${'1'.repeat(1_000_000)}x"}`,
      ],
    ]
    for (const [path, raw] of bodies) {
      const body = { raw, contentType: 'application/json' }
      expect((await expectAnswer({ method: 'POST', path: `${API}/${path}`, body })).status).toBe(400)
    }
  })
})
