// Pages of runs/search: each goes on behind the last run of the one before, whatever happens in between.
import { beforeAll, describe, expect, it } from 'vitest'
import { startApp, type TestApp } from '../../../support/app.ts'
import { describeEachEngine } from '../../../support/engines.ts'

const API = '/api/2.0/mlflow'

interface Page {
  runs?: { info: { run_id: string; run_name: string } }[]
  next_page_token?: string
}

/** Values that differ in how engines, languages and JSON treat them; many of them are equal to others. */
const METRICS = ['NaN', '0', '-0.0', '1e300', 'Infinity', '-Infinity', '0.1', '0.1', undefined, '5e-324']
const TEXTS = ['a', 'A', '', undefined, 'ß', '😀', '～', "it's", 'a\\b', 'a%"b', 'a']
const START_TIMES = [5, 5, 7, 0, '9007199254740993', '9007199254740992', 5]

const ORDERS = [
  [],
  ['metrics.m'],
  ['metrics.m DESC'],
  ['params.p'],
  ['params.p DESC', 'metrics.m'],
  ['tags.t', 'start_time'],
  ['start_time'],
  ['end_time DESC'],
  ['attributes.run_name DESC'],
  ['metrics.none', 'tags.t DESC', 'metrics.m'],
  ['status', 'run_id DESC'],
]

describeEachEngine('paging through runs', (target) => {
  let app: TestApp
  const post = async <Body>(path: string, body: object): Promise<Body> => {
    const answer = await app.request('POST', `${API}/${path}`, body)
    expect(answer).toMatchObject({ status: 200 })
    return answer.body as Body
  }
  const createExperiment = async () =>
    (await post<{ experiment_id: string }>('experiments/create', { name: crypto.randomUUID() })).experiment_id

  async function createRun(experiment_id: string, position: number): Promise<string> {
    const { run } = await post<{ run: { info: { run_id: string } } }>('runs/create', {
      experiment_id,
      run_name: `run ${position % 4}`,
      start_time: START_TIMES[position % START_TIMES.length],
    })
    const { run_id } = run.info
    const [value, text] = [METRICS[position % METRICS.length], TEXTS[position % TEXTS.length]]
    await post('runs/log-batch', {
      run_id,
      metrics: value === undefined ? [] : [{ key: 'm', value, timestamp: 1, step: 0 }],
      params: text === undefined ? [] : [{ key: 'p', value: text }],
      tags: text === undefined ? [] : [{ key: 't', value: text }],
    })
    if (position % 3) await post('runs/update', { run_id, status: 'FINISHED', end_time: position % 5 })
    return run_id
  }

  const search = (body: object) => post<Page>('runs/search', body)
  const ids = ({ runs = [] }: Page) => runs.map(({ info }) => info.run_id)

  async function* pages(body: object) {
    for (let page_token: string | undefined = ''; page_token !== undefined; ) {
      const page: Page = await search({ ...body, page_token })
      yield ids(page)
      page_token = page.next_page_token
    }
  }
  const collect = async (body: object) => {
    const all: string[] = []
    for await (const page of pages(body)) all.push(...page)
    return all
  }

  beforeAll(async () => {
    app = await startApp(target)
    return () => app.close()
  })

  describe('of thirty runs', () => {
    let experimentId: string
    beforeAll(async () => {
      experimentId = await createExperiment()
      await Promise.all(Array.from({ length: 30 }, (_, position) => createRun(experimentId, position)))
    })

    it.each(ORDERS.map((order_by) => ({ order_by })))(
      'answers each once, by $order_by',
      async ({ order_by }) => {
        const body = { experiment_ids: [experimentId], order_by }
        const whole = ids(await search(body))
        expect(new Set(whole).size).toBe(30)
        for (const max_results of [1, 7, 29]) expect(await collect({ ...body, max_results })).toEqual(whole)
      },
    )

    it('goes on by the offset where a token has nothing else, or is of another order', async () => {
      const body = { experiment_ids: [experimentId], max_results: 4 }
      const { next_page_token } = await search({ ...body, order_by: ['metrics.m'] })
      const plain = Buffer.from(JSON.stringify({ offset: 4 })).toString('base64')
      const expected = ids(await search({ ...body, max_results: 8 })).slice(4)
      expect(ids(await search({ ...body, page_token: plain }))).toEqual(expected)
      expect(ids(await search({ ...body, page_token: next_page_token }))).toEqual(expected)
    })

    it('refuses a token whose place is none', async () => {
      const body = { experiment_ids: [experimentId], max_results: 1, order_by: ['metrics.m'] }
      const { next_page_token = '' } = await search(body)
      const token = JSON.parse(Buffer.from(next_page_token, 'base64').toString())
      const places = [[], ['1', '5'], ['x', '5', 'id'], ['1', '1.5', 'id'], ['1', '5', null], [{}, '5', 'id']]
      for (const after of places) {
        const page_token = Buffer.from(JSON.stringify({ ...token, after })).toString('base64')
        const answer = await app.request('POST', `${API}/runs/search`, { ...body, page_token })
        expect(answer).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } })
      }
    })
  })

  it.each([{ order_by: [] }, { order_by: ['metrics.m'] }, { order_by: ['params.p DESC', 'start_time'] }])(
    'misses and repeats none while others come and go, by $order_by',
    async ({ order_by }) => {
      const experimentId = await createExperiment()
      const positions = Array.from({ length: 24 }, (_, position) => position)
      const created = await Promise.all(positions.map((position) => createRun(experimentId, position)))
      const removed = new Set(created.filter((_, position) => position % 4 === 0))
      const seen: string[] = []
      let position = 0
      for await (const page of pages({ experiment_ids: [experimentId], order_by, max_results: 5 })) {
        seen.push(...page)
        const gone = [...removed].slice(position, position + 2)
        await Promise.all(gone.map((run_id) => post('runs/delete', { run_id })))
        await Promise.all([0, 1].map((next) => createRun(experimentId, position + next)))
        position += 2
      }
      const untouched = created.filter((runId) => !removed.has(runId))
      expect(seen.filter((runId) => untouched.includes(runId)).sort()).toEqual(untouched.sort())
      expect(new Set(seen).size).toBe(seen.length)
    },
  )
})
