// What runs hold comes back as it was logged, by a number of statements that does not depend on how much it is.
import { beforeAll, expect, it } from 'vitest'
import { openEngine } from '../../../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../../../src/platform/database/uri.ts'
import { startApp, type TestApp } from '../../../support/app.ts'
import { openMigrated } from '../../../support/databases.ts'
import { describeEachEngine } from '../../../support/engines.ts'

const API = '/api/2.0/mlflow'
const ODD_TEXTS = [
  '',
  ' ',
  '\u0001',
  '\u0002',
  '\u00011\u00012',
  'a\u0002b',
  '"\\\n\t',
  '{"a":[1]}',
  '😀～é',
  "';--",
]

interface Run {
  info: { run_id: string }
  data: Record<'params' | 'tags', { key: string; value: string }[]> & { metrics: object[] }
  inputs: { dataset_inputs?: { dataset: { name: string }; tags?: { value: string }[] }[] }
}

describeEachEngine('the contents of runs', (target) => {
  let app: TestApp
  let statements = 0
  const post = async <Body>(path: string, body: object): Promise<Body> => {
    const answer = await app.request('POST', `${API}/${path}`, body)
    expect(answer).toMatchObject({ status: 200 })
    return answer.body as Body
  }
  const search = async (body: object) => (await post<{ runs: Run[] }>('runs/search', body)).runs

  async function createRun(experiment_id: string, items: number): Promise<string> {
    const { run } = await post<{ run: Run }>('runs/create', { experiment_id, start_time: 1 })
    const { run_id } = run.info
    const keys = Array.from({ length: items }, (_, position) => `k${position}`)
    const texts = keys.map((key, position) => ({ key, value: ODD_TEXTS[position % ODD_TEXTS.length] }))
    await post('runs/log-batch', {
      run_id,
      metrics: keys.map((key, step) => ({ key, value: step / 4, timestamp: 1, step })),
      params: texts,
      tags: texts,
    })
    const dataset = { name: `data ${items}`, digest: 'd', source_type: 'local', source: '{}' }
    const tags = [{ key: 'mlflow.data.context', value: 'train' }]
    await post('runs/log-inputs', { run_id, datasets: [{ dataset, tags }] })
    return run_id
  }

  beforeAll(async () => {
    await (await openMigrated(target.uri)).close()
    const engine = await openEngine(parseBackendUri(target.uri), {
      maxConnections: 5,
      intercept: (connection) => ({
        ...connection,
        query: (...query) => {
          statements++
          return connection.query(...query)
        },
      }),
    })
    app = await startApp(target, { engine })
    return async () => {
      await app.close()
      await engine.close()
    }
  })

  const newExperiment = async () =>
    (await post<{ experiment_id: string }>('experiments/create', { name: crypto.randomUUID() })).experiment_id

  it('are texts to the letter and numbers to the digit, in key order', async () => {
    const runId = await createRun(await newExperiment(), 10)
    await post('runs/log-batch', {
      run_id: runId,
      metrics: [
        { key: 'nan', value: 'NaN', timestamp: 7, step: 0 },
        { key: 'tiny', value: 5e-324, timestamp: '9007199254740993', step: -3 },
        { key: 'huge', value: '-Infinity', timestamp: 0, step: '-9007199254740993' },
      ],
    })
    const answer = await app.request('GET', `${API}/runs/get?run_id=${runId}`)
    const { data, inputs } = (answer.body as { run: Run }).run
    expect(data.params).toEqual(ODD_TEXTS.map((value, position) => ({ key: `k${position}`, value })))
    expect(data.tags.filter(({ key }) => /^k\d$/.test(key))).toEqual(data.params)
    expect(data.metrics.slice(-3)).toEqual([
      { key: 'k9', value: 2.25, timestamp: 1, step: 9 },
      { key: 'nan', value: 'NaN', timestamp: 7, step: 0 },
      { key: 'tiny', value: 5e-324, timestamp: '9007199254740993', step: -3 },
    ])
    expect(data.metrics[0]).toEqual({
      ...{ key: 'huge', value: -Number.MAX_VALUE, timestamp: 0, step: '-9007199254740993' },
    })
    expect(inputs.dataset_inputs).toMatchObject([
      { dataset: { name: 'data 10' }, tags: [{ value: 'train' }] },
    ])
  })

  it('take as many statements for fifty runs as for one', async () => {
    const experimentId = await newExperiment()
    const wanted = { experiment_ids: [experimentId], order_by: ['metrics.k0'] }
    const count = async () => {
      // Latest metrics that are still to be written are written before a search.
      await search(wanted)
      const before = statements
      const runs = await search(wanted)
      return {
        runs: runs.length,
        params: runs.flatMap(({ data }) => data.params).length,
        statements: statements - before,
      }
    }
    await createRun(experimentId, 2)
    const one = await count()
    expect(one).toMatchObject({ runs: 1, params: 2 })
    const sizes = Array.from({ length: 49 }, (_, position) => position + 1)
    for (const size of sizes) await createRun(experimentId, size)
    expect(await count()).toEqual({ runs: 50, params: 2 + (49 * 50) / 2, statements: one.statements })
    expect(one.statements).toBeLessThanOrEqual(11)
  })

  it('come whole where a page is read in several parts', async () => {
    const experimentId = await newExperiment()
    const created = Array.from({ length: 510 }, (_, position) => position)
    for (let from = 0; from < created.length; from += 10) {
      const create = (start_time: number) =>
        post('runs/create', { experiment_id: experimentId, start_time, run_name: `run ${start_time}` })
      await Promise.all(created.slice(from, from + 10).map(create))
    }
    const runs = await search({ experiment_ids: [experimentId], max_results: 2000, order_by: ['start_time'] })
    const names = runs.map(({ data }) => data.tags.find(({ key }) => key === 'mlflow.runName')?.value)
    expect(names).toEqual(created.map((position) => `run ${position}`))
  })
})
